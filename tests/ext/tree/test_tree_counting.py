"""Distinct values, digits and codes of floats that come a piece at a time, held to their definitions."""

import numpy as np
import pytest

from fastml_ext import tree as kernels
from fastml_ext.tree import cases, reference

SEEDS = range(60)
NONE = np.empty(0, np.uint64)


def same(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["add_distinct", "code_values", "count_digits", "keys_of_prefixes"])
@pytest.mark.parametrize("seed", SEEDS)
def test_as_by_definition(name, seed):
    case = getattr(cases, name)
    same(case(kernels, np.random.default_rng(seed)), case(reference, np.random.default_rng(seed)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keys_are_in_the_order_of_numbers(dtype):
    x = np.array([-np.inf, -1e30, -2, -1e-40, -0.0, 0.0, 1e-40, 1, np.nextafter(dtype(1), dtype(2)), np.inf], dtype)
    keys = kernels.add_distinct(x[:, None], [NONE], 20)[0].tolist()
    assert keys == [reference.counting.key(value) for value in np.delete(x, 4)]
    codes = [np.empty(len(x), np.uint16)]
    assert kernels.code_values(x[:, None], [np.array(keys, np.uint64)], [True], codes) == [-1]
    assert codes[0].tolist() == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]


def test_sets_grow_and_stop():
    x = np.random.default_rng(0).permutation(10_000).astype(np.float32)[:, None]
    (keys,) = kernels.add_distinct(x, [NONE], 10_000)
    assert len(keys) == 10_000
    assert (np.diff(keys.astype(object)) > 0).all()
    assert kernels.add_distinct(x, [NONE], 9_999) == [None]
    assert kernels.add_distinct(x, [None], 20_000) == [None]
    (again,) = kernels.add_distinct(x[:5], [keys], 10_000)
    assert again is keys or np.array_equal(again, keys)


@pytest.mark.parametrize("order", ["C", "F"])
def test_many_keys_in_every_layout(order):
    random = np.random.default_rng(1)
    X = np.asarray(np.round(random.standard_cauchy((20_000, 2)) * 1000), order=order)
    X[::7, 1] = np.nan
    keys = kernels.add_distinct(X, [NONE] * 2, 2**16)
    codes = [np.empty(len(X), np.uint16) for _ in range(2)]
    assert kernels.code_values(X, keys, [True] * 2, codes) == [-1, -1]
    for j in range(2):
        known = ~np.isnan(X[:, j])
        values = np.unique(X[known, j])
        assert np.array_equal(codes[j][known], np.searchsorted(values, X[known, j]))
        assert (codes[j][~known] == len(values)).all()
