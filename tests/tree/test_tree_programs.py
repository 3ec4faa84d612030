"""The programs that a tree is written as answer as the tree does."""

import sqlite3

import datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits
from sklearn.tree import DecisionTreeClassifier as TheirClassifier
from sklearn.tree import DecisionTreeRegressor as TheirRegressor

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier, to_python, to_sql
from fastml.tree.code import widened

seeds = st.integers(0, 2**32 - 1)


def run_python(source):
    program = {}
    exec(compile(source, "tree", "exec"), program)
    return program


def run_sql(query, names, rows, table="data"):
    """The last columns of the query's rows, whatever it adds."""
    quote = '"' + table.replace('"', '""') + '"'
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE {quote} ({columns})")
        database.executemany(f"INSERT INTO {quote} VALUES ({', '.join('?' * len(names))})", rows)
        return [row[len(names) :] for row in database.execute(query)]


@given(seeds)
def test_python_answers_as_the_tree(hand, seed):
    random = np.random.default_rng(seed)
    model = hand.random_tree(random, depth=5, classes=[None, ("no", "it's", "<yes>"), (0, 1)][seed % 3])
    program = run_python(model.to_python())
    names = [column.name for column in model.columns_]
    for row in hand.random_rows(random, model, 30):
        node = hand.stop(model, row)
        assert program["apply"](row) == program["apply"](dict(zip(names, row, strict=True))) == node
        assert program["predict"](row) == hand.answer(model, node)
        if seed % 3:
            assert program["predict_proba"](row) == tuple(model.tree_.value[node, 0])


@given(seeds)
def test_sql_answers_as_the_tree(hand, seed):
    random = np.random.default_rng(seed)
    model = hand.random_tree(random, depth=5, classes=[None, ("no", "it's", "<yes>"), (0, 1)][seed % 3])
    names, table = [column.name for column in model.columns_], hand.NASTY[seed % len(hand.NASTY)]
    rows = hand.random_rows(random, model, 30)
    nodes = [hand.stop(model, row) for row in rows]
    answers = run_sql(model.to_sql(table), names, rows, table)
    assert answers == [(hand.answer(model, node),) for node in nodes]
    assert run_sql(model.to_sql(table, output="node"), names, rows, table) == [(node,) for node in nodes]
    if seed % 3:
        shares = run_sql(model.to_sql(table, output="proba"), names, rows, table)
        assert shares == [tuple(model.tree_.value[node, 0]) for node in nodes]


def test_the_deepest_trees_can_be_compiled(hand):
    model = hand.staircase(5000)
    program = run_python(model.to_python())
    rows = [[x] for x in (-1.0, 0.0, 1.0, 2500.0, 2501.0, 4999.0, 1e9, None)]
    expected = [hand.answer(model, hand.stop(model, row)) for row in rows]
    assert [program["predict"](row) for row in rows] == expected
    assert run_sql(model.to_sql(), ["x"], rows) == [(label,) for label in expected]
    assert max(len(line) - len(line.lstrip()) for line in model.to_python().splitlines()) == 8


def test_a_full_tree_is_indented_by_its_logarithm(hand):
    def full(depth, low, high):
        middle = (low + high) / 2
        return [1, 2] if depth == 0 else (0, middle, False, full(depth - 1, low, middle), full(depth - 1, middle, high))

    source = hand.build(full(10, 0, 1024), [hand.column("x")], [0, 1]).to_python()
    assert max(len(line) - len(line.lstrip()) for line in source.splitlines()) == 4 * 11


def test_a_hundred_thousand_levels_are_written_without_recursion(hand):
    model = hand.staircase(100_000)
    assert model.to_python().count("return") > 100_000
    assert model.to_sql().count("WHEN") == 100_000


def test_integers_stay_exact(hand):
    model = hand.build((0, 2**53 + 1, False, [1, 0], [0, 1]), [hand.column("id", "i8")], ["low", "high"])
    rows = [[2**53 + 1], [2**53 + 2]]
    program = run_python(model.to_python())
    assert [program["predict"](row) for row in rows] == ["low", "high"]
    assert run_sql(model.to_sql(), ["id"], rows) == [("low",), ("high",)]


