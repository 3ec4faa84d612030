"""LinearSVC on sparse rows, wide and tall: how far from the optimum it is, by strong convexity and by the dual."""

import numpy as np
import pytest
import scipy.sparse as sp

from fastml.svm import LinearSVC

SHAPES = [(12, 30), (40, 1200), (125, 506), (300, 1000), (600, 550), (1300, 1100), (150, 20)]


def table(n, d):
    random = np.random.default_rng(n + d)
    X = sp.random(n, d, max(0.02, 5 / d), "csr", random_state=n, data_rvs=lambda size: random.normal(size=size))
    scores = X @ random.normal(size=d)
    return X, (scores + 0.5 * scores.std() * random.normal(size=n) > np.median(scores)).astype(int)


@pytest.mark.parametrize("C", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_squared_hinge(shape, C):
    X, y = table(*shape)
    model = LinearSVC(C=C).fit(X, y)
    w, b = model.coef_[0], model.intercept_[0]
    signs = 2 * y - 1
    short = np.maximum(0.0, 1 - signs * (X @ w + b))
    value = 0.5 * (w @ w + b * b) + C * (short**2).sum()
    slope = np.append(w, b) - 2 * C * np.append((signs * short) @ X, signs @ short)
    assert (
        slope @ slope / 2 <= 1e-3 * value
    )  # no more than this is the value above the least: its curvature is 1 or more


@pytest.mark.parametrize("C", [0.01, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_hinge(shape, C):
    X, y = table(*shape)
    model = LinearSVC(C=C, loss="hinge", max_iter=20_000).fit(X, y)
    w, b = model.coef_[0], model.intercept_[0]
    signs, alpha = 2 * y - 1, model.dual_coef_.ravel()
    assert ((alpha >= 0) & (alpha <= C * (1 + 1e-12))).all()
    value = 0.5 * (w @ w + b * b) + C * np.maximum(0.0, 1 - signs * (X @ w + b)).sum()
    v, a = (alpha * signs) @ X, (alpha * signs).sum()
    assert value - (alpha.sum() - 0.5 * (v @ v + a * a)) <= 1e-3 * value
