"""k-means on a line: clusters are intervals of the numbers in order, so sums over them are differences of two sums."""

import numpy as np

__all__ = ["centres_of_line"]

MOST_ROUNDS, TOLERANCE = 300, 1e-4  # as scikit-learn's KMeans by default
NEAR = 64 * np.finfo(np.float64).eps


def centres_of_line(x, weight, start):
    """The centres, ascending, that k-means of x (n,) with weights (n,) or None finds from ascending centres `start`.

    Where a cluster runs empty, or a number lies half-way between two centres, which of them takes it is a matter of
    rounding: there scikit-learn's KMeans decides.
    """
    found = lloyd(x, weight, start) if len(x) >= len(start) else None
    if found is None:
        from sklearn.cluster import KMeans

        model = KMeans(n_clusters=len(start), init=start[:, None], n_init=1).fit(x[:, None], sample_weight=weight)
        found = np.sort(model.cluster_centers_[:, 0])
    return found.astype(x.dtype, copy=False)


def lloyd(x, weight, start):
    """Lloyd's rounds until no number changes its cluster, or the centres all but stop; None where rounding decides."""
    mean, variance = x.mean(dtype=np.float64), x.var(dtype=np.float64)
    order = None if weight is None else np.argsort(x)
    z = (np.sort(x) if order is None else x[order]).astype(np.float64) - mean
    w = np.ones(len(z)) if order is None else weight[order].astype(np.float64)
    weights, sums = (np.concatenate([[0.0], np.cumsum(values)]) for values in (w, w * z))
    centres, near, cuts = start - mean, NEAR * np.abs(z[[0, -1]]).max(), None
    for _ in range(MOST_ROUNDS):
        between = (centres[1:] + centres[:-1]) / 2
        now = np.searchsorted(z, between - near, side="left")
        if (now != np.searchsorted(z, between + near, side="right")).any():
            return None
        ends = np.concatenate([[0], now, [len(z)]])
        held = np.diff(weights[ends])
        if (held <= 0).any():
            return None
        before, centres = centres, np.diff(sums[ends]) / held
        if cuts is not None and np.array_equal(now, cuts):
            break
        if ((centres - before) ** 2).sum() <= TOLERANCE * variance:
            break
        cuts = now
    return centres + mean