def test_unsigned_integers_beyond_int64(hand):
    columns = [hand.column("hash", "u8")]
    model = hand.build((0, 5, False, [1, 0], [0, 1]), columns, ["low", "high"])
    whole = np.array([2**63 + 5, 0, 0], np.uint64).view(np.int64)
    model.tree_ = model.tree_._replace(threshold_int=whole)
    program = run_python(model.to_python())
    assert [program["predict"]([x]) for x in (2**63 + 5, 2**63 + 6)] == ["low", "high"]
    assert program["apply"]([2**63 + 6]) == hand.stop(model, [2**63 + 6])
    assert model.from_dict(model.to_json()).to_python() == model.to_python()


@given(st.floats(-(2.0**100), 2.0**100, width=32))
def test_widened_thresholds_round_as_float32_does(threshold):
    wide = widened(threshold)
    assert wide >= threshold
    assert np.float32(wide) == threshold
    assert np.float32(np.nextafter(wide, np.inf)) > threshold


def test_a_leaf_alone(hand):
    model = hand.build([2, 1], [hand.column("x")], ["a", "b"])
    assert run_python(model.to_python())["predict"]([3]) == "a"
    assert model.to_sql(None) == "'a'"
    assert run_sql(model.to_sql(), ["x"], [(1,)]) == [("a",)]


def test_missing_values_of_pandas(hand):
    import pandas as pd

    model = hand.build((0, 1.0, True, [1, 0], [0, 1]), [hand.column("x")], ["a", "b"])
    program = run_python(model.to_python())
    frame = pd.DataFrame({"x": pd.array([0, 5, None], dtype="Int64")})
    assert [program["predict"](row) for _, row in frame.astype(object).iterrows()] == ["a", "b", "a"]
    assert [program["predict"](row) for row in frame.to_dict("records")] == ["a", "b", "a"]


@pytest.mark.parametrize("feature_names", [None, [f"pixel {i}" for i in range(64)]])
def test_digits_of_scikit_learns_tree(feature_names):
    X, y = load_digits(return_X_y=True)
    X = X + 0.1  # no longer exact in float32
    X[::7, ::3] = np.nan
    tree = TheirClassifier(random_state=0).fit(X[::2], y[::2])
    program = run_python(to_python(tree, feature_names=feature_names))
    assert [program["predict"](row) for row in X.tolist()] == tree.predict(X).tolist()
    assert np.array_equal([program["predict_proba"](row) for row in X], tree.predict_proba(X))
    names = feature_names or [f"x{i}" for i in range(64)]
    answers = run_sql(to_sql(tree, feature_names=feature_names), names, X.tolist())
    assert [label for (label,) in answers] == tree.predict(X).tolist()


def test_diabetes_of_scikit_learns_tree():
    X, y = load_diabetes(return_X_y=True)
    tree = TheirRegressor(random_state=0).fit(X[::2], y[::2])
    program = run_python(to_python(tree))
    assert [program["predict"](row) for row in X.tolist()] == tree.predict(X).tolist()
    answers = run_sql(to_sql(tree), [f"x{i}" for i in range(10)], X.tolist())
    assert [value for (value,) in answers] == tree.predict(X).tolist()


@pytest.mark.parametrize("split", ["multiway", "subset"])
@pytest.mark.parametrize("ordered", [False, True])
def test_adult(split, ordered):
    """Strings, integers, missing values and categories that only the test part has."""
    import pandas as pd

    frame, y = datasets.adult()
    frame = frame.replace("?", None).astype({0: "float32"})
    frame.columns = [f'column {j} it\'s "{j}"' for j in range(frame.shape[1])]
    frame.iloc[::11, 0] = np.nan
    if ordered:
        frame.iloc[:, 3] = pd.Categorical(frame.iloc[:, 3], ordered=True)
    train = frame[frame.iloc[:, 13] != "Mexico"][::2]
    tree = DecisionTreeClassifier(categorical_split=split, max_depth=14).fit(train, y[train.index])
    test = frame[1::4]
    same_answers(tree, test, test.astype(object).where(test.notna(), None).values.tolist())


