"""What single columns tell of the target, and whether the columns together tell near rows from far ones."""

import numpy as np

from fastml.cli.encoder import estimate
from fastml.cli.models import CLASSIFICATION

__all__ = ["advice", "entropy_of", "information", "information_line"]

PARTS = 10  # that numbers are cut into, equally full
ROWS = 20_000  # that are looked at
NEIGHBORS = 10  # of the estimate of dimensions
CHANCE = 0.01  # how often noise may look like information
SHOWN = 8  # columns in the line for the terminal


def information(problem):
    """[(column, bits of the target that it alone saves)], the most first.

    That is the information gain, less what a column of as many values saves by chance (Miller and Madow's correction);
    0 where chance alone would do as well one time in a hundred (a G test). Numbers are cut into ten parts, equally
    full; a target of numbers too, and then it is its tenth that is told.
    """
    from scipy.stats import chi2

    from fastml.feature_selection import information_gain

    rows = some_rows(problem)
    y = codes(problem.y[rows], problem.task == CLASSIFICATION)
    columns = [codes(problem.X[rows, i], i in problem.texts) for i in range(problem.X.shape[1])]
    gains = information_gain(np.column_stack(columns), y)
    freedom = np.array([(len(np.unique(x)) - 1) * (len(np.unique(y)) - 1) for x in columns])
    unit = 2 * len(y) * np.log(2)
    sure = chi2.sf(gains * unit, np.maximum(freedom, 1)) < CHANCE
    found = zip(problem.names, np.where(sure, np.maximum(gains - freedom / unit, 0.0), 0.0).tolist(), strict=True)
    return sorted(found, key=lambda item: -item[1])


def some_rows(problem):
    return np.sort(np.random.default_rng(0).permutation(len(problem.y))[:ROWS])


def codes(x, categories):
    """A whole number for each value, or for each tenth of numbers; NaN has one of its own."""
    from fastml.preprocessing import PiecewiseConstant

    distinct, places = np.unique(x, return_inverse=True)
    if categories or len(distinct) <= PARTS:
        return places
    cut = PiecewiseConstant(PARTS, strategy="quantile", encode="ordinal", missing="bin")
    return cut.fit_transform(x[:, None].astype(float))[:, 0].astype(np.int64)


def entropy_of(problem):
    """Bits of the target: what a column could save at most."""
    counts = np.unique(codes(problem.y[some_rows(problem)], problem.task == CLASSIFICATION), return_counts=True)[1]
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def information_line(problem):
    """A sentence that names the columns which carry the information."""
    told = [(name, bits) for name, bits in information(problem) if bits >= 0.005]
    what = "the target" if problem.task == CLASSIFICATION else "which tenth the target lies in"
    if not told:
        return f"no column by itself tells more of {what} than chance"
    words = ", ".join(f"{name!r} {bits:.2f}" for name, bits in told[:SHOWN])
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return f"information on {what}, of {entropy_of(problem):.2f} bits, in single columns: {words}{more}"


def advice(problem):
    """A sentence where nearest neighbours are likely to suffer from many columns; else nothing."""
    from fastml.neighbors import concentration

    rows = np.sort(np.random.default_rng(0).permutation(len(problem.y))[:1000])
    X = estimate("scaled", problem.X[rows], problem.texts, problem.reduce).apply(problem.X[rows])
    distinct = len(np.unique(X, axis=0))
    if distinct > NEIGHBORS and X.shape[1] > 1 and np.isfinite(X).all():
        found = concentration(X, n_neighbors=NEIGHBORS)
        if found.advice and found.by_neighbors <= X.shape[1]:  # or it is of ties that distances tell little
            yield f"nearest neighbours: {found.advice}" + ("" if problem.reduce else " (--reduce pca)")
