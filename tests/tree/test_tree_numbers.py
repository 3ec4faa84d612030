"""Numbers of every size in the estimators: thresholds between integers, targets far from 0, weights of classes."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier, explain, from_dict, to_linear
from fastml.tree.pruning import squared_errors

INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
X = np.arange(8.0)[:, None]
y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
CRITERIA = ["squared_error", "poisson", "absolute_error"]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier])
def test_floats_go_to_the_nearer_integer(Tree, dtype):
    model = Tree(categorical_features=None).fit(np.array([[0], [1]], dtype), [0, 1])
    rows = [[-0.5], [0.4], [0.5], [0.6], [1.5]]
    assert model.predict(rows).tolist() == [0, 0, 0, 1, 1]
    assert model.predict(np.array(rows, "f4")).tolist() == [0, 0, 0, 1, 1]
    assert model.apply(rows).tolist() == [1, 1, 1, 2, 2]
    assert model.decision_path(rows).toarray()[:, 1].tolist() == [1, 1, 1, 0, 0]
    assert [model.predict([row]).item() for row in rows] == [0, 0, 0, 1, 1]
    again = from_dict(json.loads(model.to_json()))
    assert again.predict(rows).tolist() == [0, 0, 0, 1, 1]
    program = {}
    exec(model.to_python(), program)
    assert [program["predict"](row) for row in rows] == [0, 0, 0, 1, 1]
    assert to_linear(model).features(rows)[:, 0].tolist() == [1, 1, 1, 0, 0]
    assert [explain(model, row).prediction for row in rows] == [0, 0, 0, 1, 1]


def test_a_change_of_an_integer_is_an_integer():
    model = DecisionTreeClassifier().fit(np.array([[0], [1], [4], [5]]), [0, 1, 1, 0])
    assert explain(model, [0]).change.changes == {"x0": 1}
    assert explain(model, [3]).change.changes == {"x0": 5}
    assert explain(model, [5]).change.changes == {"x0": 4}
    assert "x0 <= 0.5" in model.to_sql(quote="`").replace("`", "")


@pytest.mark.parametrize("low", [2**53, -(2**60), 2**63 - 4, 2**64 - 4])
def test_integers_beyond_float64_are_told_apart(low):
    table = np.array([[low], [low + 1], [low + 2], [low + 3]], np.uint64 if low > 2**63 - 4 else np.int64)
    for model in (DecisionTreeClassifier(), DecisionTreeClassifier(splitter="random", random_state=0)):
        model.fit(table, [0, 1, 2, 3])
        assert model.predict(table).tolist() == [0, 1, 2, 3]
        assert from_dict(model.to_json()).predict(table).tolist() == [0, 1, 2, 3]
        program = {}
        exec(model.to_python(), program)
        assert [program["predict"](row) for row in table.tolist()] == [0, 1, 2, 3]


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("offset", [1e7, 1.7e9, 1e12])
@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2, 8)])
def test_whole_targets_far_from_0(criterion, offset, weight):
    model = DecisionTreeRegressor(max_depth=1, criterion=criterion).fit(X, offset + y, weight)
    assert model.tree_.threshold[0] == 3.5
    assert (model.predict(X) - offset).tolist() == y.tolist()


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("size", [1e155, 1e200, 8e307])
def test_targets_whose_squares_overflow(criterion, size):
    noise = np.random.default_rng(0).random(8)
    model = DecisionTreeRegressor(criterion=criterion).fit(np.c_[noise, X], size * (1 + y))
    assert model.predict(np.c_[noise, X]).tolist() == (size * (1 + y)).tolist()
    assert model.feature_importances_.tolist() == [0, 1]
    again = from_dict(model.to_json())
    assert again.predict(np.c_[noise, X]).tolist() == (size * (1 + y)).tolist()


def test_pruning_by_a_cost_that_overflows_is_refused():
    with pytest.raises(ValueError, match="impurity.*overflows.*divide y"):
        DecisionTreeRegressor(ccp_alpha=1.0).fit(X, 1e200 * y)
    with pytest.raises(ValueError, match="impurity.*overflows.*divide y"):
        DecisionTreeRegressor().cost_complexity_pruning_path(X, 1e200 * y)


@pytest.mark.parametrize("options", [{}, {"missing_values": "fractional"}, {"criterion": "gain_ratio"}])
def test_balanced_classes_count_repeated_rows(options):
    random = np.random.default_rng(0)
    table, labels, weight = random.normal(size=(60, 3)), random.integers(0, 3, 60), random.integers(0, 4, 60)
    rows = np.repeat(np.arange(60), weight)
    model = DecisionTreeClassifier(class_weight="balanced", max_depth=3, **options)
    one = clone(model).fit(table, labels, sample_weight=weight)
    assert one.predict_proba(table) == pytest.approx(model.fit(table[rows], labels[rows]).predict_proba(table))


def test_balanced_classes_of_several_outputs_count_repeated_rows():
    random = np.random.default_rng(0)
    table, labels, weight = random.normal(size=(60, 3)), random.integers(0, 3, (60, 2)), random.integers(0, 4, 60)
    rows = np.repeat(np.arange(60), weight)
    model = DecisionTreeClassifier(class_weight="balanced", max_depth=3)
    one = clone(model).fit(table, labels, sample_weight=weight).predict_proba(table)
    for share, other in zip(one, model.fit(table[rows], labels[rows]).predict_proba(table), strict=True):
        assert share == pytest.approx(other)


@pytest.mark.parametrize(
    ("class_weight", "outputs", "message"),
    [
        ({0: 1, 1: 2}, 2, "For multi-output, class_weight should be a list of dicts, or the string 'balanced'"),
        ([{0: 1, 1: 2}], 2, "number of elements in class_weight should match number of outputs. Got 1"),
        ([{0: 1, 1: 2}], 1, "class_weight is a list, which is for several outputs"),
        ({0: 1, 1: -2}, 1, r"class_weight\[1\]=-2.0"),
        ({0: 1, 1: np.nan}, 1, r"class_weight\[1\]=nan"),
        ({0: 1e308, 1: 1e308}, 1, "adds up to more than float64 holds"),
    ],
)
def test_bad_weights_of_classes(class_weight, outputs, message):
    labels = y if outputs == 1 else np.stack([y] * outputs, axis=1)
    with pytest.raises(ValueError, match=message):
        DecisionTreeClassifier(class_weight=class_weight).fit(X, labels)


def test_sample_weights_that_overflow_are_refused():
    with pytest.raises(ValueError, match="sample_weight.*float64"):
        DecisionTreeRegressor().fit(X, y, sample_weight=np.full(8, 1e308))


@pytest.mark.parametrize("value", [2**63, 99999999999999999999999])
def test_seeds_beyond_the_kernels_are_refused_by_name(value):
    with pytest.raises(ValueError, match="'random_state'"):
        DecisionTreeClassifier(random_state=value).fit(X, y)


@pytest.mark.parametrize(
    "name", ["max_depth", "min_samples_split", "min_samples_leaf", "max_features", "max_leaf_nodes"]
)
@pytest.mark.parametrize("value", [2**63 - 1, 2**63, 99999999999999999999999])
def test_whole_numbers_beyond_the_kernels_are_no_bounds(name, value):
    model = DecisionTreeClassifier(**{name: value}).fit(X, y)
    assert model.get_depth() == (0 if name.startswith("min") else 1)
    if name == "max_depth":
        assert ID3Classifier(max_depth=value).fit(X, y).get_depth() == 1


def test_monotonic_constraints_on_one_class():
    model = DecisionTreeClassifier(monotonic_cst=[1]).fit(X, np.zeros(8))
    assert model.predict_proba(X).tolist() == [[1.0]] * 8


@pytest.mark.parametrize("size", [1.0, 1e200])
def test_pruning_by_held_out_rows_far_from_0(size):
    """The split of the far group is worth keeping, however wide the whole is."""
    random = np.random.default_rng(0)
    table = np.repeat(np.arange(4.0), 20)[:, None]
    far = np.repeat([0, 0.0, 1.7e9, 1.7e9 + 4], 20)
    model = DecisionTreeRegressor(max_leaf_nodes=8).fit(table, size * (far + random.random(80)))
    held_out, weight = size * (far + random.random(80)), random.random(80)
    errors = squared_errors(model.tree_, model.apply(table), held_out, weight)
    below = model.decision_path(table).toarray().T > 0
    off = [(held_out[rows] - v) / size for rows, v in zip(below, model.tree_.value[:, 0, 0], strict=True)]
    direct = np.array([(weight[rows] * part**2).sum() for rows, part in zip(below, off, strict=True)])
    assert errors / errors[0] == pytest.approx(direct / direct[0], rel=1e-6)
    model.prune(table, held_out, weight)
    assert set(model.tree_.threshold[model.tree_.kind > 0]) >= {1.5, 2.5}


@pytest.mark.parametrize("weight", [[-1] * 8, [np.nan] * 8, [1] * 3])
def test_bad_weights_of_held_out_rows_are_refused(weight):
    with pytest.raises(ValueError, match="sample_weight"):
        DecisionTreeRegressor().fit(X, y).prune(X, y, weight)


LIMITS = [0, -0.0, 1, -1, 0.1, 1e308, -1.7e308, 1.7e308, 5e-324, 1e-300, 2.2e-308, 3.4e38, 6e4, 2.0**53]


@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, DecisionTreeRegressor])
@given(
    dtype=st.sampled_from([*INTEGERS, "float16", "float32", "float64", ">f8", ">i4"]),
    seed=st.integers(0, 2**32 - 1),
    options=st.fixed_dictionaries(
        {},
        optional={
            "splitter": st.just("random"),
            "max_leaf_nodes": st.integers(2, 5),
            "missing_values": st.just("fractional"),
            "min_samples_leaf": st.sampled_from([0.1, 2]),
            "min_weight_fraction_leaf": st.just(0.1),
            "min_impurity_decrease": st.sampled_from([0.01, 1e300]),
            "ccp_alpha": st.sampled_from([0.01, 1e300]),
        },
    ),
)
def test_finite_input_makes_a_finite_tree_and_no_warnings(Tree, dtype, seed, options):
    random = np.random.default_rng(seed)
    n, d = random.integers(1, 12), random.integers(1, 4)
    limits = LIMITS if np.dtype(dtype).kind == "f" else [0, 1, 2]
    if np.dtype(dtype).kind in "iu":
        limits = [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1, 2]
    with np.errstate(over="ignore"):
        table = np.array([random.choice(len(limits), d) for _ in range(n)])
        table = np.array(limits, dtype)[table]
    table[~np.isfinite(table)] = 3
    weight = random.choice([0, 1, 2, 1e-300, 1e300, 5e-324, 1e308, 0.1], n) if random.integers(2) else None
    regression = Tree is DecisionTreeRegressor
    target = random.choice(LIMITS, n) if regression else random.integers(0, 3, n)
    options["criterion"] = str(random.choice(CRITERIA if regression else ["gini", "entropy", "gain_ratio"]))
    target = np.abs(target) if options["criterion"] == "poisson" else target
    if not regression and random.integers(2):
        options["class_weight"] = "balanced"
    try:
        model = Tree(random_state=0, **options).fit(table, target, weight)
    except ValueError as error:
        refused = "does not go with|adds up|overflows|not positive|at least one non-zero|0 for every row"
        if not re.search(refused, str(error)):
            raise
        return
    tree = model.tree_
    for numbers in (model.predict(table), tree.weighted_n_node_samples, model.feature_importances_):
        assert np.isfinite(numbers).all()
    assert not np.isnan([tree.impurity, tree.gain]).any()
    assert (tree.impurity >= 0).all()
    for write in (model.to_json, model.export_text, model.to_dot, model.to_mermaid, model.tree_html, model.rules):
        write()
