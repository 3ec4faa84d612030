"""C4.5's fractional instances: Quinlan's worked example, and what the readers of trees make of them."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest

import fastml
from fastml.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    explain,
    export_text,
    from_dict,
    to_json,
    to_linear,
    to_python,
    to_sql,
)

# Quinlan 1993, C4.5: Programs for Machine Learning, table 2.1; in section 3.2 the outlook of the sixth day is unknown.
DAYS = """
sunny 75 70 true Play|sunny 80 90 true Don't|sunny 85 85 false Don't|sunny 72 95 false Don't|sunny 69 70 false Play
overcast 72 90 true Play|overcast 83 78 false Play|overcast 64 65 true Play|overcast 81 75 false Play
rain 71 80 true Don't|rain 65 70 true Don't|rain 75 80 false Play|rain 68 80 false Play|rain 70 96 false Play
"""


def golf():
    rows = [day.split() for line in DAYS.strip().split("\n") for day in line.split("|")]
    frame = pd.DataFrame(rows, columns=["outlook", "temperature", "humidity", "windy", "play"])
    frame = frame.astype({"temperature": float, "humidity": float})
    frame.loc[5, "outlook"] = None
    return frame.drop(columns="play"), frame["play"].to_numpy()


def bits(*counts):
    return -sum(c / sum(counts) * math.log2(c / sum(counts)) for c in counts if c)


@pytest.fixture
def model():
    X, y = golf()
    return DecisionTreeClassifier(criterion="gain_ratio", missing_values="fractional", min_samples_leaf=2).fit(X, y)


def test_the_gain_of_outlook_is_quinlans(model):
    known = bits(8, 5)
    assert known == pytest.approx(0.961, abs=5e-4)
    below = 5 / 13 * bits(2, 3) + 3 / 13 * bits(3, 0) + 5 / 13 * bits(3, 2)
    assert below == pytest.approx(0.747, abs=5e-4)
    gain = 13 / 14 * (known - below)
    assert gain == pytest.approx(0.199, abs=5e-4)
    assert bits(5, 3, 5, 1) == pytest.approx(1.809, abs=5e-4)  # the unknown value is a branch more
    tree = model.tree_
    assert tree.feature[0] == 0
    assert tree.gain[0] == pytest.approx(gain)
    assert gain / bits(5, 3, 5, 1) == pytest.approx(0.110, abs=5e-4)


def test_the_sixth_day_is_dealt_to_all_three_branches(model):
    tree = model.tree_
    assert model.columns_[0].categories[tree.category_code[:3]].tolist() == ["overcast", "rain", "sunny"]
    overcast, rain, sunny = tree.category_child[:3].tolist()
    weight = tree.weighted_n_node_samples
    assert weight[[overcast, rain, sunny]] == pytest.approx([3 + 3 / 13, 5 + 5 / 13, 5 + 5 / 13])
    assert tree.kind[overcast] == 0
    assert tree.feature[[rain, sunny]].tolist() == [3, 2]
    low, high = tree.children_left[sunny], tree.children_right[sunny]
    assert weight[[low, high]] == pytest.approx([2.0, 3 + 5 / 13])  # Play (2.0), Don't Play (3.4/0.4)
    assert tree.value[high, 0] == pytest.approx([3 / (3 + 5 / 13), 5 / 13 / (3 + 5 / 13)])
    assert tree.node_count == 8  # a share of a day is not split off


def test_a_sunny_day_of_unknown_humidity(model):
    """Section 3.2.3: Don't Play 56 %, Play 44 %."""
    X = pd.DataFrame({"outlook": ["sunny"], "temperature": [70.0], "humidity": [np.nan], "windy": ["false"]})
    high = 3 + 5 / 13
    dont = high / (2 + high) * (3 / high)
    assert dont == pytest.approx(0.56, abs=5e-3)
    assert model.predict_proba(X)[0] == pytest.approx([dont, 1 - dont])
    assert model.predict(X).tolist() == ["Don't"]
    unknown = pd.DataFrame({"outlook": [None], "temperature": [70.0], "humidity": [90.0], "windy": ["false"]})
    branches = np.array([3 + 3 / 13, 5 + 5 / 13, 5 + 5 / 13]) / 14
    assert model.predict_proba(unknown)[0, 0] == pytest.approx(branches[2] * 3 / high)


