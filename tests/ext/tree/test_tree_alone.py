"""A tree on the only column that varies, grown without moving rows, is that of the other kernels, bit by bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Settings, reference
from tests.support.effort import effort


@st.composite
def lines(draw):
    """Up to 600 rows of one column, whose classes are noise, stairs or waves with noise."""
    n, n_values, n_classes = draw(st.integers(1, 600)), draw(st.integers(1, 600)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    codes = np.unique(random.integers(0, n_values, n), return_inverse=True)[1]
    if draw(st.booleans()):
        codes = np.arange(n)
    y = codes // draw(st.sampled_from([1, 2, 3, 7, 50, 1000])) % n_classes
    noise = draw(st.sampled_from([0.0, 0.0, 0.1, 1.0]))
    y = np.where(random.random(n) < noise, random.integers(0, n_classes, n), y)
    limits = {
        "criterion": draw(st.sampled_from(["gini", "entropy"])),
        "min_samples_leaf": draw(st.sampled_from([1, 1, 3, 20])),
        "min_impurity_decrease": draw(st.sampled_from([0.0, 0.001])),
        "max_depth": draw(st.sampled_from([3, 2**62, 2**62])),
    }
    return Coded(codes.astype(np.uint16), np.arange(codes.max() + 1.0)), y, Settings(n_classes=n_classes, **limits)


@given(lines())
@effort(2)
def test_it_is_the_tree_of_a_column_and_its_copy(line):
    """Two columns that are alike are grown by the other kernels, which take the first."""
    column, y, settings = line
    alone, twice = kernels.grow([column], y, None, settings), kernels.grow([column, column], y, None, settings)
    for name in alone._fields:
        if name != "n_features":
            np.testing.assert_array_equal(getattr(alone, name), getattr(twice, name), err_msg=name)


def test_columns_of_one_value_beside_it_change_nothing():
    column = Coded(np.arange(100, dtype=np.uint8), np.arange(100.0))
    fixed = Coded(np.zeros(100, np.uint8), np.zeros(1))
    y, settings = np.arange(100) % 2, Settings(criterion="gini", n_classes=2)
    alone, beside = kernels.grow([column], y, None, settings), kernels.grow([fixed, column], y, None, settings)
    np.testing.assert_array_equal(alone.threshold, beside.threshold)
    assert set(beside.feature[beside.feature >= 0]) == {1}


def test_missing_values_and_their_side_are_left_to_the_other_kernels():
    codes = np.array([0, 1, 2, 3, 4, 4, 4], np.uint8)
    y, settings = np.array([0, 1, 0, 1, 1, 1, 0]), Settings(criterion="gini", n_classes=2)
    columns = [Coded(codes, np.arange(4.0)), Coded(np.zeros(7, np.uint8), np.zeros(1))]
    tree, node = kernels.grow(columns, y, None, settings), reference.grow(columns, y, None, settings)
    assert tree.gain[0] == pytest.approx(node["gain"])
    assert tree.missing_go_to_left[0] == node["missing_left"]


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_stairs_have_a_level_for_each_value(criterion):
    """More rows than a subtree may have, and as many levels: a pass over the rows a level would take minutes."""
    n = 80_000
    column = Coded(np.arange(n, dtype=np.uint32), np.arange(float(n)))
    tree = kernels.grow([column], np.arange(n) % 2, None, Settings(criterion=criterion, n_classes=2))
    assert tree.n_leaves == n
    assert tree.max_depth > n / 4
    assert (np.sort(tree.threshold[tree.feature == 0]) == np.arange(n - 1) + 0.5).all()
