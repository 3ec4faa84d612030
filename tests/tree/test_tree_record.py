"""Trees as JSON: nothing is lost."""

import json

import datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier, from_dict, to_dict


def same_tree(ours, theirs):
    for name, a, b in zip(ours.tree_._fields, ours.tree_, theirs.tree_, strict=True):
        assert np.array_equal(a, b), name
        assert np.asarray(a).dtype == np.asarray(b).dtype, name
    for a, b in zip(ours.columns_, theirs.columns_, strict=True):
        assert a._replace(categories=None) == b._replace(categories=None)
        assert (a.categories is None) == (b.categories is None)
        if a.categories is not None:
            assert list(map(repr, a.categories.tolist())) == list(map(repr, b.categories.tolist()))
            assert a.categories.dtype == b.categories.dtype


@given(st.integers(0, 2**32 - 1))
def test_there_and_back(hand, seed):
    random = np.random.default_rng(seed)
    model = hand.random_tree(random, depth=5, classes=[None, ("no", "it's", "<yes>"), (0, 1)][seed % 3])
    text = model.to_json()
    assert json.loads(text) == model.to_dict() == json.loads(json.dumps(model.to_dict(), allow_nan=False))
    again = type(model).from_dict(text)
    same_tree(model, again)
    assert again.to_json() == text


def test_deep_trees_are_written_flat(hand):
    model = hand.staircase(100_000)
    same_tree(model, hand.HandMade.from_dict(model.to_json()))


@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, DecisionTreeRegressor])
def test_numbers(Tree):
    X, y = (load_digits if Tree is DecisionTreeClassifier else load_diabetes)(return_X_y=True)
    X[::3, ::4] = np.nan
    tree = Tree(max_depth=7, random_state=3).fit(X, y)
    again = from_dict(json.loads(tree.to_json()))
    same_tree(tree, again)
    assert type(again) is Tree
    assert again.get_params() == tree.get_params()
    assert np.array_equal(again.predict(X), tree.predict(X))
    assert again.predict(X).dtype == tree.predict(X).dtype


def test_words():
    frame = datasets.table("titanic", "titanic.csv.gz")
    X, y = frame[["Sex", "Age", "Embarked", "Pclass"]], np.where(frame["Survived"] == 1, "lived", "died")
    tree = ID3Classifier(max_depth=3).fit(X, y)
    again = ID3Classifier.from_dict(tree.to_dict())
    same_tree(tree, again)
    assert again.feature_names_in_.tolist() == list(X)
    assert np.array_equal(again.predict(X), tree.predict(X))
    node = tree.to_dict()["nodes"][0]
    assert node["column"] == "Sex"
    assert node["categories"] == ["female", "male"]
    assert node["samples"] == 891


def test_what_is_no_tree_is_refused(hand):
    data = to_dict(DecisionTreeClassifier().fit([[1], [2]], [0, 1]))
    with pytest.raises(ValueError, match="'format' must be 'fastml.tree'"):
        from_dict({"nodes": []})
    with pytest.raises(ValueError, match="version 99.*upgrade"):
        from_dict(data | {"version": 99})
    with pytest.raises(ValueError, match="classification, which DecisionTreeRegressor is not for"):
        DecisionTreeRegressor.from_dict(data)
    with pytest.raises(ValueError, match="Forest"):
        from_dict(data | {"estimator": "Forest"})
