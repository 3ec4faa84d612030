"""DecisionTreeClassifier and DecisionTreeRegressor: against scikit-learn's, and what those do not have."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.tree
from scipy import sparse
from sklearn.model_selection import GridSearchCV

import fastml
from fastml.base import Estimator
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier
from fastml.tree.base import TreeEstimator

CLASSIFY = ["gini", "entropy", "log_loss"]
REGRESS = ["squared_error", "absolute_error", "poisson"]


@pytest.fixture
def noise():
    """Continuous columns: no two splits of a large node are equally good."""
    random = np.random.default_rng(3)
    X = random.normal(size=(400, 5)).astype(np.float32)
    return X, random.integers(0, 3, 400), random.uniform(0.5, 4, 400), random.uniform(0.5, 2, 400)


def same_tree(ours, theirs):
    """Walk down both trees: the same splits, and where several are equally good, one that gains as much.

    True if no node had such a choice, and all is the same.
    """
    a, b = ours.tree_, theirs.tree_
    waiting, same, seen = [(0, 0)], True, 0
    while waiting:
        i, j = waiting.pop()
        seen += 1
        assert a.impurity[i] == pytest.approx(b.impurity[j], abs=1e-9)
        assert a.value[i] == pytest.approx(b.value[j])
        assert a.n_node_samples[i] == b.n_node_samples[j]
        assert a.weighted_n_node_samples[i] == pytest.approx(b.weighted_n_node_samples[j])
        assert a.gain[i] == pytest.approx(gain(b, j), abs=1e-9)
        if a.feature[i] != b.feature[j] or a.threshold[i] != pytest.approx(b.threshold[j], rel=1e-6, abs=1e-6):
            same = False
        elif a.kind[i]:
            assert a.missing_go_to_left[i] == b.missing_go_to_left[j]
            waiting += [(a.children_left[i], b.children_left[j]), (a.children_right[i], b.children_right[j])]
    assert seen > 4
    if same:
        assert ours.feature_importances_ == pytest.approx(theirs.feature_importances_)
        assert (ours.get_depth(), ours.get_n_leaves()) == (theirs.get_depth(), theirs.get_n_leaves())
    return same


def gain(tree, i):
    children = [tree.children_left[i], tree.children_right[i]]
    if children[0] < 0:
        return 0
    weight = tree.weighted_n_node_samples
    return tree.impurity[i] - sum(weight[c] * tree.impurity[c] for c in children) / weight[i]


def pair(regress, **options):
    name = "DecisionTreeRegressor" if regress else "DecisionTreeClassifier"
    ours = (DecisionTreeRegressor if regress else DecisionTreeClassifier)(**options)
    return ours, getattr(sklearn.tree, name)(random_state=0, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("criterion", CLASSIFY + REGRESS)
@pytest.mark.parametrize(
    "limits",
    [
        {"min_samples_leaf": 12},
        {"max_depth": 4, "min_samples_split": 0.1},
        {"min_samples_leaf": 12, "max_leaf_nodes": 11},
        {"min_samples_leaf": 10, "min_impurity_decrease": 0.004},
        {"min_weight_fraction_leaf": 0.04},
        {"min_samples_leaf": 12, "ccp_alpha": 0.004},
    ],
)
def test_the_tree_is_scikit_learns(noise, criterion, weighted, limits):
    X, labels, numbers, weight = noise
    ours, theirs = pair(criterion in REGRESS, criterion=criterion, **limits)
    y = numbers if criterion in REGRESS else labels
    ours.fit(X, y, weight if weighted else None)
    theirs.fit(X, y, weight if weighted else None)
    if not same_tree(ours, theirs):
        return
    rows = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    assert ours.predict(rows) == pytest.approx(theirs.predict(rows))
    if "max_leaf_nodes" not in limits:  # else scikit-learn numbers the nodes in the order in which they are split
        assert np.array_equal(ours.apply(rows), theirs.apply(rows))
        assert (ours.decision_path(rows) != theirs.decision_path(rows)).nnz == 0
    if criterion in CLASSIFY:
        assert ours.predict_proba(rows) == pytest.approx(theirs.predict_proba(rows))


def test_class_weight_and_the_pruning_path_are_scikit_learns(noise):
    X, y, _, _ = noise
    ours, theirs = pair(False, class_weight="balanced", min_samples_leaf=12)
    same_tree(ours.fit(X, y), theirs.fit(X, y))
    ours, theirs = pair(False, class_weight="balanced", max_depth=3)
    ours, theirs = ours.cost_complexity_pruning_path(X, y), theirs.cost_complexity_pruning_path(X, y)
    assert ours.ccp_alphas == pytest.approx(theirs.ccp_alphas, abs=1e-12)
    assert ours.impurities == pytest.approx(theirs.impurities)


@pytest.mark.parametrize("regress", [False, True])
def test_missing_values_are_scikit_learns(noise, regress):
    X, labels, numbers, _ = noise
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.2, np.nan, X).astype(np.float32)
    y = numbers if regress else labels % 2
    ours, theirs = pair(regress, min_samples_leaf=15)
    if same_tree(ours.fit(X, y), theirs.fit(X, y)):
        assert ours.predict(X) == pytest.approx(theirs.predict(X))


@pytest.mark.parametrize("regress", [False, True])
def test_monotonic_predictions_are_scikit_learns(noise, regress):
    X, labels, numbers, _ = noise
    y = numbers + X[:, 0] if regress else (labels + X[:, 0] > 1).astype(int)
    ours, theirs = pair(regress, min_samples_leaf=12, monotonic_cst=[1, -1, 0, 0, 0])
    same_tree(ours.fit(X, y), theirs.fit(X, y))
    grid = np.zeros((50, 5), np.float32)
    grid[:, 0] = np.linspace(-3, 3, 50)
    assert (np.diff(ours.predict(grid)) >= 0).all()


def test_drawn_columns_and_thresholds(noise):
    X, y, numbers, _ = noise
    for options in ({"max_features": "sqrt"}, {"splitter": "random"}, {"max_features": 0.5, "splitter": "random"}):
        one, again = (DecisionTreeClassifier(random_state=7, **options).fit(X, y) for _ in range(2))
        assert np.array_equal(one.tree_.threshold, again.tree_.threshold)
        assert one.score(X, y) == 1
        other = DecisionTreeClassifier(random_state=8, **options).fit(X, y)
        assert not np.array_equal(one.tree_.feature, other.tree_.feature)
        assert DecisionTreeRegressor(random_state=0, **options).fit(X, numbers).score(X, numbers) == 1
    assert DecisionTreeClassifier(max_features="log2").fit(X, y).max_features_ == 2


# ------------------------------------------------------------------------------------------------ values


def test_large_integers_and_doubles_keep_their_differences():
    X = np.array([[1_700_000_000], [1_700_000_001], [1_700_000_002], [1_700_000_003]])
    model = DecisionTreeClassifier().fit(X, [0, 0, 1, 1])
    assert model.score(X, [0, 0, 1, 1]) == 1
    assert model.tree_.threshold[0] == 1_700_000_001.5
    assert model.tree_.threshold_int[0] == 1_700_000_001
    for table in (X + 2**60, (X + 2**60).astype(np.uint64), 1 + np.arange(4)[:, None] * 2.0**-52):
        model = DecisionTreeClassifier().fit(table, [0, 0, 1, 1])
        assert model.predict(table).tolist() == [0, 0, 1, 1]
        model = DecisionTreeClassifier().fit(pd.DataFrame(table, columns=["a"]), [0, 0, 1, 1])
        assert model.predict(pd.DataFrame(table, columns=["a"])).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"])
def test_every_dtype_gives_one_tree(dtype):
    random = np.random.default_rng(0)
    X = random.integers(0, 2 if dtype == "?" else 50, (80, 3))
    y = (X.sum(axis=1) % 3 == 0).astype(int)
    expected = DecisionTreeClassifier(categorical_features=None).fit(X, y)
    model = DecisionTreeClassifier(categorical_features=None).fit(X.astype(dtype), y)
    assert np.array_equal(model.tree_.feature, expected.tree_.feature)
    assert np.array_equal(model.apply(X.astype(dtype)), expected.apply(X))
    assert np.array_equal(model.apply(X), expected.apply(X))


@pytest.mark.parametrize("layout", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array])
def test_sparse(layout):
    random = np.random.default_rng(0)
    X = np.where(random.random((300, 40)) < 0.1, random.normal(size=(300, 40)), 0)
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    dense = DecisionTreeClassifier().fit(X, y)
    model = DecisionTreeClassifier().fit(layout(X), y)
    assert np.array_equal(model.tree_.threshold, dense.tree_.threshold)
    assert np.array_equal(model.predict(layout(X)), dense.predict(X))
    assert np.array_equal(model.predict(X), dense.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "model", [DecisionTreeClassifier(), DecisionTreeRegressor(), DecisionTreeClassifier(max_depth=2)]
)
def test_a_sparse_table_without_an_entry_has_nothing_to_split(model, dtype):
    y = np.random.default_rng(0).integers(0, 3, 20)
    for layout in (sparse.csr_matrix, sparse.csc_array):
        assert model.fit(layout((20, 3), dtype=dtype), y).tree_.node_count == 1


def test_missing_values_of_every_kind():
    X = pd.DataFrame({"n": [1.0, None, 3, 4, None, 6], "c": ["a", None, "b", "b", None, "a"]})
    y = [0, 1, 0, 0, 1, 0]
    model = DecisionTreeClassifier().fit(X, y)
    assert model.score(X, y) == 1
    assert model.tree_.node_count == 3
    assert model.tree_.threshold[0] == np.inf  # missing or not
    assert model.predict(pd.DataFrame({"n": [9.0, None], "c": ["a", "a"]})).tolist() == [0, 1]
    words = DecisionTreeClassifier().fit(X[["c"]], y)
    assert words.tree_.category_code.tolist() == [0, 1, 2]
    assert words.predict(pd.DataFrame({"c": [None, "a", np.nan]})).tolist() == [1, 0, 1]
    never = DecisionTreeClassifier().fit([[0.0], [1], [2]], [0, 1, 1])
    assert never.predict([[np.nan]]).tolist() == [1]  # the side with more rows
    assert DecisionTreeClassifier().fit([[np.nan], [np.nan]], [0, 1]).tree_.node_count == 1


FRAME = {
    "word": ["x", "y", "z", "x", "y", "z", "x", "y"],
    "size": ["small", "large", "medium", "small", "large", "large", "medium", "small"],
    "flag": [True, False, True, False, True, False, True, False],
    "number": [1, 2, 3, 4, 5, 6, 7, 8],
}
SIZES = ["small", "medium", "large"]
LABELS = [0, 1, 1, 0, 1, 1, 1, 0]


def pandas_frame():
    frame = pd.DataFrame(FRAME)
    frame["word"] = frame["word"].astype("category")
    frame["size"] = pd.Categorical(frame["size"], SIZES, ordered=True)
    return frame


def polars_frame():
    return pl.DataFrame(FRAME).with_columns(pl.col("word").cast(pl.Categorical), pl.col("size").cast(pl.Enum(SIZES)))


@pytest.mark.parametrize("make", [pandas_frame, polars_frame])
@pytest.mark.parametrize("split", ["multiway", "subset"])
def test_frames(make, split):
    model = DecisionTreeClassifier(categorical_split=split).fit(make(), LABELS)
    ordered = "ordered" if make is pandas_frame else split
    assert [column.split for column in model.columns_] == [split, ordered, split, "numeric"]
    assert model.columns_[1].categories.tolist() == SIZES
    assert model.score(make(), LABELS) == 1
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(make()[:3] if make is polars_frame else make().iloc[:3]).tolist() == LABELS[:3]
    if make is pandas_frame:
        assert model.tree_.threshold_int[0] == 0  # small, or medium and large
        strings = pd.DataFrame(FRAME)
        assert model.predict(strings).tolist() == LABELS


def test_polars_categories_keep_their_order():
    words = ["pear", None, "apple", "fig", "pear", "apple"]
    column = pl.Series("word", words, pl.Categorical)
    enum = pl.Series("enum", words, pl.Enum(["pear", "fig", "apple", "plum"]))
    model = DecisionTreeClassifier().fit(pl.DataFrame([column, enum]), [0, 1, 2, 3, 0, 2])
    assert model.columns_[0].categories.tolist() == column.drop_nulls().unique().sort().to_list()
    assert model.columns_[1].categories.tolist() == ["pear", "fig", "apple", "plum"]
    assert model.columns_[0].missing
    assert model.predict(pl.DataFrame([column, enum])).tolist() == [0, 1, 2, 3, 0, 2]
    empty = pl.DataFrame({"word": pl.Series([None, None], dtype=pl.Categorical), "n": [1, 2]})
    assert DecisionTreeClassifier().fit(empty, [0, 1]).predict(empty).tolist() == [0, 1]


def test_the_order_of_rows_and_columns_changes_nothing():
    frame = pandas_frame().astype({"word": str})
    order = [5, 2, 7, 0, 1, 6, 4, 3]
    one = DecisionTreeClassifier().fit(frame, LABELS)
    other = DecisionTreeClassifier().fit(frame.iloc[order], np.array(LABELS)[order])
    assert np.array_equal(one.tree_.feature, other.tree_.feature)
    assert np.array_equal(one.tree_.category_code, other.tree_.category_code)


def test_which_columns_are_categories():
    X = np.array([[0, 5], [1, 6], [2, 5], [0, 6]])
    y = [0, 1, 0, 0]
    for chosen in ([True, False], [0], [-2]):
        model = DecisionTreeClassifier(categorical_features=chosen).fit(X, y)
        assert [column.split for column in model.columns_] == ["multiway", "numeric"]
        assert model.score(X, y) == 1
        assert model.predict([[7, 5]]).tolist() == [0]  # a category that was not fitted
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = DecisionTreeClassifier(categorical_features=["b"]).fit(frame, y)
    assert [column.split for column in model.columns_] == ["numeric", "multiway"]
    for wrong, words in (([True], "mask of 1"), (["c"], "'c'"), ([2], r"\[2\]")):
        with pytest.raises(ValueError, match=words):
            DecisionTreeClassifier(categorical_features=wrong).fit(frame, y)
    with pytest.raises(ValueError, match="column 'x0' holds categories, such as 'a'"):
        DecisionTreeClassifier(categorical_features=None).fit([["a"], ["b"]], [0, 1])


# ------------------------------------------------------------------------------------------------ pruning


def test_predict_path_is_each_truncation_fitted_by_itself(noise):
    X, y, numbers, _ = noise
    for model, target in ((DecisionTreeClassifier(), y), (DecisionTreeRegressor(), numbers)):
        model.fit(X, target)
        for name, values in {
            "max_depth": [1, 3, 7, None],
            "min_samples_split": [2, 10, 100],
            "min_impurity_decrease": [0, 0.002, 0.01],
            "ccp_alpha": [0, 0.003, 0.01],
        }.items():
            paths = model.predict_path(X, **{name: values})
            for row, value in zip(paths, values, strict=True):
                fitted = type(model)(**{name: value}).fit(X, target)
                assert np.array_equal(row, fitted.predict(X))
    with pytest.raises(ValueError, match="takes one of max_depth"):
        model.predict_path(X, max_features=[1])
    with pytest.raises(ValueError, match="max_depth=9 asks for more"):
        DecisionTreeClassifier(max_depth=3).fit(X, y).predict_path(X, max_depth=[2, 9])


def test_reduced_error_pruning(noise):
    X, _, _, _ = noise
    y = (X[:, 0] > 0).astype(int)
    noisy = np.where(np.random.default_rng(0).random(400) < 0.2, 1 - y, y)
    model = DecisionTreeClassifier().fit(X[:250], noisy[:250])
    before = model.score(X[250:], noisy[250:])
    assert model.prune(X[250:], noisy[250:]) is model
    assert model.score(X[250:], noisy[250:]) >= before
    assert model.tree_.n_leaves < 20
    tree = DecisionTreeRegressor().fit(X[:250], noisy[:250] * 2.0)
    before = tree.score(X[250:], noisy[250:] * 2.0)
    assert tree.prune(X[250:], noisy[250:] * 2.0).score(X[250:], noisy[250:] * 2.0) > before
    assert tree.tree_.n_leaves < 20


def test_pessimistic_pruning(noise):
    X, _, _, _ = noise
    y = np.where(np.random.default_rng(0).random(400) < 0.2, X[:, 0] <= 0, X[:, 0] > 0).astype(int)
    sizes = [
        DecisionTreeClassifier(pruning="pessimistic", confidence=c).fit(X, y).tree_.n_leaves for c in (0.5, 0.25, 0.01)
    ]
    full = DecisionTreeClassifier().fit(X, y).tree_.n_leaves
    assert full >= sizes[0] >= sizes[1] >= sizes[2]
    assert sizes[2] < full / 2


# ------------------------------------------------------------------------------------------------ contract


def test_weights():
    random = np.random.default_rng(0)
    X, y, times = random.integers(0, 9, (60, 3)), random.integers(0, 3, 60), random.integers(0, 4, 60)
    weighted = DecisionTreeClassifier().fit(X, y, sample_weight=times)
    repeated = DecisionTreeClassifier().fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert np.array_equal(weighted.tree_.threshold, repeated.tree_.threshold)
    with pytest.raises(ValueError, match=r"sample_weight\[1\]=-1.0 is negative"):
        DecisionTreeClassifier().fit(X[:2], [0, 1], sample_weight=[1, -1])
    with pytest.raises(ValueError, match="0 for every row"):
        DecisionTreeClassifier(class_weight={0: 0, 1: 0}).fit(X[:2], [0, 1])


def test_bad_targets_are_named():
    with pytest.raises(ValueError, match=r"y\[1\]=-1.0 is negative"):
        DecisionTreeRegressor(criterion="poisson").fit([[0], [1]], [1, -1])
    with pytest.raises(ValueError, match="y is 0 for every row"):
        DecisionTreeRegressor(criterion="poisson").fit([[0], [1]], [0, 0])
    with pytest.raises(ValueError, match="monotonic_cst"):
        DecisionTreeClassifier(monotonic_cst=[1, 0]).fit([[0], [1]], [0, 1])
    with pytest.raises(ValueError, match="holds categories"):
        DecisionTreeClassifier(monotonic_cst=[1]).fit([["a"], ["b"]], [0, 1])


def test_one_row_and_threads_give_what_all_rows_give(noise):
    X, y, _, _ = noise
    models = [DecisionTreeClassifier(n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2, 5)]
    for model in models:
        assert np.array_equal(model.tree_.threshold, models[0].tree_.threshold)
        assert [model.predict(X[i : i + 1])[0] for i in range(40)] == model.predict(X[:40]).tolist()
        assert np.array_equal(model.predict(X.astype(float)), model.predict(X))
        assert np.array_equal(model.predict_proba(X[:1]), model.predict_proba(X)[:1])


def test_answers_may_be_written_to(noise):
    X, y, _, _ = noise
    model = DecisionTreeClassifier().fit(X, y)
    first = model.predict(X[:1])[0]
    model.predict(X[:1])[0] = first + 1
    model.predict_proba(X[:1])[:] = 7
    assert model.predict(X[:1])[0] == first
    assert model.predict_proba(X[:1]).max() <= 1


def test_a_search_over_depths():
    X, y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100) % 2
    search = GridSearchCV(ID3Classifier(), {"max_depth": [1, 2]}, cv=2).fit(X, y)
    assert search.best_params_["max_depth"] in (1, 2)


def test_a_model_file_keeps_categories_and_the_tree(tmp_path):
    model = DecisionTreeClassifier(categorical_split="subset").fit(pandas_frame(), LABELS)
    fastml.save(model, tmp_path / "tree.fml")
    again = fastml.load(tmp_path / "tree.fml")
    assert again.predict(pandas_frame()).tolist() == LABELS
    for ours, theirs in zip(again.columns_, model.columns_, strict=True):
        assert ours._replace(categories=None) == theirs._replace(categories=None)
        assert ours.categories is theirs.categories or ours.categories.tolist() == theirs.categories.tolist()
    assert np.array_equal(again.tree_.category_code, model.tree_.category_code)


@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [False, True])
def test_plain_tables_are_read_as_all_others(Tree, dtype, missing):
    """A C-ordered float array takes a shorter way than one in Fortran's order, to the same tree."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60, 4)).astype(dtype), random.integers(0, 3, 60)
    if missing:
        X[3:9, 1] = np.nan
    model = Tree().fit(pd.DataFrame(X, columns=list("abcd")), y)
    plain, other = model.fit(X, y), Tree().fit(np.asfortranarray(X), y)
    assert sorted(vars(plain)) == sorted(vars(other))
    assert plain.n_features_in_ == 4
    assert plain.columns_ == other.columns_
    assert [column.missing for column in plain.columns_] == [False, missing, False, False]
    for mine, same in zip(plain.tree_, other.tree_, strict=True):
        np.testing.assert_array_equal(mine, same)
    X[5, 2] = -np.inf
    with pytest.raises(ValueError, match=r"X\[5, 2\] is -inf"):
        Tree().fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        Tree().fit(X, y[1:])
    with pytest.raises(ValueError, match="y contains NaN"):
        Tree().fit(X, np.where(y == 0, np.nan, y))


