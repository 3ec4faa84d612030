"""Fractional instances against their definition: growing, and down every branch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column, Settings, reference
from fastml_ext.tree.structure import LEAF, NUMERIC, branches

CRITERIA = ["gini", "entropy", "gain_ratio", "squared_error", "poisson"]


@st.composite
def problems(draw, splits):
    """Small tables with many ties and many missing values, of 1 to 3 columns, with weights of few binary digits."""
    n = draw(st.integers(1, 14))
    columns = []
    for _ in range(draw(st.integers(1, 3))):
        u = draw(st.integers(1, 4))
        codes = draw(st.lists(st.integers(0, u), min_size=n, max_size=n))
        columns.append(Coded(np.array(codes, np.uint8), np.arange(1.0, u + 1), draw(st.sampled_from(splits))))
    criterion = draw(st.sampled_from(CRITERIA))
    n_classes = draw(st.integers(2, 3)) if criterion in CRITERIA[:3] else 0
    weight = draw(st.one_of(st.none(), st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=n, max_size=n)))
    seed = draw(st.integers(0, 2**31))
    # Numbers drawn freely: no two splits are equally good but where the rows on either side are the same ones.
    y = np.random.default_rng(seed).integers(0, n_classes, n) if n_classes else np.random.default_rng(seed).random(n)
    limits = draw(st.fixed_dictionaries({}, optional={
        "max_depth": st.integers(1, 3), "min_samples_leaf": st.integers(1, 3), "min_samples_split": st.integers(2, 5),
        "min_impurity_decrease": st.sampled_from([1e-9, 0.05]),
        "min_weight_leaf": st.sampled_from([0.41421, 1.30278]),  # no sum of shares comes so near that rounding decides
    }))  # fmt: skip
    settings = Settings(criterion=criterion, n_classes=n_classes, fractional=True, **limits)
    return columns, y, None if weight is None else np.array(weight), settings


def agree(tree, node, columns, at=0):
    assert tree.n_node_samples[at] == node["n"]
    assert tree.weighted_n_node_samples[at] == pytest.approx(node["weight"])
    assert tree.impurity[at] == pytest.approx(node["impurity"], abs=1e-12)
    assert tree.value[at, 0] == pytest.approx(np.array(node["value"]))
    assert tree.kind[at] == node.get("kind", LEAF)
    if tree.kind[at] == LEAF:
        return
    assert tree.gain[at] == pytest.approx(node["gain"], abs=1e-11)
    assert tree.feature[at] == node["column"]
    if tree.kind[at] == NUMERIC:
        column = columns[node["column"]]
        middle = (column.values[node["left"]] + column.values[node["right"]]) / 2
        assert tree.threshold[at] == (node["left"] if column.split == "ordered" else middle)
        assert not tree.missing_go_to_left[at]
    for b, (child, codes) in enumerate(branches(tree, at)):
        assert codes is None or codes.tolist() == node["codes"][b]
        agree(tree, node["children"][b], columns, child)


@given(problems(("numeric", "ordered", "multiway")))
def test_grow(problem):
    columns, y, weight, settings = problem
    agree(kernels.grow(columns, y, weight, settings), reference.grow(columns, y, weight, settings), columns)


@given(problems(("subset", "numeric")))
def test_the_best_grouping_of_the_known_values(problem):
    """It may not be the only one of its worth: judge what the root gains."""
    columns, y, weight, settings = problem
    settings = settings._replace(max_depth=1)
    tree, node = kernels.grow(columns, y, weight, settings), reference.grow(columns, y, weight, settings)
    assert tree.gain[0] == pytest.approx(node.get("gain", 0), abs=1e-12)
    if tree.node_count > 1 and settings.criterion != "gain_ratio":
        children = [child for child, _ in branches(tree, 0)]
        assert tree.weighted_n_node_samples[children].sum() == pytest.approx(tree.weighted_n_node_samples[0])


@given(st.integers(0, 2**32 - 1), st.sampled_from([("gini", 3), ("squared_error", 0)]))
def test_blend(seed, kind):
    random = np.random.default_rng(seed)
    splits, n = ["numeric", "multiway", "subset", "ordered"], 40
    codes = [random.integers(0, 6, n).astype(np.uint8) for _ in splits]  # 5 stands for a missing value
    columns = [Coded(c, np.arange(5.0), split) for c, split in zip(codes, splits, strict=True)]
    y = random.integers(0, 3, n) if kind[1] else random.random(n)
    tree = kernels.grow(columns, y, None, Settings(criterion=kind[0], n_classes=kind[1], fractional=True))
    words = np.array(list("abcde"), object)
    fitted = [
        Column("x", s, np.dtype(float if s == "numeric" else object), None if s == "numeric" else words) for s in splits
    ]
    rows = [random.integers(-1, 6, 30) for _ in splits]
    rows[0] = np.where(rows[0] == 5, np.nan, rows[0] + random.random(30))
    found = kernels.blend(tree, rows, fitted)
    assert found == pytest.approx(reference.blend(tree, rows, fitted), abs=1e-12)
    if kind[1]:
        assert found.sum(axis=1) == pytest.approx(1)


def test_nothing_missing_is_as_ever():
    random = np.random.default_rng(0)
    columns = [Coded(random.integers(0, 9, 300).astype(np.uint8), np.arange(9.0)) for _ in range(3)]
    y = random.integers(0, 3, 300)
    one, other = (kernels.grow(columns, y, None, Settings(n_classes=3, fractional=f)) for f in (False, True))
    for name in ("feature", "threshold", "n_node_samples", "children_left"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("n", [500, 70_000])
def test_many_rows(n):
    """More rows than a subtree's compact codes can tell apart, and ten branches for each that is missing."""
    random = np.random.default_rng(0)
    columns = [
        Coded(random.integers(0, 11, n).astype(np.uint8), np.arange(10.0), "multiway"),
        Coded(random.permutation(n).astype(np.uint32), np.arange(float(n))),
    ]
    y = (columns[0].codes > 4).astype(int)
    settings = Settings(fractional=True, max_depth=2)
    tree = kernels.grow(columns, y, None, settings)
    assert tree.feature[0] == 0
    assert tree.n_node_samples[tree.category_child[:10]].sum() == n + 9 * (columns[0].codes == 10).sum()
    assert tree.weighted_n_node_samples[tree.category_child[:10]].sum() == pytest.approx(n)
