"""At the default tol no fit ends above scikit-learn's objective, whatever the rows, their order and their scale."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as scikit
from scipy.special import logsumexp

from fastml.linear_model import LogisticRegression

SHAPES = [(60, 5), (300, 60), (60, 150), (400, 200), (4096, 6), (3200, 30)]


def objective(model, X, y, C):
    W, b = model.coef_.astype(float), model.intercept_.astype(float)
    scores = np.asarray(X.astype(float) @ W.T) + b
    if len(W) == 1:
        loss = np.logaddexp(0, -np.where(y == 1, 1.0, -1.0) * scores[:, 0]).sum()
    else:
        loss = (logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]).sum()
    return C * loss + 0.5 * (W**2).sum()


def rows(kind, n, d, k, random):
    """Rows and classes, of which those of some kinds are all but apart."""
    X = random.standard_normal((n, d))
    if kind == "correlated":
        X = X @ random.standard_normal((d, d)) / np.sqrt(d)
    scores = X @ random.standard_normal((d, k)) + (0.1 if kind == "apart" else 1.0) * random.gumbel(size=(n, k))
    y = scores.argmax(axis=1)
    y[:k] = np.arange(k)
    if kind == "sorted":
        order = np.argsort(y, kind="stable")
        X, y = X[order], y[order]
    elif kind == "every eighth row is of one class":
        y = np.where(np.arange(n) % 8 == 0, 0, np.maximum(y, 1))
        y[1:k] = np.arange(1, k)
    elif kind == "skewed":
        X = np.exp(2 * X)
    elif kind == "scales":
        X *= 10.0 ** random.uniform(-4, 4, d)
    elif kind == "offset":
        X += 1e3
    elif kind == "rare":
        y = np.where(random.random(n) < 0.02, y, 0)
        y[:k] = np.arange(k)
    elif kind == "sparse":
        X = sp.csr_matrix(np.where(random.random((n, d)) < 0.1, X, 0.0))
    return X, y


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("k", [2, 4, 9])
@pytest.mark.parametrize(
    "kind",
    [
        "normal", "correlated", "apart", "sorted", "every eighth row is of one class", "skewed", "scales", "offset",
        "rare", "sparse",
    ],
)  # fmt: skip
def test_logistic_regression_ends_no_higher_than_scikit_learns(kind, k, C):
    for n, d in SHAPES if k < 9 else [(1850, 6)]:
        X, y = rows(kind, n, d, k, np.random.default_rng(n + d + k))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours, theirs = (L(C=C, max_iter=300).fit(X, y) for L in (LogisticRegression, scikit.LogisticRegression))
        ours_at, theirs_at = objective(ours, X, y, C), objective(theirs, X, y, C)
        assert ours_at <= theirs_at * (1 + 1e-6), (n, d, ours.solver_, ours_at / theirs_at - 1)
