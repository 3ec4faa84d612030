"""Growing against its definition: every rule of every column enumerated at every node."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.tree import Coded, Numbers, Settings, encode, reference
from fastml_ext.tree.growing import grow as growing
from fastml_ext.tree.structure import LEAF, NUMERIC, branches

CRITERIA = ["gini", "entropy", "gain_ratio", "squared_error", "poisson", "absolute_error"]


@st.composite
def coded_columns(draw, splits=("numeric",), rows=(1, 24), missing=True):
    """Small tables with many ties: 1 to 4 columns of up to 6 codes, some of them missing."""
    n = draw(st.integers(*rows))
    columns = []
    for _ in range(draw(st.integers(1, 4))):
        n_values = draw(st.integers(1, 6))
        most = n_values if missing and draw(st.booleans()) else n_values - 1
        codes = draw(st.lists(st.integers(0, most), min_size=n, max_size=n))
        values = np.cumsum(draw(st.lists(st.integers(1, 3), min_size=n_values, max_size=n_values))).astype(float)
        columns.append(Coded(np.array(codes, np.uint8), values, draw(st.sampled_from(splits))))
    return columns


@st.composite
def problems(draw, criteria=CRITERIA, **options):
    columns = draw(coded_columns(**options))
    n = len(columns[0].codes)
    criterion = draw(st.sampled_from(criteria))
    weight = draw(
        st.one_of(st.none(), st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=n, max_size=n).map(np.array))
    )
    if weight is not None and not weight.any():
        weight = None
    if criterion in ("gini", "entropy", "gain_ratio"):
        n_classes = draw(st.integers(1, 3))
        y = np.array(draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)))
    else:
        n_classes = 0
        y = np.array(draw(st.lists(st.sampled_from([0.1, 0.5, 1.0, 2.0, 7.0]), min_size=n, max_size=n)))
    return columns, y, weight, Settings(criterion=criterion, n_classes=n_classes)


def agree(tree, node, at=0, columns=()):
    """Is the kernel's tree, from node `at` on, the reference's?"""
    assert tree.n_node_samples[at] == node["n"]
    assert tree.weighted_n_node_samples[at] == pytest.approx(node["weight"])
    assert tree.impurity[at] == pytest.approx(node["impurity"], abs=1e-12)
    assert tree.value[at, 0] == pytest.approx(np.array(node["value"]))
    assert tree.kind[at] == node.get("kind", LEAF)
    if tree.kind[at] == LEAF:
        return
    assert tree.feature[at] == node["column"]
    assert tree.gain[at] == pytest.approx(node["gain"], abs=1e-11)
    if node["kind"] == NUMERIC:
        values = columns[node["column"]].values
        assert tree.missing_go_to_left[at] == node["missing_left"]
        if node["right"] == len(values):
            assert tree.threshold[at] == np.inf
        else:
            assert tree.threshold[at] == (values[node["left"]] + values[node["right"]]) / 2
    for b, (child, codes) in enumerate(branches(tree, at)):
        if codes is not None:
            assert codes.tolist() == node["codes"][b]
        agree(tree, node["children"][b], child, columns)


def check(columns, y, weight, settings):
    tree = growing.grow(columns, y, weight, settings)
    agree(tree, reference.grow(columns, y, weight, settings), 0, columns)
    return tree


@given(problems())
def test_numbers(problem):
    check(*problem)


@given(problems(splits=("multiway", "numeric")))
def test_a_branch_for_every_category(problem):
    check(*problem)


@given(problems(splits=("subset",)))
def test_two_sets_of_categories(problem):
    """The best grouping may not be the only one of its worth: judge what the root gains."""
    columns, y, weight, settings = problem
    settings = settings._replace(max_depth=1)
    tree, node = growing.grow(columns, y, weight, settings), reference.grow(columns, y, weight, settings)
    assert tree.gain[0] == pytest.approx(node.get("gain", 0), abs=1e-12)
    if settings.criterion != "gain_ratio":
        assert tree.node_count == 1 + 2 * ("gain" in node)
    for child, codes in branches(tree, 0):
        kept = np.ones(len(y)) if weight is None else weight
        rows = np.isin(columns[tree.feature[0]].codes, codes) & (kept > 0)
        assert tree.n_node_samples[child] == rows.sum()


@given(problems(criteria=["entropy", "gini"], splits=("subset",), rows=(30, 40)), st.integers(11, 20), st.randoms())
def test_many_categories_of_three_classes_are_ordered_by_each_class(problem, n_values, random):
    columns, _, weight, settings = problem
    n = len(columns[0].codes)
    codes = np.array([random.randrange(n_values) for _ in range(n)], np.uint8)
    y = np.array([random.randrange(3) for _ in range(n)])
    columns = [Coded(codes, np.arange(n_values), "subset")]
    settings = settings._replace(n_classes=3, max_depth=1)
    tree, node = growing.grow(columns, y, weight, settings), reference.grow(columns, y, weight, settings)
    assert tree.gain[0] == pytest.approx(node.get("gain", 0), abs=1e-12)


@given(
    problems(splits=("numeric", "multiway")),
    st.fixed_dictionaries(
        {},
        optional={
            "max_depth": st.integers(1, 3),
            "min_samples_split": st.integers(2, 8),
            "min_samples_leaf": st.integers(1, 4),
            "min_weight_leaf": st.sampled_from([0.5, 1.5, 3.0]),
            "min_impurity_decrease": st.sampled_from([1e-9, 0.01, 0.1]),
        },
    ),
)
def test_limits(problem, limits):
    check(*problem[:3], problem[3]._replace(**limits))


@given(problems(), st.integers(1, 3), st.integers(0, 2**31), st.booleans())
def test_columns_and_thresholds_drawn_at_random(problem, max_features, seed, random):
    columns, y, weight, settings = problem
    max_features = max_features if max_features < len(columns) else 0
    settings = settings._replace(max_features=max_features, seed=seed, random=random)
    tree, node = growing.grow(columns, y, weight, settings), reference.grow(columns, y, weight, settings)
    assert [tree.n_node_samples[child] for child, _ in branches(tree, 0)] == [c["n"] for c in node.get("children", [])]
    assert tree.node_count == count(node)


def count(node):
    return 1 + sum(count(child) for child in node.get("children", []))


@given(problems(criteria=["gini", "squared_error", "poisson", "absolute_error"]), st.randoms())
def test_predictions_only_rise_or_fall(problem, random):
    columns, y, weight, settings = problem
    if settings.n_classes:
        y, settings = y % 2, settings._replace(n_classes=2)
    columns = [column._replace(monotonic=random.choice([-1, 0, 1])) for column in columns]
    check(columns, y, weight, settings)


@given(problems(criteria=["squared_error", "entropy"], rows=(8, 24)), st.integers(2, 6), st.integers(0, 2**31))
def test_best_first(problem, max_leaf_nodes, seed):
    columns, _, weight, settings = problem
    y = np.random.default_rng(seed).normal(size=len(columns[0].codes))  # no two splits gain the same
    check(columns, y, weight, settings._replace(max_leaf_nodes=max_leaf_nodes, criterion="squared_error", n_classes=0))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("split", ["numeric", "multiway", "subset"])
@pytest.mark.parametrize("rows", [(3, 40), (65536, 65536)])
def test_large_nodes_subtrees_and_threads_give_one_tree(monkeypatch, criterion, split, rows):
    random = np.random.default_rng(len(criterion) + len(split))
    n = 600
    codes = [random.integers(0, u, n).astype(t) for u, t in ((2, "u1"), (200, "u1"), (500, "u2"), (500, "u4"))]
    columns = [
        Coded(c, np.arange(c.max() + (j % 2 == 0), dtype=float), split if j else "numeric") for j, c in enumerate(codes)
    ]
    n_classes = 3 if criterion in ("gini", "entropy", "gain_ratio") else 0
    y = random.integers(0, 3, n) if n_classes else random.integers(1, 9, n).astype(float)
    settings = Settings(criterion=criterion, n_classes=n_classes, max_depth=6)
    for weight in (None, random.uniform(0, 2, n).round(1)):
        monkeypatch.setattr(growing, "SUBTREE_ROWS", (65536, 65536))
        expected = growing.grow(columns, y, weight, settings, n_jobs=1)
        monkeypatch.setattr(growing, "SUBTREE_ROWS", rows)
        monkeypatch.setattr(growing, "COST", 1e6)
        for n_jobs in (1, 2, 5):
            tree = growing.grow(columns, y, weight, settings, n_jobs)
            for name in (
                "kind",
                "feature",
                "threshold",
                "n_node_samples",
                "children_left",
                "category_code",
                "category_child",
            ):
                assert np.array_equal(getattr(tree, name), getattr(expected, name)), name
            assert np.array_equal(tree.value, expected.value)


@given(st.integers(0, 2**31), st.sampled_from(CRITERIA), st.booleans())
def test_columns_of_many_codes_and_of_mostly_one(seed, criterion, weighted):
    """Those that subtrees presort: with many values, a few of them missing, or but a few rows unlike the others."""
    random = np.random.default_rng(seed)
    n = int(random.integers(5, 60))
    columns = []
    for _ in range(random.integers(1, 5)):
        codes = random.integers(0, random.integers(1, n + 1), n)
        if random.random() < 0.6:
            codes[random.random(n) < random.choice([0.8, 0.95, 1.0])] = codes[0]
        missing = random.random(n) < 0.1 * random.integers(2)
        values, codes = np.unique(codes.astype(float), return_inverse=True)
        columns.append(Coded(np.where(missing, len(values), codes).astype(np.uint8), values))
    n_classes = int(random.integers(1, 4)) if criterion in ("gini", "entropy", "gain_ratio") else 0
    y = random.integers(0, n_classes, n) if n_classes else random.integers(0, 4, n) / 2
    weight = random.choice([0.0, 0.5, 1.0, 3.0], n) if weighted else None
    if weighted and not weight.any():
        return
    limits = {"min_samples_leaf": int(random.integers(1, 4)), "max_depth": int(random.integers(1, 9))}
    check(columns, y, weight, Settings(criterion=criterion, n_classes=n_classes, **limits))


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("sparse", [False, True])
def test_numbers_are_grown_as_their_columns_are(monkeypatch, criterion, sparse):
    random = np.random.default_rng(len(criterion))
    X = np.round(random.normal(size=(400, 5)), 1) * (random.random((400, 5)) < 0.1 if sparse else 1)
    n_classes = 3 if criterion in ("gini", "entropy", "gain_ratio") else 0
    y = random.integers(0, 3, 400) if n_classes else np.abs(X[:, 0]) + random.random(400)
    numbers = Numbers(X)
    if sparse:
        column, row = np.nonzero(X.T)
        begin = np.searchsorted(column, np.arange(6))
        numbers = Numbers((X.T[column, row], row.astype(np.uint32), begin, 400))
    columns = [Coded(codes, values) for values, codes in encode(X)]
    for rows in ((400, 400), (20, 20)):
        monkeypatch.setattr(growing, "SUBTREE_ROWS", rows)
        for options in ({}, {"random": True, "seed": 3}, {"max_features": 2, "seed": 3}, {"max_leaf_nodes": 9}):
            settings = Settings(criterion=criterion, n_classes=n_classes, **options)
            one, other = growing.grow(numbers, y, None, settings), growing.grow(columns, y, None, settings)
            for name in ("kind", "feature", "threshold", "n_node_samples", "children_left"):
                assert np.array_equal(getattr(one, name), getattr(other, name)), name
            assert one.value == pytest.approx(other.value)


@given(st.integers(2, 6), st.integers(0, 2**31))
def test_columns_that_exclude_one_another_are_split_as_they_are_alone(n_columns, seed):
    random = np.random.default_rng(seed)
    high = random.integers(0, n_columns + 1, 60)
    columns = [Coded((high == j).astype(np.uint8), np.array([0.0, 1.0])) for j in range(n_columns)]
    columns = [column for column in columns if column.codes.any()]
    y = random.integers(0, 2, 60)
    check(columns, y, None, Settings(criterion="entropy"))
    check(columns, y.astype(float), random.uniform(1, 2, 60), Settings(criterion="squared_error", n_classes=0))


@given(problems(criteria=["gini", "entropy", "squared_error"]), st.randoms())
def test_whole_weights_are_repetitions(problem, random):
    columns, y, _, settings = problem
    times = np.array([random.randrange(4) for _ in y])
    if not times.any():
        return
    repeated = [column._replace(codes=np.repeat(column.codes, times)) for column in columns]
    one = growing.grow(columns, y, times.astype(float), settings)
    other = growing.grow(repeated, np.repeat(y, times), None, settings)
    assert np.array_equal(one.feature, other.feature)
    assert np.array_equal(one.threshold, other.threshold)
    assert one.weighted_n_node_samples == pytest.approx(other.n_node_samples)


@given(problems(splits=("numeric", "multiway")), st.randoms())
def test_the_order_of_the_rows_changes_nothing(problem, random):
    columns, y, weight, settings = problem
    order = list(range(len(y)))
    random.shuffle(order)
    moved = [column._replace(codes=column.codes[order]) for column in columns]
    one = growing.grow(columns, y, weight, settings)
    other = growing.grow(moved, y[order], None if weight is None else weight[order], settings)
    assert np.array_equal(one.feature, other.feature)
    assert np.array_equal(one.threshold, other.threshold)
    assert one.value == pytest.approx(other.value)
