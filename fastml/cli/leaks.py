"""Warnings before a comparison: columns that already hold the answer, rows that are in every fold, unequal classes."""

import numpy as np

from fastml.cli.models import CLASSIFICATION

__all__ = ["suspicions"]

FEW = 20  # distinct values of a column that may be a code of the target
ROWS = 20  # below this a column may tell the target by chance
TWINS = 0.05  # share of rows with an identical one from where on it is said
SAID = 8  # columns that are named
RARE = 0.2  # of the share that equal classes would have


def suspicions(problem):
    """A sentence for each thing that makes scores better than they will be."""
    if len(problem.y) >= ROWS:
        telling = [name for i, name in enumerate(problem.names) if tells(problem, problem.X[:, i])]
        for name in telling[:SAID]:
            yield (
                f"warning: {name!r} tells the target in every row: is it known before the target is? "
                "If not, leave it out (--drop)"
            )
        if telling[SAID:]:
            yield f"warning: {len(telling) - SAID} more columns tell the target in every row"
    rows = np.ascontiguousarray(problem.X).view(np.dtype((np.void, problem.X.itemsize * problem.X.shape[1]))).ravel()
    _, place, counts = np.unique(rows, return_inverse=True, return_counts=True)
    twins = int((counts[place] > 1).sum())
    if twins > TWINS * len(rows) and problem.groups is None and problem.X.shape[1] > 1:
        yield (
            f"warning: {twins} of {len(rows)} rows have a twin with the same cells, which may be in another fold: "
            "a model may know them by heart (--group keeps rows together)"
        )
    if problem.task == CLASSIFICATION:
        classes, counts = np.unique(problem.y, return_counts=True)
        if counts.min() < RARE * len(problem.y) / len(classes):
            yield (
                f"warning: classes are of unequal size ({classes[counts.argmin()]!s} is {counts.min()} of "
                f"{len(problem.y)} rows): look at the balanced accuracy and the average precision"
            )


def tells(problem, x):
    """Whether a column is the target, a code of it, or for numbers a straight line of it."""
    if problem.task != CLASSIFICATION:
        known = ~np.isnan(x)
        if known.sum() < ROWS or np.ptp(x[known]) == 0 or np.ptp(problem.y[known]) == 0:
            return False
        with np.errstate(all="ignore"):
            return bool(abs(np.corrcoef(x[known], problem.y[known])[0, 1]) > 1 - 1e-10)
    values, codes = np.unique(x, return_inverse=True)
    classes, targets = np.unique(problem.y, return_inverse=True)
    if not len(classes) <= len(values) <= max(FEW, 2 * len(classes)) or len(values) * 2 > len(x):
        return False
    pairs = np.unique(codes * len(classes) + targets)
    return len(pairs) == len(values)
