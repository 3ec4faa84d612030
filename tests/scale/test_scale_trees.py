"""Trees of tables in parts: the tree of the fit in memory where columns have at most 65,536 distinct values."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

import fastml.scale
from fastml import persistence
from fastml.pipeline import make_pipeline
from fastml.preprocessing import StandardScaler
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier, from_dict

N = 2**14 + 77
LEAF = 0
CUTS = st.lists(st.integers(0, N), max_size=6)
MODELS = [
    DecisionTreeClassifier(),
    DecisionTreeClassifier(criterion="entropy", max_depth=6, min_samples_leaf=20),
    DecisionTreeClassifier(criterion="gain_ratio", max_depth=4, pruning="pessimistic"),
    DecisionTreeClassifier(max_leaf_nodes=25, class_weight="balanced"),
    DecisionTreeClassifier(max_features=2, random_state=3, ccp_alpha=0.001),
    DecisionTreeClassifier(splitter="random", random_state=1, min_impurity_decrease=1e-4),
    DecisionTreeClassifier(max_depth=3, categorical_features=[2], missing_values="fractional"),
    DecisionTreeClassifier(max_depth=3, categorical_features=[2], categorical_split="subset"),
    ID3Classifier(max_depth=4),
    DecisionTreeRegressor(max_depth=7, min_samples_split=0.01),
    DecisionTreeRegressor(criterion="poisson", max_depth=4, min_weight_fraction_leaf=0.01),
    DecisionTreeRegressor(criterion="absolute_error", max_depth=3),
    DecisionTreeRegressor(max_depth=5, monotonic_cst=[1, 0, 0]),
]


def table(dtype=np.float32):
    random = np.random.default_rng(5)
    X = np.column_stack([random.normal(size=N), np.round(random.normal(size=N), 1), random.integers(0, 5, N)])
    X[::11, 1] = np.nan
    return X.astype(dtype), random.integers(0, 2, N) + (X[:, 0] + X[:, 2] > 2), random.integers(0, 3, N).astype(float)


def target_of(model, X, y):
    return y if hasattr(model, "predict_proba") else y + np.abs(X[:, 0])


def assert_same(one, other):
    for name, a, b in zip(one.tree_._fields, one.tree_, other.tree_, strict=True):
        assert np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"), name
    assert repr(one.columns_) == repr(other.columns_)
    assert one.max_features_ == other.max_features_
    if hasattr(one, "classes_"):
        assert np.array_equal(one.classes_, other.classes_)
        assert one.classes_.dtype == other.classes_.dtype


def in_chunks(cuts, *columns):
    return [tuple(column[a:b] for column in columns) for a, b in pairwise([0, *sorted(cuts), N])]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: repr(model).replace(" ", ""))
@settings(deadline=None, max_examples=3)
@given(cuts=CUTS, weighted=st.booleans(), dtype=st.sampled_from([np.float32, np.float64]))
def test_the_tree_of_the_fit_in_memory(model, cuts, weighted, dtype):
    X, y, weight = table(dtype)
    y = target_of(model, X, y)
    weight = weight if weighted else None
    columns = [X, y] if weight is None else [X, y, weight]
    parts = fastml.scale.chunks(in_chunks(cuts, *columns))
    one, other = clone(model).fit(X, y, weight), clone(model).fit(parts)
    assert_same(one, other)
    assert not other.n_ranges_.any()
    assert np.array_equal(one.predict(X), other.predict(X))


def test_what_follows_from_the_tree(tmp_path):
    X, y, _ = table()
    parts = fastml.scale.arrays(X, y)
    model, one = DecisionTreeClassifier(max_depth=4).fit(parts), DecisionTreeClassifier(max_depth=4).fit(X, y)
    assert np.array_equal(model.feature_importances_, one.feature_importances_)
    assert model.export_text() == one.export_text()
    assert from_dict(model.to_json()).export_text() == one.export_text()
    persistence.save(model, tmp_path / "tree.fml")
    for back in (persistence.load(tmp_path / "tree.fml"), pickle.loads(pickle.dumps(model)), clone(model).fit(parts)):
        assert_same(one, back)
        assert np.array_equal(back.n_ranges_, [0, 0, 0])
    assert fastml.scale.score(model, parts) == one.score(X, y)
    assert not hasattr(model.fit(X, y), "n_ranges_")
    assert fastml.scale.predict(model, parts, tmp_path / "out.npy") == N
    assert np.array_equal(np.load(tmp_path / "out.npy"), one.predict(X))


def test_behind_steps():
    X, y, _ = table()
    X = np.nan_to_num(X)
    one = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=5)).fit(fastml.scale.arrays(X, y))
    scaled = one[0].transform(X)
    assert_same(DecisionTreeClassifier(max_depth=5).fit(scaled, y), one[1])


@pytest.mark.parametrize("split", ["multiway", "subset"])
def test_texts_are_categories(tmp_path, split):
    pytest.importorskip("pyarrow")
    X, y, _ = table(np.float64)
    frame = pd.DataFrame(
        {"a": X[:, 0], "b": np.array(["red", "blue", "green", "grey", None], object)[X[:, 2].astype(int)]}
    )
    frame["label"] = np.array(["no", "yes", "maybe"])[y]
    frame[:5000].to_parquet(tmp_path / "1.parquet")
    frame[5000:].to_parquet(tmp_path / "2.parquet")
    model = DecisionTreeClassifier(max_depth=4, categorical_split=split)
    one = clone(model).fit(frame[["a", "b"]], frame["label"])
    other = clone(model).fit(fastml.scale.parquet(tmp_path, target="label"))
    assert [str(value) for value in one.columns_[1].categories] == list(other.columns_[1].categories)
    assert np.array_equal(one.tree_.value, other.tree_.value)
    assert np.array_equal(one.tree_.category_code, other.tree_.category_code)
    assert np.array_equal(one.predict(frame[["a", "b"]]), other.predict(frame[["a", "b"]]))


# ---------------------------------------------------------------------------------- more codes than memory holds

BY_LEVELS = [
    DecisionTreeClassifier(),
    DecisionTreeClassifier(max_depth=1),
    DecisionTreeClassifier(criterion="entropy", max_depth=7),
    DecisionTreeClassifier(criterion="gain_ratio", max_depth=4, ccp_alpha=0.001),
    DecisionTreeClassifier(min_samples_leaf=40, min_samples_split=200, min_impurity_decrease=1e-4),
    DecisionTreeClassifier(min_weight_fraction_leaf=0.01, pruning="pessimistic"),
]


@pytest.mark.parametrize("model", BY_LEVELS, ids=lambda model: repr(model).replace(" ", ""))
@settings(deadline=None, max_examples=4)
@given(cuts=CUTS, memory=st.sampled_from([2**13, 2**17, 2**18, 2**19]))
def test_the_same_tree_level_by_level(model, cuts, memory):
    from fastml.tree import in_parts

    X, y, _ = table()
    other = clone(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_parts, "LOGS", 0)
        other.fit(fastml.scale.chunks(in_chunks(cuts, X, y), memory=memory))
    assert_same(clone(model).fit(X, y), other)


@pytest.mark.parametrize("codes", [10, 255])
def test_ranges_of_values_level_by_level(codes):
    X, y = wide(np.float32)
    one, other = (
        DecisionTreeClassifier(max_depth=9).fit(fastml.scale.coded(fastml.scale.arrays(X, y, memory=memory), codes))
        for memory in (2**28, 2**20)
    )
    assert_same(one, other)


def test_two_labels_far_apart_and_a_pure_table(monkeypatch):
    X, y, _ = table()
    names = np.array(["no", "yes", "maybe"])[y]
    one = DecisionTreeClassifier(max_depth=6).fit(X, names)
    assert_same(one, DecisionTreeClassifier(max_depth=6).fit(fastml.scale.arrays(X, names, memory=2**17)))
    pure = DecisionTreeClassifier().fit(fastml.scale.arrays(X, y * 0, memory=2**17))
    assert_same(DecisionTreeClassifier().fit(X, y * 0), pure)


def test_what_counts_do_not_tell_wants_memory():
    X, y, weight = table()
    X = np.nan_to_num(X)
    refused = [
        (DecisionTreeRegressor(), "criterion='squared_error'", {}),
        (DecisionTreeClassifier(class_weight="balanced"), "class_weight", {}),
        (DecisionTreeClassifier(), "sample_weight", {"sample_weight": weight}),
        (DecisionTreeClassifier(max_features=1), "max_features", {}),
        (DecisionTreeClassifier(max_leaf_nodes=9), "max_leaf_nodes", {}),
        (DecisionTreeClassifier(splitter="random"), "splitter='random'", {}),
        (DecisionTreeClassifier(categorical_features=[2]), "columns of categories", {}),
        (DecisionTreeClassifier(missing_values="fractional"), "missing_values='fractional'", {}),
        (DecisionTreeClassifier(criterion="entropy"), "criterion='entropy' of so many rows", {}),
    ]
    for model, reason, options in refused:
        parts = fastml.scale.arrays(X, y, memory=2**17, **options)
        with pytest.raises(ValueError, match=r"grows from codes in memory.*Give memory=\d+ where the parts") as told:
            model.fit(parts)
        assert f"{type(model).__name__} with {reason} grows" in str(told.value)
        parts.memory = int(str(told.value).rpartition("memory=")[2].split()[0])
        model.fit(parts)


def test_columns_by_groups_and_rows_that_are_not_counted_yet(monkeypatch):
    from fastml.tree import ranges

    X, y, _ = table()
    many = np.tile(np.nan_to_num(X), 4)
    monkeypatch.setattr(ranges, "ROOM", 2**28)  # eight columns in a pass
    one = DecisionTreeClassifier(max_depth=6).fit(many, y)
    assert_same(one, DecisionTreeClassifier(max_depth=6).fit(fastml.scale.chunks(in_chunks([9], many, y))))
    with pytest.raises(ValueError, match="0 rows, and DecisionTreeRegressor needs at least one"):
        DecisionTreeRegressor().fit(fastml.scale.arrays(X[:0], y[:0] * 1.0))


def test_objects_among_texts_are_no_missing_values():
    X = np.array([["a", 1.0], ["b", "c"]], object)
    parts = fastml.scale.arrays(np.zeros((2, 2)), [0, 1])
    parts.texts, parts.dtype = [True, True], np.dtype(object)
    parts.pieces = lambda first=0, most=None: iter([fastml.scale.parts.Piece(X, np.array([0, 1]), "X", 0)])
    with pytest.raises(TypeError, match=r"'x1' holds 1.0 among texts, a float: a tree takes.*OrdinalEncoder"):
        DecisionTreeClassifier().fit(parts)


def test_levels_on_any_engine():
    dask = pytest.importorskip("dask")
    da = pytest.importorskip("dask.array")
    import fastml.dask

    X, y, _ = table()
    one = DecisionTreeClassifier(max_depth=8).fit(X, y)
    for workers in (1, 3):
        with dask.config.set(scheduler="threads", num_workers=workers):
            lazy = da.from_array(X, chunks=(700 * workers, 3)), da.from_array(y, chunks=700 * workers)
            assert_same(one, DecisionTreeClassifier(max_depth=8).fit(fastml.dask.parts(*lazy, memory=2**17)))
            assert_same(one, DecisionTreeClassifier(max_depth=8).fit(*lazy))


# ------------------------------------------------------------------------------------------ more values than codes

WIDE = 70_000


def wide(dtype):
    random = np.random.default_rng(0)
    X = np.column_stack([random.normal(size=WIDE) * 10 + 300, random.integers(0, 9, WIDE), random.normal(size=WIDE)])
    X[:, 2] = np.where(X[:, 2] > 1, 5.0, X[:, 2] ** 3)  # many rows of one value
    X = X.astype(dtype)
    X[::50, 0] = np.nan
    return X, (X[:, 0] + random.normal(size=WIDE) * 5 > 303).astype(int)


def coded_by_hand(X, codes):
    """Each column with more than 65,536 distinct values as the numbers of ranges, and the ends of these."""
    table, every = X.astype(np.float64), []
    for j, x in enumerate(X.T):
        known = np.sort(x[~np.isnan(x)])
        every.append(None)
        if len(np.unique(known)) > 2**16:
            ends = np.unique(known[[len(known) * c // codes - 1 for c in range(1, codes)]])
            table[:, j] = np.where(np.isnan(x), np.nan, np.searchsorted(ends, x))
            every[-1] = ends
    return table, every


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("codes", [2, 10, 255, 1000])
def test_columns_of_many_values_are_told_apart_by_exact_quantiles(dtype, codes):
    X, y = wide(dtype)
    by_hand, ends = coded_by_hand(X, codes)
    parts = fastml.scale.coded(fastml.scale.arrays(X, y), codes)
    one, model = (DecisionTreeClassifier(max_depth=5) for _ in range(2))
    one.fit(by_hand, y)
    model.fit(parts)
    assert model.n_ranges_.tolist() == [0 if each is None else len(each) + 1 for each in ends]
    assert model.n_ranges_[0] == codes
    for name in ("feature", "children_left", "impurity", "n_node_samples", "value", "gain", "missing_go_to_left"):
        assert np.array_equal(getattr(one.tree_, name), getattr(model.tree_, name)), name
    for node in np.flatnonzero(model.tree_.kind != LEAF):
        j, cut = model.tree_.feature[node], one.tree_.threshold[node]
        if ends[j] is None or cut == np.inf:
            assert model.tree_.threshold[node] == pytest.approx(cut, rel=1e-6)  # of the dtype of X
        else:
            assert model.tree_.threshold[node] == ends[j][int(cut)]
    reached = np.bincount(model.apply(X), minlength=model.tree_.node_count)
    leaf = model.tree_.kind == LEAF
    assert np.array_equal(reached[leaf], model.tree_.n_node_samples[leaf])
    assert one.columns_[0].missing
    assert model.columns_[0].missing
    assert model.columns_[0].spread == float(np.nanmax(X[:, 0])) - float(np.nanmin(X[:, 0]))


def test_few_counters_take_more_passes_and_give_the_same(monkeypatch):
    from fastml.tree import ranges

    X, y = wide(np.float64)
    one = DecisionTreeClassifier(max_depth=6).fit(fastml.scale.arrays(X, y))
    monkeypatch.setattr(ranges, "CELLS", 2**12)
    monkeypatch.setattr(ranges, "FEW", 10)
    assert_same(one, DecisionTreeClassifier(max_depth=6).fit(fastml.scale.arrays(X, y)))


@pytest.mark.parametrize("distinct", [2**16, 2**16 + 1])
def test_65536_values_are_the_most_that_are_told_apart(distinct):
    X = np.random.default_rng(0).permutation(np.arange(distinct) % distinct).astype(float)[:, None]
    X = np.concatenate([X, np.full((1, 1), np.nan)])
    y = (X[:, 0] % 7 > 3).astype(int)
    model = DecisionTreeClassifier(max_depth=8).fit(fastml.scale.arrays(X, y))
    assert model.n_ranges_.tolist() == [0 if distinct == 2**16 else 255]
    if distinct == 2**16:
        assert_same(DecisionTreeClassifier(max_depth=8).fit(X, y), model)


# ------------------------------------------------------------------------------------------------ what is refused


def test_what_cannot_be_is_told():
    X, y, weight = table()
    for codes in (1, 4097, 2.5):
        with pytest.raises(ValueError, match=rf"codes={codes} must be a whole number from 2 to 4096"):
            fastml.scale.coded(fastml.scale.arrays(X, y), codes)
    with pytest.raises(TypeError, match="parts is a ndarray, and a table in parts is needed"):
        fastml.scale.coded(X, 10)
    bad = X.copy()
    bad[7, 2] = np.inf
    with pytest.raises(ValueError, match=r"column 2 is inf in row 7 of X, and DecisionTreeClassifier takes finite"):
        DecisionTreeClassifier().fit(fastml.scale.arrays(bad, y))
    with pytest.raises(ValueError, match="sample_weight is 0 for every row"):
        DecisionTreeClassifier().fit(fastml.scale.arrays(X, y, sample_weight=weight * 0))
    wide_X, wide_y = wide(np.float32)
    with pytest.raises(ValueError, match="'x0' has more than 65536 distinct values: it is no category"):
        DecisionTreeClassifier(categorical_features=[0]).fit(fastml.scale.arrays(wide_X, wide_y))
    with pytest.raises(ValueError, match="Poisson"):
        DecisionTreeRegressor(criterion="poisson").fit(fastml.scale.arrays(X, y - 1.0))


def test_a_table_that_changes_is_told():
    X, y, _ = table()
    reads = []

    def chunks():
        reads.append(0)
        yield X + len(reads), y

    with pytest.raises(ValueError, match="the table has changed while it was read"):
        DecisionTreeClassifier().fit(fastml.scale.chunks(chunks))