@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, ID3Classifier])
def test_car(Tree):
    X, y = datasets.car()
    same_answers(Tree().fit(X[::2], y[::2]), X, X.tolist())


@pytest.mark.parametrize("split", ["multiway", "subset"])
def test_titanic(split):
    frame = datasets.table("titanic", "titanic.csv.gz")
    X, y = frame.drop(columns=["Survived", "Name", "Ticket"]), frame["Survived"]
    X["alone"] = X["SibSp"] + X["Parch"] == 0
    tree = DecisionTreeClassifier(categorical_split=split).fit(X[::2], y[::2])
    same_answers(tree, X, X.astype(object).where(X.notna(), None).values.tolist())


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8"])
def test_digits(dtype):
    X, y = load_digits(return_X_y=True)
    tree = DecisionTreeClassifier().fit(X[::2].astype(dtype), y[::2])
    same_answers(tree, X, X.tolist())
    same_answers(tree, X + 0.3, (X + 0.3).tolist())
    program = run_python(tree.to_python())
    narrow = (X / 3).astype("float32")
    assert [program["predict"](row) for row in narrow] == tree.predict(narrow).tolist()


def test_diabetes():
    X, y = load_diabetes(return_X_y=True)
    X[::5, 2] = np.nan
    tree = DecisionTreeRegressor().fit(X[::2], y[::2])
    same_answers(tree, X, X.tolist())


def same_answers(tree, X, rows):
    """The programs of a tree give what predict and apply give for X, of which `rows` are the plain values."""
    names = [column.name for column in tree.columns_]
    program, expected = run_python(tree.to_python()), tree.predict(X).tolist()
    assert [program["predict"](row) for row in rows] == expected
    assert [program["apply"](dict(zip(names, row, strict=True))) for row in rows] == tree.apply(X).tolist()
    assert [answer for (answer,) in run_sql(tree.to_sql(), names, rows)] == expected
    assert [node for (node,) in run_sql(tree.to_sql(output="node"), names, rows)] == tree.apply(X).tolist()
    if hasattr(tree, "classes_"):
        assert np.array_equal([program["predict_proba"](row) for row in rows], tree.predict_proba(X))
        assert np.array_equal(run_sql(tree.to_sql(output="proba"), names, rows), tree.predict_proba(X))


def test_what_cannot_be_written_is_refused(hand):
    when = np.datetime64("2020-01-01")
    column = hand.column("when", split="multiway", categories=[when.item(), "later"])
    model = hand.build((0, 2, [([0], [1, 0]), ([1], [0, 1])]), [column], ["a", "b"])
    with pytest.raises(TypeError, match=r"date\(2020, 1, 1\).*use strings"):
        model.to_python()
    with pytest.raises(TypeError, match=r"date\(2020, 1, 1\).*use strings"):
        model.to_sql()
    with pytest.raises(TypeError, match="column 'when'.*use strings"):
        model.to_dict()
    with pytest.raises(ValueError, match="NUL"):
        hand.build([1, 0], [hand.column("x")], ["a\0b", "c"]).to_sql()
    with pytest.raises(ValueError, match="output='odds'"):
        model.to_sql(output="odds")
    with pytest.raises(ValueError, match="regressor"):
        hand.build([1.0], [hand.column("x")]).to_sql(output="proba")
    with pytest.raises(ValueError, match="feature_names has 2 names"):
        model.to_python(feature_names=["a", "b"])


def test_other_quotes(hand):
    model = hand.build((0, 1.0, False, [1, 0], [0, 1]), [hand.column("a`]b")], [True, False])
    assert "`a``]b` <= 1.0 THEN TRUE" in model.to_sql(("s", "t"), quote="`")
    assert "FROM [s].[t]" in model.to_sql(("s", "t"), quote="[]")
    assert "[a`]]b] <=" in model.to_sql(quote="[]")
