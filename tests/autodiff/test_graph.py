"""Graphs written by hand: names, values, tables, questions asked of them, and graphs of great length."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastml import autodiff as ad


def small():
    graph = ad.Graph()
    x, y = graph.variable("x"), graph.variable("y", shape=2)
    (ad.sum(y * x).named("total") ** 2).named("loss")
    return graph


def test_values_and_gradients_by_name_index_and_node():
    graph = small()
    values = graph.forward(x=2.0, y=np.array([1.0, 3.0]))
    gradients = graph.backward()
    assert values["loss"] == values[-1] == values[graph.node("loss")] == 64
    assert gradients["total"] == 16
    assert_array_equal(gradients["y"], [32, 32])
    assert values.named() == {"x": 2.0, "y": pytest.approx([1, 3]), "total": 8.0, "loss": 64.0}
    assert graph.backward(graph.forward([1.0, np.ones(2)]))["x"] == 8  # explicit values, and inputs in order


def test_values_are_checked():
    graph = small()
    with pytest.raises(ValueError, match="no value was given for the input 'y'"):
        graph.forward(x=1.0)
    with pytest.raises(ValueError, match="'z' is no input of the graph; its inputs are x, y"):
        graph.forward(x=1.0, y=np.ones(2), z=0.0)
    with pytest.raises(ValueError, match=r"y has shape \(2,\) in the graph but \(3,\) was given"):
        graph.forward(x=1.0, y=np.ones(3))
    with pytest.raises(ValueError, match="backward\\(\\) before forward\\(\\)"):
        graph.backward()
    with pytest.raises(KeyError, match="no node is named 'w'; the names are 'x', 'y', 'total', 'loss'"):
        graph.forward(x=1.0, y=np.ones(2))["w"]
    with pytest.raises(ValueError, match="only a scalar has one gradient"):
        ad.Graph().output().variable("v", 2).graph.forward(v=np.ones(2)).graph.backward()


def test_names_are_unique_and_graphs_do_not_mix():
    graph, other = ad.Graph(), ad.Graph()
    x = graph.variable("x")
    with pytest.raises(ValueError, match="name='x' is taken by another node"):
        (x + 1.0).named("x")
    with pytest.raises(ValueError, match="belongs to another graph"):
        x + other.variable("y")
    with pytest.raises(ValueError, match="the graph is empty"):
        _ = ad.Graph().result


def test_structure_as_flat_arrays():
    names, starts, args = small().arrays()
    assert names.tolist() == ["input", "input", "multiply", "sum", "constant", "power"]
    assert starts.tolist() == [0, 0, 0, 2, 3, 3, 5]
    assert args.tolist() == [1, 0, 2, 3, 4]


def test_printed_as_a_table():
    graph = small()
    values = graph.forward(x=2.0, y=np.array([1.0, 3.0]))
    lines = graph.table(values.values, graph.backward().values).splitlines()
    assert lines[0].split() == ["node", "name", "function", "arguments", "shape", "value", "gradient"]
    assert lines[4].split() == ["%3", "total", "sum((0,),", "False)", "%2", "scalar", "8", "16"]
    assert str(graph).count("\n") == 6
    assert repr(graph) == "<Graph of 6 nodes, inputs x, y>"


def test_symbolic_derivative_is_simplified():
    graph = ad.Graph()
    x, c = graph.variable("x"), graph.variable("c")
    y = ad.exp(c * x) * x**1 + 0.0 * ad.sin(x) - x / x
    derivative = graph.derivative(y, x)
    text = str(derivative)
    assert "sin" not in text
    assert "divide" not in text
    assert len(derivative) <= 9
    assert derivative.forward(x=0.5, c=2.0)[derivative.result] == pytest.approx(np.exp(1.0) * 2)
    assert graph.derivative(c * 1.0, "x").forward(x=1.0, c=1.0)[-1] == 0


def test_derivative_of_a_derivative():
    graph = ad.Graph()
    x = graph.variable("x")
    first = graph.derivative(x**4, "x")
    second = first.derivative(first.result, "x")
    assert second.forward(x=3.0)[second.result] == 108


def test_symbolic_derivative_by_an_array():
    graph = ad.Graph()
    x = graph.variable("x", 3)
    derivative = graph.derivative(ad.sum(ad.sin(x) * x), "x")
    v = np.array([0.1, 1.0, 2.0])
    assert_allclose(derivative.forward(x=v)[derivative.result], np.cos(v) * v + np.sin(v))
    with pytest.raises(ValueError, match="is a matrix: see autodiff.jacobian"):
        graph.derivative(x * 2.0, "x")
    with pytest.raises(ValueError, match="is no input of floats"):
        graph.derivative(ad.sum(x), ad.sum(x))


def test_a_chain_of_a_hundred_thousand_nodes():
    """No pass over a graph recurses."""
    n = 50_000

    def chain(x):
        y = x
        for _ in range(n):
            y = ad.sin(y) * 1.5
        return y

    graph = ad.trace(chain, 0.5)
    assert len(graph) == 2 * n + 2
    values, slope = graph.forward(x=0.5), 1.0
    at = 0.5
    for _ in range(n):
        slope *= 1.5 * np.cos(at)
        at = 1.5 * np.sin(at)
    assert values[-1] == pytest.approx(at)
    assert graph.backward()["x"] == pytest.approx(slope)
    compiled = ad.compile(graph)
    assert compiled.engine == "interpreted"
    assert compiled.value_and_grad(0.5) == (pytest.approx(at), (pytest.approx(slope),))
    with pytest.raises(ValueError, match="more than 1000 instructions"):
        _ = compiled.kernel


def test_a_graph_as_a_function():
    graph = small()
    assert ad.grad(graph, 0)(2.0, np.array([1.0, 3.0])) == 64
    assert ad.grad(lambda t: ad.value_and_grad(graph, 0)(t, np.ones(2))[1])(1.0) == 8  # (2 t)^2, differentiated twice


def test_several_outputs():
    graph = ad.Graph()
    x = graph.variable("x")
    graph.output(x * 2.0, x * 3.0)
    with pytest.raises(ValueError, match=r"2 outputs where one is needed; choose one with output\(node\)"):
        graph.cost()


def test_cost_of_products():
    assert ad.trace(ad.matmul, np.ones((2, 3)), np.ones((3, 4))).cost().forward == 2 * 4 * 5
    assert ad.trace(lambda x: x**2.5, 1.0).cost() == (1, 2, 3)
    assert ad.trace(lambda x, y: x**y, 1.0, 1.0).cost().forward == 3
    assert ad.trace(lambda x: x[0] * x[1], np.ones(100)).cost() == (1, 0, 300)
