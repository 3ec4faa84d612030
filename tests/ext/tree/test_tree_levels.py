"""Rows that go down a tree a piece at a time, and splits that counts decide, held to their definitions."""

import numpy as np
import pytest
from fastml_ext.tree.growing.judging import Judge

from fastml_ext import tree as kernels
from fastml_ext.tree import cases, reference
from fastml_ext.tree.reference import levels


@pytest.mark.parametrize("name", ["count_codes", "go_down"])
@pytest.mark.parametrize("seed", range(40))
def test_as_by_definition(name, seed):
    case = getattr(cases, name)
    found, expected = case(kernels, np.random.default_rng(seed)), case(reference, np.random.default_rng(seed))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def drawn(seed):
    random = np.random.default_rng(seed)
    n, k = int(random.integers(1, 80)), int(random.integers(2, 4))
    codes = [random.integers(0, random.integers(1, 6), n).astype(np.uint8) for _ in range(3)]
    return codes, random.integers(0, k, n), k


def counted(codes, y, k):
    counts = [np.zeros((1, 6, k), np.uint32) for _ in codes]
    kernels.count_codes(codes, np.zeros(len(y), np.int32), y.astype(np.uint8), counts)
    return [each[0] for each in counts]


@pytest.mark.parametrize("criterion", ["gini", "entropy", "gain_ratio"])
@pytest.mark.parametrize("seed", range(60))
def test_the_split_of_counts_is_that_of_rows(criterion, seed):
    """Codes from 0 to 4 of numbers, and 5 of missing ones."""
    codes, y, k = drawn(seed)
    settings = kernels.Settings(criterion=criterion, n_classes=k, min_samples_leaf=1 + seed % 3)
    tree = kernels.grow(
        [kernels.Coded(each, np.arange(5.0)) for each in codes], y, None, settings._replace(max_depth=1)
    )
    judge = Judge(settings, len(y), 6)
    record, value, allowed = judge.describe(np.bincount(y, minlength=k), 0)
    assert record["impurity"][0] == tree.impurity[0]
    assert record["weight"][0] == tree.weighted_n_node_samples[0] == record["n_samples"][0]
    assert np.array_equal(value, tree.value[0, 0])
    left = judge.split(record, counted(codes, y, k)) if allowed else None
    assert (left is None) == (tree.node_count == 1)
    if left is not None:
        assert record["gain"][0] == tree.gain[0]
        assert record["feature"][0] == tree.feature[0]
        assert record["missing_left"][0] == tree.missing_go_to_left[0]
        assert np.array_equal(left / left.sum(), tree.value[tree.children_left[0], 0])


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
@pytest.mark.parametrize("seed", range(60))
def test_the_best_cut_by_definition(criterion, seed):
    codes, y, k = drawn(seed)
    counts = counted(codes, y, k)
    expected = levels.best_cut(counts, criterion)
    judge = Judge(kernels.Settings(criterion=criterion, n_classes=k), len(y), 6)
    record, _, allowed = judge.describe(np.bincount(y, minlength=k), 0)
    left = judge.split(record, counts) if allowed else None
    if not allowed or expected is None:
        assert left is None
        return
    gain, column, code, missing_left = expected
    assert record["gain"][0] == pytest.approx(gain, abs=1e-12)
    assert (record["feature"][0], record["code_left"][0]) == (column, code)
    if counts[column][-1].any():
        assert bool(record["missing_left"][0]) == missing_left
