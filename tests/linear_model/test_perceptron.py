"""The perceptron: its classical examples, its theorem, and what the report says."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from datasets import digits
from hypothesis import given
from hypothesis import strategies as st

from fastml.linear_model import Perceptron

TABLE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def test_and_in_table_order():
    model = Perceptron(shuffle=False, tol=None, largest_margin=True).fit(TABLE, [0, 0, 0, 1])
    report = model.report_
    assert report.status == model.stopped_ == "separated"
    assert report.total_mistakes == 18
    assert report.bound == pytest.approx(51)
    assert model.predict(TABLE).tolist() == [0, 0, 0, 1]
    found = Perceptron(shuffle=False, tol=None).fit(TABLE, [0, 0, 0, 1]).report_
    assert found.bound >= 51 - 1e-9
    assert "18 (" in str(report)


def test_or_is_learnt_and_xor_is_not_separable():
    assert Perceptron(tol=None).fit(TABLE, [0, 1, 1, 1]).report_.status == "separated"
    for options in ({}, {"shuffle": False, "fit_intercept": False}, {"margin": 1.0}, {"multi_class": "multinomial"}):
        report = Perceptron(tol=None, **options).fit(TABLE, [0, 1, 1, 0]).report_
        assert (report.status, report.proof, report.bound) == ("not separable", "repeated state", None)
    by_program = Perceptron(prove="lp", max_iter=5, tol=None).fit(TABLE * 0.1, [0, 1, 1, 0]).report_
    assert (by_program.status, by_program.proof) == ("not separable", "linear program")
    assert Perceptron(prove=None, max_iter=5, tol=None).fit(TABLE, [0, 1, 1, 0]).report_.status == "out of epochs"


def test_the_line_through_two_points():
    model = Perceptron.from_weights([1, 3], -3)
    assert model.decision_function([[0, 1], [3, 0]]).tolist() == [0, 0]
    assert model.predict([[3, 1], [0, 0]]).tolist() == [1, -1]


@st.composite
def separable_data(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    d = draw(st.integers(1, 5))
    w = rng.normal(size=d + 1)
    X = rng.integers(-8, 9, (draw(st.integers(2, 40)), d)) / draw(st.sampled_from([1, 10]))
    z = X @ w[:-1] + w[-1]
    keep = np.abs(z) > 0.3 * np.linalg.norm(w)
    return X[keep], z[keep] > 0


@given(data=separable_data(), margin=st.sampled_from([0.0, 0.5, 1.0]), eta=st.sampled_from([1.0, 0.25]))
def test_mistakes_never_exceed_the_bound(data, margin, eta):
    X, y = data
    if len(set(y.tolist())) < 2:
        return
    margins = []
    for largest in (False, True):
        model = Perceptron(tol=None, max_iter=10**6, margin=margin, eta0=eta, largest_margin=largest, prove=None)
        report = model.fit(X, y).report_
        assert report.status == "separated"
        assert report.radius == pytest.approx(np.sqrt((X**2).sum(axis=1).max() + 1))
        assert report.total_mistakes <= report.bound * (1 + 1e-9)
        assert model.score(X, y) == 1
        assert report.mistakes[-1] == 0
        margins.append(report.margin)
    assert margins[1] >= margins[0] * (1 - 1e-9)


def test_several_classes_each_and_together():
    X, y = np.array([[0.0, 5], [5, 0], [-5, -5], [0, 6], [6, 0], [-6, -5]]), ["n", "e", "s", "n", "e", "s"]
    each = Perceptron(tol=None).fit(X, y)
    assert set(each.report_) == {"n", "e", "s"}
    assert all(report.total_mistakes <= report.bound for report in each.report_.values())
    together = Perceptron(tol=None, multi_class="multinomial").fit(X, y)
    assert together.report_.total_mistakes <= together.report_.bound
    assert each.predict(X).tolist() == together.predict(X).tolist() == y


def voted_by_definition(X, y, epochs, queries):
    w, votes, t = np.zeros(X.shape[1] + 1), np.zeros(len(queries)), 0
    X, queries = np.column_stack([X, np.ones(len(X))]), np.column_stack([queries, np.ones(len(queries))])
    total = np.zeros_like(w)
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            if label * (w @ x) <= 0:
                w = w + label * x
            votes += np.where(queries @ w > 0, 1, -1)
            total += w
            t += 1
    return votes / t, total / t


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
def test_voted_and_averaged_by_definition(layout):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.where(X @ [1, 2, -1] + rng.normal(size=60) > 0, 1, -1)
    votes, mean = voted_by_definition(X, y, 4, X)
    options = {"shuffle": False, "tol": None, "max_iter": 4, "prove": None}
    voted = Perceptron(average="voted", **options).fit(layout(X), y)
    np.testing.assert_allclose(voted.decision_function(layout(X)), votes, atol=1e-12)
    assert np.array_equal(voted.predict(X), np.where(votes > 0, 1, -1))
    averaged = Perceptron(average=True, **options).fit(layout(X), y)
    np.testing.assert_allclose(np.append(averaged.coef_, averaged.intercept_), mean, rtol=1e-10)


def test_voted_on_several_classes():
    X, y = digits()
    voted = Perceptron(average="voted", max_iter=3, tol=None).fit(X[:900], y[:900])
    plain = Perceptron(max_iter=3, tol=None).fit(X[:900], y[:900])
    assert voted.score(X[900:], y[900:]) >= plain.score(X[900:], y[900:])
    with pytest.raises(ValueError, match="average='voted' keeps the rows"):
        Perceptron(average="voted", penalty="l2").fit(X, y)
    assert hasattr(plain, "partial_fit")
    assert not hasattr(voted, "partial_fit")
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as refusal:
        voted.partial_fit(X, y, classes=range(10))
    assert "average='voted' needs all updates" in str(refusal.value.__cause__)


def test_no_bound_where_the_theorem_does_not_hold():
    X, y = TABLE, [0, 0, 0, 1]
    for model, weight in (
        (Perceptron(penalty="l2", alpha=1e-6), None),
        (Perceptron(class_weight={0: 1, 1: 2}), None),
        (Perceptron(), [1, 1, 1, 2.0]),
    ):
        assert model.set_params(tol=None).fit(X, y, sample_weight=weight).report_.bound is None


def test_as_good_as_scikit_learn():
    X, y = digits()
    ours = Perceptron().fit(X[:1200], y[:1200]).score(X[1200:], y[1200:])
    theirs = sklearn.linear_model.Perceptron().fit(X[:1200], y[:1200]).score(X[1200:], y[1200:])
    assert ours > theirs - 0.03
