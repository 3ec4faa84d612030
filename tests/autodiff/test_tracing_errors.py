"""Errors come while the function is traced, and name the line of the user's function."""

import inspect
import math

import numpy as np
import pytest

from fastml import autodiff as ad

V, M = np.ones(3), np.ones((2, 3))


def branch(x):
    return x if x > 0 else -x


def loop_on_value(x):
    while x > 1:
        x = x / 2
    return x


def python_function(x):
    return math.exp(x)


def as_index(x):
    return [1.0, 2.0][x]


def in_place(x):
    x[0] = 2.0
    return ad.sum(x)


def to_array(x):
    return ad.sum(np.array([x, x]))


def no_rule(x):
    return ad.sum(np.arcsinh(x))


def no_rule_function(x):
    return np.sum(np.sort(x))


def ufunc_method(x):
    return np.add.reduce(x)


def remainder(x):
    return ad.sum(x % 2)


def shapes(x):
    return ad.sum(x + np.ones(4))


def products(x):
    return ad.sum(ad.matmul(x, np.ones((2, 2))))


def wrong_axis(x):
    return ad.sum(ad.sum(x, axis=2))


def reshaped(x):
    return ad.sum(x.reshape(2, 2))


def joined(x):
    return ad.sum(ad.concatenate([x, np.ones((2, 2))]))


def outside(x):
    return x[7]


def mask(x):
    return ad.sum(x[np.array([True, False, True])])


def complex_number(x):
    return ad.sum(x * np.array([1j, 1, 1]))


def words(x):
    return ad.sum(x * np.array(["a", "b", "c"]))


CASES = [
    (branch, 1.0, TypeError, "a branch on the value of the traced value"),
    (loop_on_value, 8.0, TypeError, "use where"),
    (python_function, 1.0, TypeError, "autodiff.exp for math.exp"),
    (as_index, 1.0, TypeError, "needs a number"),
    (in_place, V, TypeError, "in-place assignment .* traced value x"),
    (to_array, 1.0, TypeError, "autodiff.stack"),
    (no_rule, V, TypeError, "numpy.arcsinh of a traced value has no rule"),
    (no_rule_function, V, TypeError, "numpy.sort of a traced value has no rule"),
    (ufunc_method, V, TypeError, "numpy.add.reduce of a traced value has no rule"),
    (remainder, V, TypeError, "operator mod"),
    (shapes, V, ValueError, r"shapes \(3,\), \(4,\) do not broadcast"),
    (products, V, ValueError, r"matmul of shapes \(3,\) and \(2, 2\)"),
    (wrong_axis, M, ValueError, "axis=2 of an array with 2 axes"),
    (reshaped, V, ValueError, r"reshape of shape \(3,\) to \(2, 2\)"),
    (joined, V, ValueError, r"concatenate of shapes"),
    (outside, V, IndexError, "index 7 is out of bounds"),
    (mask, V, TypeError, "for a mask use where"),
    (complex_number, V, TypeError, "complex128"),
    (words, V, TypeError, "cannot be traced"),
]


@pytest.mark.parametrize(("function", "x", "kind", "words"), CASES, ids=[c[0].__name__ for c in CASES])
def test_error_names_the_line(function, x, kind, words):
    lines, first = inspect.getsourcelines(function)
    with pytest.raises(kind, match=words) as caught:
        ad.grad(function)(x)
    named = int(str(caught.value).rsplit("(line ", 1)[1].split(" of ")[0])
    assert str(caught.value).endswith("of test_tracing_errors.py)")
    assert first < named < first + len(lines)


def test_not_a_number_out():
    with pytest.raises(TypeError, match="returned 'word': it must return numbers"):
        ad.grad(lambda x: "word")(1.0)
    with pytest.raises(ValueError, match=r"one scalar value, not values of shapes \[\(3,\)\]"):
        ad.grad(lambda x: x * 2.0)(V)


def test_integers_have_no_derivative():
    with pytest.raises(TypeError, match="argument x holds integers"):
        ad.grad(lambda x: ad.sum(x * 2.0))(np.arange(3))


def test_values_do_not_outlive_their_trace():
    kept = []

    def leak(x):
        kept.append(x)
        return x * x

    ad.grad(leak)(1.0)
    with pytest.raises(ValueError, match="belongs to another graph, or to a trace that has ended"):
        ad.grad(lambda x: x * kept[0])(1.0)


def test_an_index_that_was_computed():
    with pytest.raises(TypeError, match="integer arrays, given as arguments"):
        ad.grad(lambda x, i: x[i + 1])(V, np.array(1))


def test_an_argument_that_cannot_be_kept():
    with pytest.raises(TypeError, match="can neither be traced nor compared"):
        ad.grad(lambda x, options: x)(1.0, {"a": {1, 2}})
