"""Explanations: the path is the tree's, and no change is cheaper than the nearest one."""

import itertools

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, explain
from fastml_ext.tree.structure import LEAF, NUMERIC, exact_threshold

seeds = st.integers(0, 2**32 - 1)


def candidates(model, j, value):
    """(value, cost / spread 1) of everything worth trying in column j: no other value is in another leaf, or nearer."""
    column, tree = model.columns_[j], model.tree_
    if column.categories is not None:
        return [(value, 0.0)] + [(category, 1.0) for category in column.categories.tolist() if category != value]
    missing = value is None or value != value
    out = [(value, 0.0)]
    for node in np.flatnonzero((tree.feature == j) & (tree.kind == NUMERIC)):
        t = exact_threshold(tree, node, column.dtype).item()
        if t == np.inf or t == np.iinfo(np.int64).max:
            out.append((0, 1.0)) if missing else None
            continue
        above = float(np.nextafter(column.dtype.type(t), np.inf)) if column.dtype.kind == "f" else t + 1
        known = [new for new in (t, above) if column.dtype.kind != "b" or new in (0, 1)]
        out += [(new, 1.0 if missing else float(abs(new - value))) for new in known]
    return out


def cheapest(hand, model, row, answer):
    """The least cost of a row that ends in a leaf of another answer, every combination tried; None if there is none."""
    best = None
    used = set(model.tree_.feature[model.tree_.kind != LEAF].tolist())
    columns = [candidates(model, j, value) if j in used else [(value, 0.0)] for j, value in enumerate(row)]
    for combination in itertools.product(*columns):
        node = hand.stop(model, [value for value, _ in combination])
        if model.tree_.kind[node] == LEAF and hand.answer(model, node) != answer:
            cost = sum(price for _, price in combination)
            best = cost if best is None or cost < best else best
    return best


@given(seeds)
def test_the_nearest_change_is_the_cheapest_of_all(hand, seed):
    random = np.random.default_rng(seed)
    model = hand.random_tree(random, depth=3, classes=[None, ("a", "b"), ("a", "b", "c")][seed % 3])
    row = hand.random_rows(random, model, 1)[0]
    sizes = [len(candidates(model, j, value)) for j, value in enumerate(row)]
    used = set(model.tree_.feature[model.tree_.kind != LEAF].tolist())
    assume(np.prod([size for j, size in enumerate(sizes) if j in used]) < 3000)
    why = model.explain(row)
    best = cheapest(hand, model, row, why.prediction)
    if best is None:
        assert why.change is None
        return
    assert why.change.cost == pytest.approx(best, rel=1e-12)
    assert why.change.prediction != why.prediction
    names = [column.name for column in model.columns_]
    changes = dict(zip(map(plain_name, names), names, strict=True))
    changed = dict(zip(names, row, strict=True)) | {changes[name]: value for name, value in why.change.changes.items()}
    assert hand.stop(model, list(changed.values())) == why.change.node
    assert len(why.change.tests) == len(why.change.changes)


def plain_name(name):
    return name.replace("\n", "\\n")


@given(seeds)
def test_the_path_is_the_walk(hand, seed):
    random = np.random.default_rng(seed)
    model = hand.random_tree(random, depth=5)
    for row in hand.random_rows(random, model, 10):
        why = model.explain(row)
        assert why.node == why.path[-1].node == hand.stop(model, row)
        assert why.prediction == hand.answer(model, why.node)
        assert [step.node for step in why.path] == sorted(step.node for step in why.path)
        assert all(sum(step.distribution.values()) == pytest.approx(1) for step in why.path)
        assert str(why)
        assert "<table>" in why._repr_html_()
        assert "<yes>" not in why._repr_html_()


