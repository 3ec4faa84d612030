"""A tree as a linear threshold function of its paths."""

import itertools

import datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier, to_linear


@pytest.mark.parametrize("truth", range(0, 2**8, 5))
def test_boolean_functions_are_signs_of_sums(truth):
    X = np.array(list(itertools.product([0, 1], repeat=3)))
    y = truth >> np.arange(8) & 1
    tree = DecisionTreeClassifier().fit(X, y)
    model = to_linear(tree)
    assert np.array_equal(model.predict(X), y)
    assert (model.features(X).sum(axis=1) == 1).all()
    if len(tree.classes_) == 2:
        assert np.array_equal(np.sign(model.decision_function(X)), 2 * y - 1)
        assert model.weights.shape == (1, tree.get_n_leaves())


@given(st.integers(0, 2**32 - 1))
def test_every_row_meets_the_path_of_its_node(hand, seed):
    random = np.random.default_rng(seed)
    model = hand.random_tree(random, depth=4, classes=[None, ("a", "b"), ("a", "b", "c")][seed % 3])
    rows = hand.random_rows(random, model, 20)
    linear = model.to_linear()
    features = linear.features(rows)
    nodes = [hand.stop(model, row) for row in rows]
    assert (features.sum(axis=1) == 1).all()
    assert [linear.nodes[place] for place in features.argmax(axis=1)] == nodes
    assert linear.predict(rows).tolist() == [hand.answer(model, node) for node in nodes]
    assert len(str(linear).splitlines()) == len(linear.nodes) + 1


def test_real_data():
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier().fit(X, y)
    assert np.array_equal(tree.to_linear().predict(X), tree.predict(X))
    X, y = load_diabetes(return_X_y=True)
    tree = DecisionTreeRegressor(max_depth=5).fit(X, y)
    assert np.array_equal(tree.to_linear().predict(X), tree.predict(X))
    X, y = datasets.car()
    tree = ID3Classifier(max_depth=4).fit(X, y)
    assert np.array_equal(tree.to_linear().predict(X[::5]), tree.predict(X[::5]))


def test_a_table_of_another_width_is_refused(hand):
    model = hand.build([1, 0], [hand.column("x")], ["a", "b"]).to_linear()
    with pytest.raises(ValueError, match="a table of 1 columns is needed"):
        model.predict([[1, 2]])
    assert model.predict([[1]]).tolist() == ["a"]
    assert str(model).endswith("-1 [always]")
