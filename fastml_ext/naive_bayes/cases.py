"""Small inputs for naive Bayes; as in fastml_ext/neighbors/cases.py. Half of the tables go to the kernels as CSR."""

import numpy as np
import scipy.sparse as sp

from fastml_ext.naive_bayes import reference

CLOSE = {
    "bernoulli_scores": 1e-12,
    "category_scores": 1e-12,
    "count_above": 1e-12,
    "count_categories": 1e-12,
    "event_scores": 1e-12,
    "gaussian_scores": 1e-12,
    "linear_scores": 1e-12,
    "log_posterior": 1e-12,
    "merge_moments": 1e-9,
    "moments": 1e-9,
    "sum_by_class": 1e-12,
}
EACH = np.empty(0)  # weights of one each


def sum_by_class(family, random):
    X = table(random)
    return family.sum_by_class(layout(family, X, random), *classes(random, len(X)))


def count_above(family, random):
    X = table(random)
    return family.count_above(layout(family, X, random), *classes(random, len(X)), random.choice([0.0, 1.0]))


def count_categories(family, random):
    X, starts = places(random)
    return family.count_categories(X, *classes(random, len(X))[:2], starts, 3)


def first_negative(family, random):
    X = np.abs(table(random))
    if random.integers(2):
        X[random.integers(len(X)), random.integers(X.shape[1])] = random.choice([-1.0, -0.5])
    return family.first_negative(X)


def has_repeats(family, random):
    indptr = np.append(0, np.cumsum(random.integers(0, 4, 5)))
    columns = random.permutation(np.arange(2 * indptr[-1]) // random.integers(1, 3))[: indptr[-1]]
    return family.has_repeats(sp.csr_matrix((np.ones(len(columns)), columns, indptr), shape=(5, 40)))


def highest_codes(family, random):
    return family.highest_codes(table(random))


def moments(family, random):
    """Also far from 0, and constant."""
    X = random.choice([0, 1e3]) + random.choice([0, 0.1, 1]) * table(random)
    return family.moments(X, *classes(random, len(X)))


def merge_moments(family, random):
    X, Z = (table(random, d=3) for _ in range(2))
    first, second = (reference.moments(part, *classes(random, len(part))) for part in (X, Z))
    return family.merge_moments(first, second)


def linear_scores(family, random):
    """Weights of one sign, infinite ones too."""
    X = np.abs(table(random))
    k = int(random.integers(1, 4))
    weights, prior = (table[:k] for table in logarithms(random, X.shape[1]))
    return family.linear_scores(layout(family, X, random), weights, prior)


def bernoulli_scores(family, random):
    X = table(random)
    (present, prior), (absent, _) = logarithms(random, X.shape[1]), logarithms(random, X.shape[1])
    return family.bernoulli_scores(X, random.choice([0.0, 1.0]), present, absent, prior)


def event_scores(family, random):
    X, threshold = table(random), random.choice([0.0, 1.0])
    k = int(random.integers(1, 4))
    gain, absent = random.standard_normal((2, X.shape[1], k))
    return family.event_scores(layout(family, X, random, always=True), threshold, gain, absent, random.random(k))


def gaussian_scores(family, random):
    X = table(random)
    mean, variance = random.standard_normal((3, X.shape[1])), random.uniform(0.1, 3, (3, X.shape[1]))
    return family.gaussian_scores(X, mean, variance**-0.5, -np.log(2 * np.pi * variance) / 2, random.standard_normal(3))


def category_scores(family, random):
    X, starts = places(random)
    X = X + random.integers(0, 2, X.shape)  # some have no row
    weights, prior = logarithms(random, int(starts[-1]))
    return family.category_scores(X, starts, np.ascontiguousarray(weights.T), prior)


def log_posterior(family, random):
    return family.log_posterior(some_scores(random))


def most_probable(family, random):
    return family.most_probable(some_scores(random))


def some_scores(random):
    """Equal and infinite ones among them."""
    scores = random.choice([-1e3, 0, 700]) + random.standard_normal(random.integers(1, [9, 5]))
    scores[random.random(scores.shape) < 0.3] = random.choice([-np.inf, np.inf, 0.0])
    return scores


def table(random, d=None):
    """Small integers, many of them 0; in half of the tables some are missing. Every sum is exact."""
    shape = int(random.integers(1, 40)), d or int(random.integers(1, 12))
    X = random.integers(-2, 5, shape) * (random.random(shape) < 0.5)
    X = X.astype(random.choice([np.float32, np.float64]))
    if random.integers(2):
        X[random.random(shape) < 0.2] = np.nan
    return X


def places(random):
    """(X, starts): places of categories, -1 or NaN where missing, and where the features' rows begin."""
    n, d = random.integers(1, [40, 6])
    sizes = random.integers(1, 5, d)
    X = random.integers(-1, sizes, (n, d))
    return (X + random.choice([0.0, 0.5]) if random.integers(2) else X), np.append(0, np.cumsum(sizes))


def classes(random, n):
    """(codes, weight, n_classes)"""
    weight = random.integers(0, 4, n) / 2 if random.integers(2) else EACH
    return random.integers(0, 3, n), weight, 3


def logarithms(random, d):
    """(table (3, d), prior (3,)) of probabilities, some of them 0."""
    with np.errstate(divide="ignore"):
        impossible = random.random((3, d)) < random.choice([0, 0.1])
        return np.where(impossible, -np.inf, np.log(random.random((3, d)))), np.log(random.dirichlet(np.ones(3)))


def layout(family, X, random, always=False):
    """CSR rows for the kernels, half of the time or always; the reference takes dense ones."""
    return sp.csr_matrix(X) if (random.integers(2) or always) and family is not reference else X
