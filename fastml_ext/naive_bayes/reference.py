"""What the kernels of naive Bayes compute, by definition.

Throughout: X (n, d) are rows of numbers, dense of any real dtype in C order, or, where said, CSR (for events, without
repeated columns). NaN is a value that is missing and plays no part. codes (n,) int64 are the rows' classes in
[0, n_classes). weight (n,) float64 are their weights, none negative; empty for one each. Tables are float64, and so are
sums over rows. Scores are natural logarithms. No input is checked here: the estimators have done so.
"""

import math

import numpy as np

__all__ = [
    "bernoulli_scores", "category_scores", "count_above", "count_categories", "event_scores", "first_negative",
    "gaussian_scores", "has_repeats", "highest_codes", "linear_scores", "log_posterior", "merge_moments", "moments",
    "most_probable", "sum_by_class",
]  # fmt: skip


def dense(X):
    return X.toarray() if hasattr(X, "toarray") else X


def weights_of(X, weight):
    return weight if len(weight) else np.ones(X.shape[0])


def sum_by_class(X, codes, weight, n_classes):
    """(sums (n_classes, d), negatives): of each class, each feature's values times their weights; X dense or CSR.

    negatives: how many values of X are below 0
    """
    X = dense(X).astype(float)
    w = weights_of(X, weight)
    sums = [np.nansum(w[codes == c, None] * X[codes == c], axis=0) for c in range(n_classes)]
    return np.array(sums), int((X < 0).sum())


def count_above(X, codes, weight, n_classes, threshold):
    """(above, missing), both (n_classes, d): the weight of the values above the threshold, >= 0, and of the missing.

    X dense or CSR. A value equal to the threshold is not above it.
    """
    X = dense(X)
    w = weights_of(X, weight)[:, None]
    above = [(w * (X > threshold))[codes == c].sum(axis=0) for c in range(n_classes)]
    missing = [(w * (X != X))[codes == c].sum(axis=0) for c in range(n_classes)]
    return np.array(above), np.array(missing)


def count_categories(X, codes, weight, starts, n_classes):
    """(starts[-1], n_classes): the weight of each category of each feature, in each class.

    X (n, d) dense: places of categories, of which fractions are cut off; negative or NaN is missing
    starts (d + 1,) int64: category q of feature j is row starts[j] + q of the table, below starts[j + 1]
    """
    w = weights_of(X, weight)
    table = np.zeros((starts[-1], n_classes))
    for j in range(X.shape[1]):
        for q in range(starts[j + 1] - starts[j]):
            for c in range(n_classes):
                table[starts[j] + q, c] = w[(np.floor(X[:, j]) == q) & (codes == c)].sum()
    return table


def first_negative(X):
    """(row, column) of the first value, in row order, that is below 0; None if there is none."""
    below = np.argwhere(X < 0)
    return tuple(int(at) for at in below[0]) if len(below) else None


