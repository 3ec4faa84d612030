"""Targets of several outputs: against scikit-learn's, and what one tree of them cannot do."""

import pickle

import numpy as np
import pytest
import sklearn.tree

import fastml
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor


@pytest.fixture
def table():
    random = np.random.default_rng(3)
    X = random.normal(size=(400, 5)).astype(np.float32)
    labels = np.stack([random.integers(0, 3, 400), random.choice([4, 7], 400)], axis=1)
    return X, labels, random.uniform(0.5, 4, (400, 3)), random.uniform(0.5, 2, 400)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("criterion", ["gini", "entropy", "squared_error", "poisson"])
@pytest.mark.parametrize(
    "limits",
    [{"min_samples_leaf": 20}, {"max_depth": 4, "min_samples_leaf": 9}, {"min_samples_leaf": 12, "ccp_alpha": 0.01}],
)
def test_the_tree_is_scikit_learns(table, criterion, weighted, limits):
    X, labels, numbers, weight = table
    name, y = (
        ("DecisionTreeClassifier", labels) if criterion in ("gini", "entropy") else ("DecisionTreeRegressor", numbers)
    )
    ours, theirs = (
        getattr(module, name)(criterion=criterion, **limits, **more).fit(X, y, weight if weighted else None)
        for module, more in ((fastml.tree, {}), (sklearn.tree, {"random_state": 0}))
    )
    assert np.array_equal(ours.tree_.feature, theirs.tree_.feature)
    assert ours.tree_.threshold == pytest.approx(theirs.tree_.threshold, rel=1e-6)
    assert ours.tree_.value.shape == theirs.tree_.value.shape
    assert ours.tree_.value == pytest.approx(theirs.tree_.value)
    assert ours.tree_.impurity == pytest.approx(theirs.tree_.impurity)
    assert (ours.n_outputs_, ours.tree_.n_outputs) == (theirs.n_outputs_, theirs.tree_.n_outputs)
    assert ours.predict(X) == pytest.approx(theirs.predict(X))
    assert ours.predict(X).dtype == theirs.predict(X).dtype
    assert ours.predict(X[:1]).shape == (1, y.shape[1])
    if name == "DecisionTreeClassifier":
        assert ours.tree_.n_classes.tolist() == theirs.tree_.n_classes.tolist() == list(ours.n_classes_) == [3, 2]
        for found, expected in zip(ours.classes_, theirs.classes_, strict=True):
            assert np.array_equal(found, expected)
        for found, log, expected in zip(
            ours.predict_proba(X), ours.predict_log_proba(X), theirs.predict_proba(X), strict=True
        ):
            assert found == pytest.approx(expected)
            assert np.exp(log) == pytest.approx(expected)
    else:
        assert ours.score(X, y) == pytest.approx(theirs.score(X, y))


def test_balanced_classes_words_and_missing_values(table, tmp_path):
    X, labels, _, _ = table
    words = np.array(["a", "b", "c"])[labels[:, 0]]
    y = np.stack([words, labels[:, 1].astype(str)], axis=1)
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    model = DecisionTreeClassifier(class_weight="balanced").fit(holes, y)
    theirs = sklearn.tree.DecisionTreeClassifier(class_weight="balanced", max_depth=1, random_state=0).fit(X, y)
    stump = DecisionTreeClassifier(class_weight="balanced", max_depth=1).fit(X, y)
    assert stump.tree_.value == pytest.approx(theirs.tree_.value)
    assert (model.predict(holes) == y).all()
    fastml.save(model, tmp_path / "tree.fml")
    for again in (pickle.loads(pickle.dumps(model)), fastml.load(tmp_path / "tree.fml")):
        assert np.array_equal(again.predict(holes), model.predict(holes))
    assert np.array_equal(model.predict_path(X, max_depth=[2])[0], DecisionTreeClassifier(
        class_weight="balanced", max_depth=2).fit(holes, y).predict(X))  # fmt: skip


def test_one_column_is_one_output(table):
    X, _, numbers, _ = table
    model = DecisionTreeRegressor(max_depth=3).fit(X, numbers[:, 0])
    for order in (np.ascontiguousarray, np.asfortranarray):
        twice = DecisionTreeRegressor(max_depth=3).fit(X, order(numbers[:, [0, 0]]))
        assert np.array_equal(twice.predict(X)[:, 1], model.predict(X))


@pytest.mark.parametrize("weighted", [False, True])
def test_medians_of_several_outputs_are_scikit_learns(table, weighted):
    X, _, numbers, _ = table
    weight = np.random.default_rng(0).integers(1, 4, len(X)) if weighted else None
    options = {"criterion": "absolute_error", "max_depth": 4}
    ours = DecisionTreeRegressor(**options).fit(X, numbers.round(1), weight)
    theirs = sklearn.tree.DecisionTreeRegressor(**options, random_state=0).fit(X, numbers.round(1), weight)
    assert ours.tree_.impurity[0] == pytest.approx(theirs.tree_.impurity[0])
    assert ours.tree_.threshold[0] == pytest.approx(theirs.tree_.threshold[0], rel=1e-6)
    lost = [np.abs(model.predict(X) - numbers.round(1)).mean() for model in (ours, theirs)]
    assert lost[0] == pytest.approx(lost[1], rel=0.02)  # equal splits are chosen at random there


@pytest.mark.parametrize("options", [{"monotonic_cst": [1, 0, 0, 0, 0]}, {"missing_values": "fractional"}])
def test_what_is_for_one_output(table, options):
    X, _, numbers, _ = table
    with pytest.raises(ValueError, match="is for one output, but y has 3: fit a tree for each"):
        DecisionTreeRegressor(**options).fit(X, numbers)


def test_readers_take_one_output(table):
    X, labels, numbers, _ = table
    model = DecisionTreeRegressor(max_depth=2).fit(X, numbers)
    for reader in (model.export_text, model.to_sql, model.to_python, model.to_dict, model.to_dot):
        with pytest.raises(ValueError, match="the tree has 3 outputs"):
            reader()
    with pytest.raises(ValueError, match="prune is for one output"):
        DecisionTreeClassifier().fit(X, labels).prune(X, labels)
    with pytest.raises(ValueError, match="pruning='pessimistic' is for one output"):
        DecisionTreeClassifier(pruning="pessimistic").fit(X, labels)
