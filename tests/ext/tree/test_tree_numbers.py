"""Trees of targets far from 0, of squares that overflow, of weights of every size; thresholds between integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column, Settings, reference
from fastml_ext.tree.growing import grow as growing
from fastml_ext.tree.structure import LEAF, exact_threshold

CRITERIA = ["squared_error", "friedman_mse", "absolute_error", "poisson"]
SHAPE = ("kind", "feature", "threshold", "n_node_samples", "children_left")


def settings_of(criterion, **options):
    return Settings(criterion=criterion, n_classes=0, **options)


@st.composite
def problems(draw, most=24):
    """Columns and small whole targets, with many ties."""
    n = draw(st.integers(2, most))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    columns = [
        Coded(random.integers(0, u + 1, n).astype(np.uint8), np.arange(float(u)), split)
        for u, split in draw(
            st.lists(
                st.tuples(st.integers(2, 6), st.sampled_from(["numeric", "multiway", "subset"])), min_size=1, max_size=3
            )
        )
    ]
    y = random.integers(0, 4, n).astype(float)
    weight = draw(st.sampled_from([None, random.integers(1, 4, n) / 2]))
    return columns, y, weight


def same(one, other, names=SHAPE):
    for name in names:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("criterion", ["squared_error", "friedman_mse", "absolute_error"])
@given(problem=problems(), offset=st.sampled_from([1e5, -1e7, 1.7e9, -1e12, 2.0**50]), outputs=st.booleans())
def test_what_is_added_to_whole_targets_changes_no_split(criterion, problem, offset, outputs):
    columns, y, weight = problem
    y = np.stack([y, y[::-1]], axis=1) if outputs else y
    one = growing.grow(columns, y, weight, settings_of(criterion))
    other = growing.grow(columns, y + offset, weight, settings_of(criterion))
    same(one, other)
    assert other.value - offset == pytest.approx(one.value, abs=4 * abs(offset) * 2.0**-52)
    assert other.impurity == pytest.approx(one.impurity, abs=1e-12)
    assert other.gain == pytest.approx(one.gain, abs=1e-12)
    assert other.compute_feature_importances() == pytest.approx(one.compute_feature_importances(), abs=1e-12)


@pytest.mark.parametrize("criterion", CRITERIA)
@given(problem=problems(), far=st.sampled_from([1e3, 1e6, 1.7e9]))
def test_two_groups_far_apart_are_split_as_each_would_be(criterion, problem, far):
    """What the node above is wide does not tell in those below it."""
    columns, y, weight = problem
    columns = [column._replace(split="numeric") for column in columns]
    n = len(y)
    both = [Coded(np.repeat([0, 1], n).astype(np.uint8), np.array([0.0, 1.0]))]
    both += [column._replace(codes=np.tile(column.codes, 2)) for column in columns]
    targets = np.concatenate([y + 1, y + 1 + far])
    tree = growing.grow(both, targets, None if weight is None else np.tile(weight, 2), settings_of(criterion))
    alone = [growing.grow(columns, part, weight, settings_of(criterion)) for part in (y + 1, y + 1 + far)]
    assert (tree.feature[0], tree.n_node_samples[1]) == (0, n)
    halves = tree.feature[1 : 1 + alone[0].node_count], tree.feature[1 + alone[0].node_count :]
    for half, part in zip(halves, alone, strict=True):
        assert np.array_equal(half, np.where(part.feature >= 0, part.feature + 1, -2))
    assert tree.impurity[1 + alone[0].node_count :] == pytest.approx(alone[1].impurity, rel=1e-5, abs=1e-15)


@given(problem=problems(), offset=st.sampled_from([0.0, 0.25, 1e3, 1e5]))
def test_poisson_far_from_0_is_the_reference(problem, offset):
    columns, y, weight = problem
    columns = [column._replace(split="numeric") for column in columns]
    tree = growing.grow(columns, y + offset, weight, settings_of("poisson", max_depth=1))
    node = reference.grow(columns, y + offset, weight, settings_of("poisson", max_depth=1))
    assert tree.impurity[0] == pytest.approx(node["impurity"], rel=1e-6, abs=1e-15)
    assert tree.kind[0] == node.get("kind", LEAF)
    assert tree.gain[0] == pytest.approx(node.get("gain", 0), rel=1e-6, abs=1e-14)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("power", [300, 600, 1020])
@given(problem=problems())
def test_squares_that_overflow(criterion, power, problem):
    columns, y, weight = problem
    y = y / 2
    one = growing.grow(columns, y * 2.0**200, weight, settings_of(criterion))
    other = growing.grow(columns, y * 2.0**power, weight, settings_of(criterion))
    same(one, other)
    assert np.array_equal(other.value, one.value * 2.0 ** (power - 200))
    importances = other.compute_feature_importances()
    assert importances == pytest.approx(one.compute_feature_importances(), abs=1e-9)
    assert not np.isnan(other.impurity).any()


@pytest.mark.parametrize("criterion", [*CRITERIA, "gini", "entropy", "gain_ratio"])
@pytest.mark.parametrize("power", [-900, -300, 300, 900])
@given(problem=problems())
def test_the_unit_of_the_weights_is_nothing_to_the_splits(criterion, power, problem):
    columns, y, weight = problem
    weight = np.ones(len(y)) * 1.5 if weight is None else weight
    settings = settings_of(criterion) if criterion in CRITERIA else Settings(criterion=criterion, n_classes=4)
    y = y if criterion in CRITERIA else y.astype(int)
    one, other = (growing.grow(columns, y, w, settings) for w in (weight, weight * 2.0**power))
    same(one, other, (*SHAPE, "value", "impurity"))
    assert np.array_equal(other.weighted_n_node_samples, one.weighted_n_node_samples * 2.0**power)
    assert np.array_equal(one.compute_feature_importances(), other.compute_feature_importances())


@pytest.mark.parametrize("criterion", [*CRITERIA, "gini", "entropy"])
@given(seed=st.integers(0, 2**32 - 1))
def test_rows_so_light_that_the_others_hide_them(criterion, seed):
    """A sum of weights that rounding makes 0 or less is no gain without end."""
    random = np.random.default_rng(seed)
    n = 12
    columns = [Coded(random.permutation(n).astype(np.uint8), np.arange(float(n)))]
    y = random.integers(1, 4, n)
    weight = 10.0 ** random.choice([-20, 0, 20], n)
    settings = settings_of(criterion) if criterion in CRITERIA else Settings(criterion=criterion, n_classes=4)
    tree = growing.grow(columns, y if settings.n_classes else y.astype(float), weight, settings)
    assert np.isfinite(tree.gain).all()
    assert np.isfinite(tree.impurity).all()
    heavy = weight == weight.max()
    node = reference.grow(columns, y.astype(float) if not settings.n_classes else y, weight, settings)
    if len(set(y[heavy])) > 1:
        assert tree.gain[0] == pytest.approx(node["gain"], rel=1e-9)


@pytest.mark.parametrize("weight", [None, np.array([0.1, 0.7, 0.3, 0.1, 0.2, 0.9])])
@given(order=st.permutations(range(6)), outputs=st.booleans())
def test_no_poisson_leaf_predicts_0(weight, order, outputs):
    """0.1 + 0.2 + 0.3 - 0.1 - 0.2 - 0.3 is not 0 in floating point."""
    y = np.array([0.1, 0.2, 0.3, 0.0, 0.0, 0.0])[list(order)]
    y = np.stack([y, y], axis=1) if outputs else y
    codes = np.arange(6, dtype=np.uint8)
    for split in ("numeric", "subset"):
        tree = growing.grow([Coded(codes, np.arange(6.0), split)], y, weight, settings_of("poisson"))
        assert (tree.value > 0).all()


def test_categories_are_ordered_by_means_that_the_offset_hides():
    """1e15 + 0.1 and 1e15 + 0.2 are one number, but not the means of whole targets far from 0."""
    codes = np.repeat(np.arange(12), 8).astype(np.uint8)
    y = np.zeros((12, 8))
    for c, ones in enumerate([1, 5, 2, 6, 1, 7, 3, 5, 2, 6, 0, 8]):
        y[c, :ones] = 1
    column = Coded(codes, np.arange(12.0), "subset")
    near = growing.grow([column], y.ravel(), None, settings_of("squared_error", max_depth=1))
    far = growing.grow([column], y.ravel() + 2.0**50, None, settings_of("squared_error", max_depth=1))
    assert np.array_equal(near.category_child, far.category_child)


# ------------------------------------------------------------------------------------------------ between integers

INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("fitted", INTEGERS)
@pytest.mark.parametrize("asked", ["float16", "float32", "float64"])
def test_a_threshold_lies_half_way_for_floats(fitted, asked):
    X = np.array([[0], [1]], fitted)
    columns = [Coded(codes, values) for values, codes in kernels.encode(X)]
    tree = kernels.grow(columns, np.array([0, 1]), None, Settings())
    assert tree.threshold[0] == 0.5
    rows = np.array([[0.0], [0.4], [0.5], [0.6], [1.0]], asked)
    assert kernels.apply(tree, rows, [X.dtype]).tolist() == [1, 1, 1, 2, 2]
    fit = [Column("x", "numeric", X.dtype)]
    assert kernels.apply_columns(tree, [rows[:, 0]], fit).tolist() == [1, 1, 1, 2, 2]
    assert reference.apply(tree, rows, [X.dtype]).tolist() == [1, 1, 1, 2, 2]
    for dtype in INTEGERS:
        assert kernels.apply(tree, np.array([[0], [1]], dtype), [X.dtype]).tolist() == [1, 2]


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64", "uint64"])
@given(data=st.data())
def test_thresholds_part_integers_exactly_and_floats_half_way(dtype, data):
    info = np.iinfo(dtype)
    near = [v for v in (0, 2**31, 2**51, 2**52, 2**53, 2**62, 2**63, info.max) if v <= info.max]
    around = data.draw(st.sampled_from(near))
    low = data.draw(st.integers(max(around - 3, info.min), min(around + 3, info.max - 1)))
    high = data.draw(st.integers(low + 1, min(low + 4, info.max)))
    X = np.array([[low], [high]], dtype)
    columns = [Coded(codes, values) for values, codes in kernels.encode(X)]
    tree = kernels.grow(columns, np.array([0, 1]), None, Settings())
    whole = list(range(low, high + 1))
    expected = [1 if 2 * v <= low + high else 2 for v in whole]
    assert kernels.apply(tree, np.array(whole, dtype)[:, None], [X.dtype]).tolist() == expected
    assert [1 if v <= exact_threshold(tree, 0, X.dtype).item() else 2 for v in whole] == expected
    middle = low / 2 + high / 2
    floats = {float(low), float(high), middle, np.nextafter(middle, -np.inf), np.nextafter(middle, np.inf)}
    for asked in ("float32", "float64"):
        rows = np.array(sorted(floats), asked)
        expected = [1 if 2 * int(v) + (2 * (v - int(v)) if v % 1 else 0) <= low + high else 2 for v in rows.tolist()]
        assert kernels.apply(tree, rows[:, None], [X.dtype]).tolist() == expected
        assert kernels.apply_columns(tree, [rows], [Column("x", "numeric", X.dtype)]).tolist() == expected
        assert [1 if v <= exact_threshold(tree, 0, X.dtype).item() else 2 for v in rows.tolist()] == expected


@pytest.mark.parametrize("low", [0, 2**53, 2**63 - 10, 2**64 - 10])
@given(seed=st.integers(0, 2**31 - 1))
def test_thresholds_drawn_between_integers_part_the_rows_they_were_drawn_for(low, seed):
    X = np.array([low + i for i in (0, 1, 2, 3, 5, 8)], np.uint64 if low >= 2**63 - 10 else np.int64)[:, None]
    columns = [Coded(codes, values) for values, codes in kernels.encode(X)]
    y = np.random.default_rng(seed).integers(0, 3, 6)
    tree = kernels.grow(columns, y, None, Settings(n_classes=3, random=True, seed=seed))
    stops = kernels.apply(tree, X, [X.dtype])
    assert np.array_equal(np.bincount(stops, minlength=tree.node_count)[tree.kind == LEAF],
                          tree.n_node_samples[tree.kind == LEAF])  # fmt: skip
    assert np.array_equal(tree.value[stops, 0].argmax(axis=1), y)


def test_a_column_as_wide_as_float64_is_drawn_from_as_a_whole():
    X = np.array([[-1.7e308], [0.0], [1.7e308]])
    columns = [Coded(codes, values) for values, codes in kernels.encode(X)]
    cuts = {kernels.grow(columns, np.array([0, 1, 2]), None, Settings(n_classes=3, random=True, seed=s)).threshold[0]
            for s in range(20)}  # fmt: skip
    assert len(cuts) > 10
    assert min(cuts) < 0 < max(cuts)