def test_play_tennis_step_by_step():
    frame = datasets.table("play-tennis", "play-tennis.csv")
    X, y = frame.iloc[:, :-1], frame.iloc[:, -1]
    tree = DecisionTreeClassifier(criterion="entropy").fit(X, y)
    why = tree.explain(dict(X.iloc[0]))
    assert [step.test for step in why.path] == ["Outlook = Sunny", "Humidity = High", ""]
    assert [step.gain for step in why.path] == pytest.approx([0.2467, 0.9710, 0], abs=1e-4)
    assert [step.samples for step in why.path] == [14, 5, 3]
    assert why.path[1].distribution == pytest.approx({"No": 0.6, "Yes": 0.4})
    assert why.change.changes == {"Outlook": "Overcast"}
    assert str(why.change) == "Yes if Outlook = Overcast (cost 1)"
    unseen = tree.explain(["Fog", "Hot", "High", "Weak"])
    assert unseen.path[0].test == "Outlook has a value that no branch is for"
    assert (unseen.prediction, unseen.node) == ("Yes", 0)


def test_what_is_explained_is_what_is_predicted():
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier().fit(X, y)
    spread = X.max(0) - X.min(0)
    for row in X:
        why = tree.explain(row)
        assert [why.prediction] == tree.predict([row])
        assert [step.node for step in why.path] == tree.decision_path([row]).indices.tolist()
        changed = row.copy()
        for name, value in why.change.changes.items():
            changed[int(name[1:])] = value
        assert [why.change.prediction] == tree.predict([changed]) != [why.prediction]
        assert why.change.cost == pytest.approx((abs(changed - row) / spread).sum())


def test_regression_on_real_data():
    X, y = load_diabetes(return_X_y=True)
    tree = DecisionTreeRegressor(max_depth=4).fit(X, y)
    why = tree.explain(X[3], spread=X.std(0), feature_names=load_diabetes().feature_names)
    assert [why.prediction] == tree.predict(X[3:4])
    assert why.path[0].distribution is None
    assert why.change.prediction != why.prediction
    assert "It would be" in str(why)


def test_no_change_of_a_single_leaf(hand):
    why = hand.build([2, 1], [hand.column("x")], ["a", "b"]).explain([1])
    assert why.change is None
    assert str(why).endswith("No change of the row alters the answer.")


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([1], "x has shape"),
        ([[1, 2], [3, 4]], "one row"),
        ({"a": 1}, "no value for column 'b'"),
        (["one", 2], "x has 'one' in column 'a', which holds float64 numbers"),
    ],
)
def test_bad_rows_are_refused(hand, x, words):
    columns = [hand.column("a"), hand.column("b")]
    model = hand.build((0, 1.0, False, [1, 0], [0, 1]), columns, ["no", "yes"])
    with pytest.raises(ValueError, match=words):
        explain(model, x)
    with pytest.raises(ValueError, match="spread must have a positive number"):
        explain(model, [1, 2], spread=[1, 0])


def test_columns_know_their_spread_and_whether_values_were_missing():
    import pandas as pd

    frame = pd.DataFrame(
        {
            "number": [1.0, 4.5, np.nan, 2.0],
            "whole": [7, 3, 3, 2**53 + 1],
            "nothing": [np.nan] * 4,
            "same": [5.0] * 4,
            "word": ["a", None, "b", "a"],
            "size": pd.Categorical(["small", "large", "large", "small"], ["small", "large"], ordered=True),
        }
    )
    columns = DecisionTreeClassifier().fit(frame, [0, 1, 0, 1]).columns_
    assert [column.missing for column in columns] == [True, False, True, False, True, False]
    assert [column.spread for column in columns] == [3.5, 2.0**53 - 2, 0.0, 0.0, 0.0, 0.0]


def test_a_frame_of_one_row_is_a_row():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan], "c": ["x", "y", "x", "y"], "n": [1, 2, 3, 2**53 + 1]})
    model = DecisionTreeClassifier().fit(frame, [0, 1, 1, 0])
    for i in range(4):
        expected = str(model.explain(frame.iloc[i].tolist()))
        assert str(model.explain(frame.iloc[i : i + 1])) == expected
        assert str(model.explain(pl.DataFrame(frame.iloc[i : i + 1].to_dict("list")))) == expected
    with pytest.raises(ValueError, match="x has 2 rows"):
        model.explain(frame[:2])
