"""Expressions: what is read and what is refused, values against NumPy, text from graphs and functions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml import autodiff as ad
from fastml.preprocessing import FeatureMap
from fastml.preprocessing.expressions import FUNCTIONS, Expression, as_text

X = np.array([[0.5, 2.0], [1.5, -1.0], [0.25, 0.75], [2.0, 2.0]])

VALUES = [  # text, the same in NumPy
    ("x**2 + y", lambda x, y: x**2 + y),
    ("-x**2", lambda x, y: -(x**2)),
    ("2**-1 * x", lambda x, y: 0.5 * x),
    ("x - (y - 1)/x*2", lambda x, y: x - (y - 1) / x * 2),
    ("x**7", lambda x, y: x**7),
    ("x**0.5", lambda x, y: np.sqrt(x)),
    ("pi*x + e", lambda x, y: math.pi * x + math.e),
    ("1 if x < y else x", lambda x, y: np.where(x < y, 1, x)),
    ("0 < x <= 1.5 and not y == 2", lambda x, y: (x > 0) & (x <= 1.5) & (y != 2)),
    ("x > 1 or y", lambda x, y: (x > 1) | (y != 0)),
    ("(x >= y) + (x != y)", lambda x, y: (x >= y) * 1.0 + (x != y)),
    ("maximum(x, minimum(y, 1)) + clip(y, 0, 1)", lambda x, y: np.maximum(x, np.minimum(y, 1)) + np.clip(y, 0, 1)),
    ("where(x < 1, sin(x), cos(y))", lambda x, y: np.where(x < 1, np.sin(x), np.cos(y))),
    ("log(x) + exp(y) + sqrt(x) + abs(y)", lambda x, y: np.log(x) + np.exp(y) + np.sqrt(x) + np.abs(y)),
    ("square(x) + sign(y) + relu(y) + step(y)", lambda x, y: x**2 + np.sign(y) + np.maximum(y, 0) + (y >= 0)),
    (
        "tanh(x) + arctan(y) + tan(x) + log1p(x) + expm1(y)",
        lambda x, y: np.tanh(x) + np.arctan(y) + np.tan(x) + np.log1p(x) + np.expm1(y),
    ),
    ("sigmoid(x) + softplus(y)", lambda x, y: 1 / (1 + np.exp(-x)) + np.log1p(np.exp(y))),
]


def test_every_function_has_an_example():
    assert all(any(f"{name}(" in text for text, _ in VALUES) for name in FUNCTIONS)


def test_values():
    """All in one pass, as they stand beside each other."""
    found = FeatureMap(features=[text for text, _ in VALUES], columns=["x", "y"]).fit_transform(X)
    expected = np.stack([np.broadcast_to(f(*X.T), len(X)) for _, f in VALUES], axis=1)
    np.testing.assert_allclose(found, expected.astype(float), rtol=1e-13)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3x", r"write 3\*x"),
        ("x^2", r"write x\*\*2"),
        ("", "is no expression"),
        ("x +", "is no expression"),
        ("x; y", "is no expression"),
        ("import os", "is no expression"),
        ("x = 1", "is no expression"),
        ("__import__('os').system('true')", "is no function here"),
        ("eval('1')", "eval in .* is no function here"),
        ("open(x)", "open in .* is no function here"),
        ("x.__class__", "is not understood"),
        ("(1).__class__", "is not understood"),
        ("cos.__globals__", "is not understood"),
        ("x[0]", "is not understood"),
        ("lambda: 1", "is not understood"),
        ("[x for x in y]", "is not understood"),
        ("(x := 2)", "is not understood"),
        ("f'{x}'", "is not understood"),
        ("'text'", "is not understood"),
        ("True", "is not understood"),
        ("1j", "is not understood"),
        ("x % 2", "is not understood"),
        ("x @ y", "is not understood"),
        ("x is y", "is not understood"),
        ("await x", "is not understood|is no expression"),
        ("*x", "is not understood|is no expression"),
        ("cos(x, y)", "takes 1 argument"),
        ("cos(x=1)", "takes 1 argument"),
        ("where(x, 1)", "takes 3 arguments"),
        ("cos(x)(y)", "is no function here"),
        ("1e999", "too large for a float"),
        ("1" + "0" * 400, "too large for a float"),
        ("9" * 5000, "is no expression"),
        ("x" + "+x" * 4000, "nested too deeply"),
        ("(" * 3000 + "x" + ")" * 3000, "nested too deeply|is no expression"),
        ("x" * 10_001, "too long"),
        ("x\0", "is no expression|null"),
        ("z + 1", "reads the column 'z', but X has 'x', 'y'"),
    ],
)
def test_what_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        FeatureMap(features=[text], columns=["x", "y"]).fit(X)


@given(text=st.text(alphabet="xy012.+-*/()<>=,`'\"[]{}:;_ \n\\#@!%&|~^cos\0é", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        expression = Expression(text)
    except ValueError:
        return
    assert isinstance(expression.names, list)


# ------------------------------------------------------------------------------------------------ text from graphs

SUMS = st.recursive(
    st.sampled_from(["x", "y", "2", "0.1", "-3"]),
    lambda parts: st.one_of(
        st.tuples(parts, st.sampled_from([" + ", " - ", "*", "/", " < ", " <= "]), parts).map(
            lambda p: f"({p[0]}){p[1]}({p[2]})"
        ),
        parts.map(lambda p: f"-({p})"),
        parts.map(lambda p: f"cos({p})"),
        parts.map(lambda p: f"({p})**2"),
    ),
    max_leaves=6,
)


@given(text=SUMS)
def test_text_of_a_graph_reads_back(text):
    graph = ad.Graph()
    columns = {name: graph.variable(name) for name in "xy"}
    node = Expression(f"x + ({text})").write(columns)
    again = Expression(as_text(node)).write(columns)
    graph.output(node, again)
    at = {"x": 0.7, "y": 1.3}
    first, second = (graph.forward(**at)[n.index] for n in (node, again))
    np.testing.assert_array_equal(first, second)


def test_functions_and_variables_become_text():
    graph = ad.Graph()
    x = graph.variable("x")
    assert as_text(ad.cos(3 * x) - (1 - x)) == "cos(3*x) - (1 - x)"
    assert as_text(lambda width, height: ad.maximum(width, height) ** 2) == "maximum(width, height)**2"
    assert as_text(graph.variable("no identifier") / 0.1) == "`no identifier`/0.10000000000000001"
    with pytest.raises(ValueError, match="works on arrays"):
        as_text(graph.variable("v", 3).sum())
    with pytest.raises(ValueError, match="has no name"):
        as_text(graph.variable() + 1)
