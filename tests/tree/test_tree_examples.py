"""Trees on the examples that every textbook has, and on the tables they are told by."""

import gzip
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastml.tree import DecisionTreeClassifier, ID3Classifier, entropy, gain_ratio, information_gain
from fastml_ext.tree import reference
from fastml_ext.tree.structure import branches

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from datasets import adult, car, folder


def textbook(X, y):
    """The reference's ID3 on the same table."""
    names = [f"x{j}" for j in range(X.shape[1])]
    return reference.id3([dict(zip(names, row, strict=True)) for row in X.tolist()], list(y), names)


def as_dictionary(model, node=0):
    """A fitted ID3 tree as the reference writes it."""
    tree = model.tree_
    common = model.classes_[tree.value[node, 0].argmax()]
    if tree.kind[node] == 0:
        return common
    column = model.columns_[tree.feature[node]]
    return (
        column.name,
        {column.categories[c[0]]: as_dictionary(model, child) for child, c in branches(tree, node)},
        common,
    )


@pytest.fixture
def tennis():
    frame = pd.read_csv(folder("play-tennis") / "play-tennis.csv")
    return frame.iloc[:, :4], frame.iloc[:, 4]


def test_play_tennis(tennis):
    X, y = tennis
    assert entropy(y) == pytest.approx(0.940, abs=5e-4)
    gains = [information_gain(X[name], y) for name in ("Outlook", "Humidity", "Wind", "Temperature")]
    assert gains == pytest.approx([0.2467, 0.1518, 0.0481, 0.0292], abs=5e-5)
    model = ID3Classifier().fit(X, y)
    name, outlook, _ = as_dictionary(model)
    assert name == "Outlook"
    assert {value: branch if isinstance(branch, str) else branch[0] for value, branch in outlook.items()} == {
        "Sunny": "Humidity", "Overcast": "Yes", "Rain": "Wind",
    }  # fmt: skip
    assert model.score(X, y) == 1
    assert model.tree_.gain[0] == pytest.approx(gains[0])


def test_a_value_that_did_not_occur_gets_the_common_label(tennis):
    X, y = tennis
    model = ID3Classifier().fit(X, y)
    row = X.iloc[:1].assign(Outlook="Hail")
    assert model.predict(row).tolist() == ["Yes"]
    assert model.apply(row).tolist() == [0]
    with pytest.raises(ValueError, match=r"X\[0\] has 'Hail' in column 'Outlook'"):
        ID3Classifier(unknown="error").fit(X, y).predict(row)


def test_no_attribute_left_gets_the_majority_and_of_a_tie_the_lowest():
    assert ID3Classifier().fit([["a"], ["a"], ["a"]], [1, 2, 2]).predict([["a"]]) == 2
    assert ID3Classifier().fit([["a"], ["a"]], ["no", "maybe"]).predict([["a"]]) == "maybe"


@pytest.mark.parametrize("table", range(0, 2**16, 4099))
def test_boolean_functions_of_four_variables(table):
    X = np.array(list(itertools.product([False, True], repeat=4)))
    y = np.array([table >> i & 1 for i in range(16)])
    for X_ in (X, X.astype(int), X.astype(str).astype(object)):
        for model in (ID3Classifier(), DecisionTreeClassifier(), DecisionTreeClassifier(criterion="gain_ratio")):
            assert model.fit(X_, y).score(X_, y) == 1


def test_every_boolean_function_of_three_variables_and_parity_of_four():
    X = np.array(list(itertools.product([0, 1], repeat=3)))
    for table in range(256):
        y = np.array([table >> i & 1 for i in range(8)])
        assert ID3Classifier().fit(X, y).score(X, y) == 1
    X = np.array(list(itertools.product([0, 1], repeat=4)))
    y = X.sum(axis=1) % 2
    assert ID3Classifier().fit(X, y).tree_.n_leaves == 16
    assert DecisionTreeClassifier(min_impurity_decrease=1e-6).fit(X, y).tree_.n_leaves == 1


def test_car_is_the_textbooks_tree():
    X, y = car()
    assert entropy(y) == pytest.approx(1.2057, abs=5e-5)
    model = ID3Classifier().fit(X, y)
    assert model.columns_[model.tree_.feature[0]].name == "x5"  # safety
    assert as_dictionary(model) == textbook(X, y.tolist())
    assert model.score(X, y) == 1


def read(name):
    with gzip.open(next(folder(name).glob("*.data.gz"))) as file:
        return pd.read_csv(file, header=None)


def test_tic_tac_toe_is_the_textbooks_tree():
    frame = read("tic-tac-toe")
    X, y = frame.iloc[:, :-1].to_numpy(object), frame.iloc[:, -1].to_numpy(object)
    model = ID3Classifier().fit(X, y)
    assert model.columns_[model.tree_.feature[0]].name == "x4"  # the middle
    assert as_dictionary(model) == textbook(X, y.tolist())


@pytest.mark.parametrize("split", ["multiway", "subset"])
@pytest.mark.parametrize("criterion", ["entropy", "gini", "gain_ratio"])
def test_mushrooms_are_told_apart(split, criterion):
    frame = read("mushroom")
    X, y = frame.iloc[:, 1:], frame.iloc[:, 0]
    model = DecisionTreeClassifier(criterion=criterion, categorical_split=split).fit(X, y)
    assert model.score(X, y) == 1
    assert model.tree_.max_depth <= 8


def test_adult_with_its_words_and_missing_values():
    X, y = adult()
    test, truth = adult("test")
    model = DecisionTreeClassifier(categorical_split="subset", max_leaf_nodes=60).fit(X, y)
    assert [column.split for column in model.columns_].count("subset") == 8
    assert model.score(test, truth) > 0.855


def test_measures():
    assert entropy([1, 1, 1]) == 0
    assert entropy(list("abcd")) == 2
    assert entropy([0, 1], sample_weight=[1, 3]) == pytest.approx(0.8112781)
    assert information_gain([1, 1, 2, 2], [0, 1, 0, 1]) == 0
    assert gain_ratio([1, 1, 1, 1], [0, 1, 0, 1]) == 0
    assert gain_ratio([None, float("nan"), 1, 1], [0, 0, 1, 1]) == 1
    with pytest.raises(ValueError, match="y is empty"):
        entropy([])
    with pytest.raises(ValueError, match="inconsistent"):
        information_gain([1], [1, 2])
