"""The KD-tree against the definition: the same bits, whatever the metric, the leaves and the threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import neighbors as kernels
from fastml_ext.neighbors import kd_tree, reference

# Not the product of all, because each compiles kernels of its own.
CASES = [
    # columns, dtype, leaf_size, metric, p, weighted
    (2, np.float64, 16, "euclidean", 2, False),
    (3, np.float32, 16, "euclidean", 2, False),
    (9, np.float64, 16, "euclidean", 2, False),
    (2, np.float32, 16, "manhattan", 2, False),
    (2, np.float64, 16, "chebyshev", 2, False),
    (10, np.float32, 16, "chebyshev", 2, False),
    (9, np.float32, 16, "minkowski", 1.5, True),
    (3, np.float64, 16, "minkowski", 2, True),
]

NUMBERS = {CASES[0]: [1, 2, 8, 9, 16, 26], CASES[1]: [3, 5], CASES[2]: [26]}  # of neighbours; 1 for the others


@st.composite
def clouds(draw, d, dtype, max_points=200):
    """(X, Q): small integers or tenths, at an offset, some points twice, queries on, between and outside the points."""
    n, m = draw(st.integers(1, max_points)), draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread, step = draw(st.sampled_from([1, 3, 30])), draw(st.sampled_from([1, 0.1]))
    offset = draw(st.sampled_from([0, -7, 1e3, 1e6, 1e8]))
    X = (offset + step * random.integers(0, spread, (n, d))).astype(dtype)
    between = offset + step * random.integers(-2, spread + 2, (m, d))
    Q = np.where(random.random((m, 1)) < 0.5, X[random.integers(0, n, m)], between).astype(dtype)
    return X, Q


def grown(module, case, X):
    _, dtype, leaf_size, metric, p, weighted = case
    w = (1 + np.arange(X.shape[1]) % 3 * 0.7).astype(dtype) if weighted else None
    return module.build_tree(X, leaf_size, metric, p, w)


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


@pytest.mark.parametrize("case", CASES, ids=str)
@given(st.data())
def test_nearest(case, data):
    X, Q = data.draw(clouds(*case[:2]))
    k = data.draw(st.sampled_from(NUMBERS.get(case, [1])))
    n_jobs = data.draw(st.sampled_from([1, 2]))
    ours = kernels.query_tree(grown(kernels, case, X), Q, k, n_jobs=n_jobs)
    assert_same(ours, reference.query_tree(grown(reference, case, X), Q, k))


@pytest.mark.parametrize("case", CASES, ids=str)
@given(st.data())
def test_nearest_of_those_wanted(case, data):
    X, Q = data.draw(clouds(*case[:2]))
    n, m, k = len(X), len(Q), data.draw(st.sampled_from(NUMBERS.get(case, [1])))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    wanted = {
        "upper_bound": data.draw(st.sampled_from([np.inf, 0, 0.3, 2, random.integers(0, 4, m) * 0.5])),
        "allowed": data.draw(st.sampled_from([None, random.random(n) < 0.5, np.zeros(n, bool)])),
        "exclude": data.draw(st.sampled_from([None, random.integers(-1, n, m)])),
    }
    ours = kernels.query_tree(grown(kernels, case, X), Q, k, **wanted)
    assert_same(ours, reference.query_tree(grown(reference, case, X), Q, k, **wanted))


@pytest.mark.parametrize("case", CASES[::3], ids=str)
@given(st.data())
def test_within_a_radius(case, data):
    X, Q = data.draw(clouds(*case[:2], max_points=40))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    r = data.draw(st.sampled_from([0, 0.1, 0.3, 1, 1.7, 5, random.integers(0, 4, len(Q)) * 0.1]))
    wanted = {
        "allowed": data.draw(st.sampled_from([None, random.random(len(X)) < 0.5])),
        "exclude": data.draw(st.sampled_from([None, random.integers(-1, len(X), len(Q))])),
    }
    ours, theirs = grown(kernels, case, X), grown(reference, case, X)
    assert_same(kernels.query_radius(ours, Q, r, **wanted), reference.query_radius(theirs, Q, r, **wanted))
    assert np.array_equal(kernels.count_radius(ours, Q, r, **wanted), reference.count_radius(theirs, Q, r, **wanted))


@pytest.mark.parametrize("case", CASES[:2], ids=str)
@given(st.data())
def test_pairs(case, data):
    X, _ = data.draw(clouds(*case[:2], max_points=30))
    r = data.draw(st.sampled_from([0, 0.1, 1, 1.5, 3]))
    allowed = data.draw(st.sampled_from([None, np.arange(len(X)) % 3 > 0]))
    ours, theirs = grown(kernels, case, X), grown(reference, case, X)
    expected = reference.pairs(theirs, r, allowed)
    assert_same([kernels.pairs(ours, r, allowed)], [expected])
    assert kernels.count_pairs(ours, r, allowed) == reference.count_pairs(theirs, r, allowed) == len(expected)


@given(st.data())
def test_a_point_leaves_itself_out_also_among_duplicates(data):
    X, _ = data.draw(clouds(2, np.float64))
    ours, theirs = kernels.build_tree(X, 16), reference.build_tree(X)
    itself = np.arange(len(X))
    assert_same(kernels.query_tree(ours, X, 4, exclude=itself), reference.query_tree(theirs, X, 4, exclude=itself))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(st.data())
def test_powers_give_tree_scan_and_definition_one_answer(dtype, data):
    X, Q = data.draw(clouds(3, dtype, max_points=40))
    k, p = data.draw(st.integers(1, min(5, len(X)))), data.draw(st.sampled_from([1.5, 3]))
    w = data.draw(st.sampled_from([None, np.array([0.5, 0, 1.7]), np.array([1, 0.3, 2])]))
    expected = reference.nearest(reference.prepare(X, "minkowski", p, w), Q, k)
    assert_same(kernels.nearest(kernels.prepare(X, "minkowski", p, w), Q, k), expected)
    assert_same(kernels.query_tree(kernels.build_tree(X, 16, "minkowski", p, w), Q, k), expected)
    assert_same(reference.query_tree(reference.build_tree(X, 16, "minkowski", p, w), Q, k), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [2, 3])
def test_kernels_for_any_number_of_columns_give_the_answers_of_those_for_few(d, dtype, monkeypatch):
    """They skip nodes by a bound with room for rounding; with many equal distances, a wrong one would show."""
    random = np.random.default_rng(d)
    X, Q = ((random.integers(0, 6, (n, d)) / 10 + 1e3).astype(dtype) for n in (2000, 60))
    tree = kernels.build_tree(X)
    few = [kernels.query_tree(tree, Q, k) for k in (1, 5, 17)], kernels.query_radius(tree, Q, 0.1)
    assert kd_tree.variant(tree)[0] == d
    monkeypatch.setattr(kd_tree, "compiled_in", lambda d, metric, size: (0, metric, size))
    any_number = [kernels.query_tree(tree, Q, k) for k in (1, 5, 17)], kernels.query_radius(tree, Q, 0.1)
    for ours, theirs in zip([*few[0], few[1]], [*any_number[0], any_number[1]], strict=True):
        assert_same(ours, theirs)


@pytest.mark.parametrize("d", [1, 4, 5, 9])
def test_leaves_have_two_sizes(d):
    quickest = 16 if d < 5 else 32
    sizes = {wanted: kd_tree.points_in_leaf(d, wanted) for wanted in (None, 1, 16, 17, 30, 40, 63, 64, 1000)}
    assert {sizes[wanted] for wanted in (1, 16)} == {16}
    assert {sizes[wanted] for wanted in (64, 1000)} == {32}
    assert {sizes[wanted] for wanted in (None, 17, 30, 40, 63)} == {quickest}
