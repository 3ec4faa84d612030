"""check_gradient finds wrong rules and names them; trace_nonfinite finds where NaN begins."""

import dataclasses

import numpy as np
import pytest

from fastml import autodiff as ad
from fastml.autodiff.node import TABLE


@pytest.fixture
def broken(monkeypatch):
    """Make the rule of an operation wrong for one test."""

    def breaking(name, **columns):
        monkeypatch.setitem(TABLE, name, dataclasses.replace(TABLE[name], **columns))

    return breaking


def test_agreement_and_method():
    smooth = ad.check_gradient(lambda x: ad.sum(ad.tanh(x) ** 2), np.array([0.5, -1.0]))
    assert smooth
    assert smooth.method == "complex step"
    assert smooth.error["x"].max() < 1e-14
    rough = ad.check_gradient(lambda x: ad.sum(ad.abs(x)), np.array([0.5, -1.0]))
    assert rough
    assert rough.method == "central differences"


def test_slopes_of_zero():
    report = ad.check_gradient(lambda x, y: ad.sin(x) ** 3 + ad.sin(y) * 2.0, 0.0, 0.0)
    assert report
    assert ad.check_gradient(lambda x: ad.abs(x) ** 3, 0.0)
    assert ad.check_gradient(lambda x: ad.sum(ad.softmax(x)), np.arange(5.0))  # zero but for rounding


def test_a_wrong_reverse_rule_is_named(broken):
    broken("tanh", reverse=lambda g, y, x: (g * (1.0 - y),))

    def function(x):
        h = ad.sin(x)
        return ad.sum(ad.exp(ad.tanh(h)))

    report = ad.check_gradient(function, np.array([0.5, -1.0]))
    assert not report
    assert report.culprit.startswith("reverse rule of tanh at %2 (line ")
    assert "test_check_gradient.py" in report.culprit
    assert "DISAGREES" in str(report)
    assert report.culprit in str(report)


def test_a_wrong_structural_rule_is_named(broken):
    broken("sum", reverse=lambda g, y, x, axes, keep: (ad.broadcast_to(g * 2.0, x.shape),))
    report = ad.check_gradient(lambda x: ad.exp(ad.sum(x)), np.array([0.5, -1.0]))
    assert report.culprit.startswith("reverse rule of sum at %1")


def test_kinks_are_no_errors_where_the_gradient_lies_between_the_slopes():
    report = ad.check_gradient(lambda x: ad.sum(ad.relu(x)), np.array([0.0, 1.0]))
    assert report
    assert report.kinks["x"].tolist() == [True, False]


def test_tolerance_follows_the_dtype():
    x = np.linspace(-1, 1, 20).astype(np.float32)
    report = ad.check_gradient(lambda x: ad.mean(ad.exp(x) * ad.tanh(x)), x)
    assert report
    assert report.tolerance == 2e-3
    assert report.gradient["x"].dtype == np.float32


def test_some_entries_of_some_arguments():
    report = ad.check_gradient(
        lambda x, y: ad.sum(x * x) + ad.sum(y), np.ones(50), np.ones(3), argnums=0, max_entries=7
    )
    assert report
    assert list(report.numeric) == ["x"]
    assert np.isnan(report.numeric["x"]).sum() == 43


def test_graphs_containers_and_integers():
    graph = ad.Graph()
    x = graph.variable("x")
    graph.output(x**3)
    assert ad.check_gradient(graph, 2.0)
    report = ad.check_gradient(lambda p, i: ad.sum(p["w"][i] * p["b"]), {"w": np.ones(3), "b": 2.0}, np.array([0, 2]))
    assert report
    assert list(report.error) == ["p['w']", "p['b']"]
    with pytest.raises(ValueError, match="only a scalar has one gradient"):
        ad.check_gradient(lambda x: x * 2.0, np.ones(2))


def test_trace_nonfinite():
    def function(x, y):
        ratio = ad.named(x / y, "ratio")
        return ad.sum(ad.log(ratio) * 0.0)

    assert ad.trace_nonfinite(function, np.ones(2), np.ones(2)) is None
    found = ad.trace_nonfinite(function, np.array([1.0, 0.0]), np.ones(2))
    assert (found.name, found.operation) == ("%3", "log")
    assert found.arguments["ratio"].tolist() == [1, 0]
    found = ad.trace_nonfinite(function, np.ones(2), np.array([1.0, 0.0]))
    assert (found.name, found.operation) == ("ratio", "divide")
    assert str(found).startswith("ratio = divide(x, y) gave [ 1., inf] from x = [1., 1.], y = [1., 0.] (line ")
    graph = ad.trace(function, np.ones(1), np.ones(1))
    assert ad.trace_nonfinite(graph, {"x": np.ones(1), "y": np.full(1, np.nan)}).name == "y"
