"""Functions of the user, called by kernels through their address."""

import math

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from fastml_ext.device import calls  # noqa: E402  needs Numba
from fastml_ext.jit import kernel  # noqa: E402


@kernel
def one(address, x):
    return calls.call_one(address, x)


@kernel
def two(address, x, y):
    return calls.call_two(address, x, y)


@kernel
def rows(address, x, y):
    return calls.call_rows(address, x, y)


@kernel
def system(address):
    calls.call_system(address)


def test_a_function_of_one_number_and_of_two():
    square = calls.compile_function(lambda x: x * x, calls.numbers(1), "loss")
    power = calls.compile_function(lambda x, y: x**y, calls.numbers(2), "loss")
    assert one(square.address, 3.0) == 9.0
    assert two(power.address, 2.0, 10.0) == 1024.0


def test_a_function_of_two_rows_gets_them_and_their_length():
    def difference(x, y, d):
        total = 0.0
        for j in range(d):
            total += x[j] - 2 * y[j]
        return total

    function = calls.compile_function(difference, calls.ROWS, "metric")
    x, y = np.arange(10.0), np.ones(10)
    assert rows(function.address, x[3:7], y[:4]) == 3 + 4 + 5 + 6 - 8


def test_a_function_of_the_system():
    told = []
    function = numba.cfunc("int32()")(lambda: 7)  # what it returns is dropped
    assert system(function.address) is None
    assert told == []


def test_what_cannot_be_compiled_is_told_with_its_name_and_the_cure():
    def by_name(x):
        return {"a": x}["b"].upper()

    with pytest.raises(ValueError, match=r"loss=by_name does not compile \(.*\): write it with numbers"):
        calls.compile_function(by_name, calls.numbers(1), "loss")
    with pytest.raises(ValueError, match=r"metric=by_name is of no use$"):
        calls.compile_function(by_name, calls.numbers(1), "metric", "is of no use")


def test_an_error_inside_is_no_crash():
    function = calls.compile_function(lambda x: 1.0 / x, calls.numbers(1), "loss")
    assert math.isfinite(one(function.address, 0.5))