def has_repeats(X):
    """Whether a row of X, CSR, stores a column more than once; columns may stand in any order."""
    rows = [X.indices[a:b] for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    return any(len(np.unique(columns)) < len(columns) for columns in rows)


def highest_codes(X):
    """(d,) float64: the highest value of each feature, -1 where none is above it."""
    return np.array([max([-1.0, *column[column >= 0].tolist()]) for column in X.T])


def moments(X, codes, weight, n_classes):
    """(total, mean, spread), each (n_classes, d): the weight, the mean and the sum of squared distances from it.

    Of the known values of each feature in each class; all three are 0 where there is none.
    """
    X = X.astype(float)
    w = weights_of(X, weight)
    total, mean, spread = np.zeros((3, n_classes, X.shape[1]))
    for c in range(n_classes):
        for j in range(X.shape[1]):
            known = (codes == c) & (X[:, j] == X[:, j])
            total[c, j] = w[known].sum()
            if total[c, j] > 0:
                mean[c, j] = (w[known] * X[known, j]).sum() / total[c, j]
                spread[c, j] = (w[known] * (X[known, j] - mean[c, j]) ** 2).sum()
    return total, mean, spread


def merge_moments(first, second):
    """The moments of two sets of rows together, from (total, mean, spread) of each, arrays of one shape.

    As of two points at the means, which have the sets' weights; the spreads round them are added.
    """
    total = first[0] + second[0]
    mean = (first[0] * first[1] + second[0] * second[1]) / np.where(total > 0, total, 1)
    between = first[0] * (first[1] - mean) ** 2 + second[0] * (second[1] - mean) ** 2
    return total, mean, first[2] + second[2] + between


def linear_scores(X, weights, bias):
    """(n, k): bias[c] plus the sum over the features of x_j weights[c, j]; 0 times an infinite weight is 0.

    X dense or CSR | weights (k, d), which may be infinite, of one sign | bias (k,)
    """
    X = np.nan_to_num(dense(X).astype(float))
    scores = [[bias[c] + sum(x[j] * w[j] for j in np.flatnonzero(x)) for c, w in enumerate(weights)] for x in X]
    return np.array(scores, float)


def bernoulli_scores(X, threshold, present, absent, prior):
    """(n, k): prior[c] plus present[c, j] for each feature above the threshold and absent[c, j] for each that is not.

    threshold >= 0 | present, absent (k, d): log P(x_j above | c) and log P(x_j not above | c), which may be -inf
    prior (k,)
    """
    X = X[:, None, :]
    terms = np.where(X > threshold, present, absent)
    return np.where(X == X, terms, 0.0).sum(axis=2) + prior


def event_scores(X, threshold, gain, absent, empty):
    """(n, k): empty[c], plus gain[j, c] for each feature above the threshold, less absent[j, c] for each missing one.

    X CSR | threshold >= 0 | gain, absent (d, k), finite | empty (k,): the scores of a row in which nothing is stored
    """
    X = dense(X)[:, :, None]
    return np.where(X > threshold, gain, np.where(X == X, 0.0, -absent)).sum(axis=1) + empty


def gaussian_scores(X, mean, inverse, constant, prior):
    """(n, k): prior[c] plus, for each feature that is known, log of the normal density.

    mean, inverse, constant (k, d): the mean, 1 / standard deviation, and -log(2 pi variance) / 2 | prior (k,), finite
    A row so far out that the density of every class is below the range of float64 has -1e300 times the sum of its
    squared distances, in standard deviations, over the square of the largest: the order of the classes is the same.
    """
    X = X.astype(float)[:, None, :]
    with np.errstate(over="ignore"):
        terms = constant - 0.5 * ((X - mean) * inverse) ** 2
    scores = np.where(X == X, terms, 0.0).sum(axis=2) + prior
    far = np.abs(np.where(X == X, X / 2 - mean / 2, 0.0)) * 2.0**-600 * inverse  # 2^-601 of the distance
    for i in np.flatnonzero((scores == -np.inf).all(axis=1)):
        scores[i] = -1e300 * ((far[i] / far[i].max()) ** 2).sum(axis=1)
    return scores


def category_scores(X, starts, table, prior):
    """(n, k): prior[c] plus the table's entry for the category of each feature.

    X and starts as for `count_categories`, but places may be of any size: the last row of a feature stands for every
    category that has none of its own | table (starts[-1], k): logarithms, which may be -inf | prior (k,)
    """
    scores = np.tile(np.asarray(prior, float), (len(X), 1))
    for i, x in enumerate(X):
        for j, q in enumerate(x):
            if q >= 0:
                scores[i] += table[int(min(starts[j] + q, starts[j + 1] - 1))]
    return scores


def log_posterior(scores):
    """(n, k): logarithms of the classes' probabilities, scores[c] - log sum exp scores.

    scores (n, k), none NaN. Where the highest is infinite, classes that have it share the probability equally: so do
    all classes where all are impossible.
    """
    result = np.empty(scores.shape)
    for i, row in enumerate(scores):
        top = row.max()
        if math.isinf(top):
            row = np.where(row == top, 0.0, -np.inf)
            top = 0.0
        result[i] = row - top - math.log(sum(math.exp(score - top) for score in row))
    return result


def most_probable(scores):
    """(n,) int64: the class of the highest score, of equal ones the first; scores (n, k), none NaN."""
    return np.array([row.tolist().index(max(row)) for row in scores], np.int64)