@pytest.mark.parametrize("packed", [False, True])
def test_the_tree_answers_as_scikit_learns_does(packed):
    """`tree_` has the methods of scikit-learn's Tree, for columns of numbers."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 4)).astype(np.float32)
    y = X[:, 0] + X[:, 1] ** 2
    asked = sparse.csr_matrix(X) if packed else X
    own = DecisionTreeRegressor(max_depth=5).fit(X, y)
    theirs = fastml.to_sklearn(own)
    tree = own.tree_
    np.testing.assert_array_equal(tree.apply(asked), own.apply(X))
    np.testing.assert_allclose(tree.predict(asked), own.predict(X)[:, None])
    np.testing.assert_array_equal(tree.decision_path(asked).toarray(), own.decision_path(X).toarray())
    assert tree.capacity == tree.node_count == theirs.tree_.capacity
    np.testing.assert_array_equal(tree.compute_node_depths(), theirs.tree_.compute_node_depths())
    for columns in ([0], [1, 3]):
        grid = np.ascontiguousarray(X[:20, columns])
        found, wanted = np.zeros(20), np.zeros(20)
        tree.compute_partial_dependence(grid, np.array(columns, np.intp), found)
        theirs.tree_.compute_partial_dependence(grid, np.array(columns, np.intp), wanted)
        np.testing.assert_allclose(found, wanted)


def test_sparse_targets_are_refused():
    with pytest.raises(TypeError, match="toarray"):
        DecisionTreeClassifier().fit(np.eye(3), sparse.csr_matrix(np.eye(3)))


def test_a_tree_estimator_inherits_the_contract_alone():
    """How it is read, walked and shared are functions that it names, so that a reader finds each in one step."""
    assert TreeEstimator.__bases__ == (Estimator,)
    ours = [base for base in DecisionTreeClassifier.__mro__ if base.__module__.startswith("fastml.")]
    assert [base.__name__ for base in ours] == [
        "DecisionTreeClassifier", "TreeClassifier", "TreeEstimator", "Estimator",
    ]  # fmt: skip


def test_what_scikit_learn_says_of_friedman_mse():
    with pytest.warns(FutureWarning, match='Value `"friedman_mse"` for `criterion` is deprecated') as seen:
        model = DecisionTreeRegressor(criterion="friedman_mse")
    assert model.criterion == "squared_error"
    assert seen[0].filename == __file__


@pytest.mark.parametrize("y", [[5, -0.1, 2], [5, -0.1]])
def test_signs_of_counts_come_before_their_number(y):
    with pytest.raises(ValueError, match=r"Some.*y are negative.*Poisson.*y\[1\]=-0.1 is negative"):
        DecisionTreeRegressor(criterion="poisson").fit([[0, 1, 2]] * 2, y)
    with pytest.raises(ValueError, match=r"y is not positive.*Poisson"):
        DecisionTreeRegressor(criterion="poisson").fit([[0, 1, 2]], [0, 0])
