"""Trees of several outputs against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.tree import Coded, Settings, reference
from fastml_ext.tree.growing import grow as growing
from fastml_ext.tree.structure import LEAF, branches


@st.composite
def problems(draw, splits=("numeric", "multiway")):
    n, n_outputs = draw(st.integers(1, 20)), draw(st.integers(2, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = [
        Coded(random.integers(0, u + 1, n).astype(np.uint8), np.arange(float(u)), draw(st.sampled_from(splits)))
        for u in draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    ]
    criterion = draw(st.sampled_from(["gini", "entropy", "gain_ratio", "squared_error", "poisson", "absolute_error"]))
    n_classes = 3 if criterion in ("gini", "entropy", "gain_ratio") else 0
    y = random.integers(0, 3, (n, n_outputs)) if n_classes else random.random((n, n_outputs)) + 0.1
    weight = draw(st.sampled_from([None, random.integers(0, 3, n) / 2]))
    weight = None if weight is None or not weight.any() else weight
    return columns, y, weight, Settings(criterion=criterion, n_classes=n_classes)


def agree(tree, node, at=0):
    assert tree.n_node_samples[at] == node["n"]
    assert tree.impurity[at] == pytest.approx(node["impurity"], abs=1e-12)
    assert tree.value[at].ravel() == pytest.approx(np.array(node["value"]))
    assert tree.kind[at] == node.get("kind", LEAF)
    if tree.kind[at] != LEAF:
        assert tree.feature[at] == node["column"]
        assert tree.gain[at] == pytest.approx(node["gain"], abs=1e-11)
        for b, (child, _) in enumerate(branches(tree, at)):
            agree(tree, node["children"][b], child)


@given(problems(), st.sampled_from([{}, {"max_depth": 2}, {"min_samples_leaf": 2}, {"min_impurity_decrease": 0.02}]))
def test_grow(problem, limits):
    columns, y, weight, settings = problem
    settings = settings._replace(**limits)
    tree = growing.grow(columns, y, weight, settings)
    assert tree.value.shape[1:] == (y.shape[1], max(1, settings.n_classes))
    agree(tree, reference.grow(columns, y, weight, settings))


@given(problems(("subset",)))
def test_the_best_grouping(problem):
    columns, y, weight, settings = problem
    settings = settings._replace(max_depth=1)
    tree, node = growing.grow(columns, y, weight, settings), reference.grow(columns, y, weight, settings)
    assert tree.gain[0] == pytest.approx(node.get("gain", 0), abs=1e-12)


@pytest.mark.parametrize("criterion", ["entropy", "squared_error", "poisson", "absolute_error"])
def test_large_nodes_subtrees_and_threads_give_one_tree(monkeypatch, criterion):
    random = np.random.default_rng(0)
    columns = [Coded(random.integers(0, u, 600).astype(np.uint16), np.arange(float(u))) for u in (2, 200, 500)]
    n_classes = 3 if criterion == "entropy" else 0
    y = random.integers(0, 3, (600, 2)) if n_classes else random.random((600, 2))
    settings = Settings(criterion=criterion, n_classes=n_classes)
    expected = growing.grow(columns, y, None, settings, n_jobs=1)
    monkeypatch.setattr(growing, "SUBTREE_ROWS", (3, 40))
    monkeypatch.setattr(growing, "COST", 1e6)
    for n_jobs in (1, 2, 5):
        tree = growing.grow(columns, y, None, settings, n_jobs)
        for name in ("feature", "threshold", "value", "children_left"):
            assert np.array_equal(getattr(tree, name), getattr(expected, name)), name


def test_the_same_output_twice_is_that_output():
    random = np.random.default_rng(0)
    columns = [Coded(random.integers(0, 50, 300).astype(np.uint8), np.arange(50.0)) for _ in range(3)]
    for y, settings in (
        (random.integers(0, 3, 300), Settings(criterion="entropy", n_classes=3)),
        (random.random(300), Settings(criterion="squared_error", n_classes=0)),
    ):
        one = growing.grow(columns, y, None, settings)
        two = growing.grow(columns, np.stack([y, y], axis=1), None, settings)
        assert np.array_equal(one.feature, two.feature)
        assert np.array_equal(one.value[:, 0], two.value[:, 1])
        assert one.impurity == pytest.approx(two.impurity)