def test_known_rows_and_trees_are_as_ever():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(300, 4)).astype(np.float32), random.integers(0, 3, 300)
    for options in ({}, {"splitter": "random", "random_state": 0}, {"max_features": 2, "random_state": 1}):
        plain = DecisionTreeClassifier(**options).fit(X, y)
        model = DecisionTreeClassifier(missing_values="fractional", **options).fit(X, y)
        assert np.array_equal(model.tree_.threshold, plain.tree_.threshold)
        assert np.array_equal(model.predict(X), plain.predict(X))
        assert np.array_equal(model.predict_proba(X), plain.predict_proba(X))
        assert np.array_equal(model.apply(X), plain.apply(X))
    holes = np.where(random.random(X.shape) < 0.1, np.nan, X)
    model.fit(holes, y)
    assert model.predict_proba(holes).sum(axis=1) == pytest.approx(1)
    assert np.array_equal(model.predict_proba(holes)[:1], model.predict_proba(holes[:1]))
    assert np.array_equal(model.predict(holes[:1]), model.predict(holes)[:1])


def test_regression_and_pruning():
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 3))
    y = np.where(X[:, 0] > 0, 2.0, 0.0) + X[:, 1]
    holes = np.where(random.random(X.shape) < 0.2, np.nan, X)
    model = DecisionTreeRegressor(missing_values="fractional", max_depth=5).fit(holes, y)
    assert model.score(holes, y) > 0.6
    everything = model.predict([[np.nan] * 3])
    assert everything == pytest.approx(y.mean())  # all branches by their weights
    for i, depth in enumerate(model.predict_path(holes, max_depth=[1, 3])):
        alone = DecisionTreeRegressor(missing_values="fractional", max_depth=(1, 3)[i]).fit(holes, y)
        assert np.array_equal(depth, alone.predict(holes))
    label = (y > 1).astype(int)
    grown, pruned = (
        DecisionTreeClassifier(missing_values="fractional", **options).fit(holes, label)
        for options in ({}, {"pruning": "pessimistic"})
    )
    assert pruned.tree_.n_leaves < grown.tree_.n_leaves
    settings = [{"max_depth": 2, "ccp_alpha": 0.01}, {"max_depth": None, "ccp_alpha": 0.0}]
    rows = np.arange(300)
    (responses,) = grown.shared_responses(holes, label, [(rows, rows[:50])], settings, "predict_proba")
    for setting, response in zip(settings, responses, strict=True):
        alone = DecisionTreeClassifier(missing_values="fractional", **setting).fit(holes, label)
        assert np.array_equal(response, alone.predict_proba(holes[:50]))


def test_readers(model, tmp_path):
    X, y = golf()
    again = from_dict(to_json(model))
    fastml.save(model, tmp_path / "golf.fml")
    for other in (again, pickle.loads(pickle.dumps(model)), fastml.load(tmp_path / "golf.fml")):
        assert np.array_equal(other.predict_proba(X), model.predict_proba(X))
    text = export_text(model)
    assert "missing" not in text
    assert "if humidity <= 77.50 then Play   [2 samples, P = 1.00]" in text
    assert explain(model, X.iloc[0]).prediction == "Play"
    with pytest.raises(ValueError, match="no value in column 'outlook'"):
        explain(model, X.iloc[5])
    for reader in (to_python, to_sql, to_linear):
        with pytest.raises(ValueError, match=f"{reader.__name__} sends every row one way"):
            reader(model)
    with pytest.raises(ValueError, match=r"X\[5\] has a missing value"):
        model.apply(X)
    with pytest.raises(ValueError, match=r"X\[5\] has a missing value"):
        model.prune(X, y)


@pytest.mark.parametrize("options", [{"max_leaf_nodes": 5}, {"monotonic_cst": [1]}, {"criterion": "absolute_error"}])
def test_what_does_not_go_together(options):
    with pytest.raises(ValueError, match="does not go with"):
        DecisionTreeRegressor(missing_values="fractional", **options).fit([[0.0], [1.0]], [0, 1])
