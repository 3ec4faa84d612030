"""Dask's collections: the bits of a fit in memory or from files, whatever the parts; nothing collected in silence."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression as SklearnLogistic

import fastml.metrics
import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from fastml.metrics import accuracy_score, confusion_matrix
from fastml.model_selection import GridSearchCV, cross_val_score, train_test_split
from fastml.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MixedNB, MultinomialNB
from fastml.neighbors import KNeighborsClassifier
from fastml.pipeline import make_pipeline
from fastml.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler
from fastml.scale.fitting import Checks
from fastml.scale.runs import join_runs, run_of_rows, run_total
from fastml.svm import LinearSVC

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

import fastml.dask  # noqa: E402

N, D = 2 * 2**13 + 77, 3
CUTS = st.lists(st.integers(0, N), max_size=6)


@pytest.fixture(autouse=True)
def on_threads():
    with dask.config.set(scheduler="threads", num_workers=2):
        yield


def table(model):
    random = np.random.default_rng(3)
    X = random.random((N, D)) * [1, 20, 3]
    if isinstance(model, CategoricalNB | OrdinalEncoder):
        X = np.floor(X)
    y = random.integers(0, 3, N)
    y[: N // 2] = np.minimum(y[: N // 2], 1)  # the last class is missing in the first half
    if isinstance(model, LogisticRegression):
        y = (X[:, 0] + random.logistic(size=N) > 0.5).astype(int)
    return X, (X @ np.arange(1.0, D + 1) + y if isinstance(model, LinearRegression | Ridge) else y)


def lengths(cuts):
    return tuple(np.diff([0, *sorted(cuts), N]).tolist())


def lazily(X, y, cuts, known=True):
    """Arrays of Dask with these cuts; with the lengths of their parts unknown where not `known`."""
    X, y = da.from_array(X, chunks=(lengths(cuts), (1, D - 1))), da.from_array(y, chunks=(lengths(cuts),))
    return (X, y) if known else (X[da.ones(N, chunks=(lengths(cuts),), dtype=bool)], y[da.ones(N, chunks=y.chunks) > 0])


def assert_same(one, other):
    for name, value in vars(one).items():
        if name.endswith("_") and not name.startswith("_"):
            found = getattr(other, name)
            pairs = zip(value, found, strict=True) if isinstance(value, list) else [(value, found)]
            assert all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in pairs), name
            assert all(np.asarray(a).dtype == np.asarray(b).dtype for a, b in pairs), name


IN_MEMORY = [GaussianNB(), MultinomialNB(), ComplementNB(), BernoulliNB(binarize=0.3), CategoricalNB()]
IN_MEMORY += [MinMaxScaler(), MaxAbsScaler(), RobustScaler(), OrdinalEncoder(), LogisticRegression(), MixedNB()]
IN_MEMORY += [LinearRegression(), Ridge(2.0), StandardScaler(), LinearSVC(random_state=0)]


@pytest.mark.parametrize("model", IN_MEMORY, ids=lambda each: type(each).__name__)
@settings(deadline=None, max_examples=4)
@given(cuts=CUTS, known=st.booleans())
def test_the_bits_of_one_machine(model, cuts, known):
    X, y = table(model)
    one = clone(model).fit(X, y)
    other = clone(model).fit(*lazily(X, y, cuts, known))
    assert_same(one, other)
    assert pickle.dumps(other)


BEYOND = [LinearRegression(), LogisticRegression(), LinearSVC(), StandardScaler()]


@pytest.mark.parametrize("model", BEYOND, ids=lambda each: type(each).__name__)
@settings(deadline=None, max_examples=3)
@given(cuts=CUTS, known=st.booleans())
def test_beyond_a_sample_the_bits_are_those_from_files(model, cuts, known):
    X, y = table(model)
    lazy = fastml.dask.parts(*lazily(X, y, cuts, known), memory=2**18)
    assert_same(clone(model).fit(fastml.scale.arrays(X, y, memory=2**18)), clone(model).fit(lazy))


class Words:
    """A reduction whose state tells in what order blocks were joined."""

    def partial(self, rows):
        return f"{rows.start}+{len(rows.X)}"

    def merge(self, first, second):
        return f"({first} {second})"


@settings(deadline=None, max_examples=50)
@given(blocks=st.integers(0, 200), rest=st.integers(0, 100), cuts=st.lists(st.floats(0, 1), max_size=8), join=st.data())
def test_runs_are_joined_as_blocks_are(blocks, rest, cuts, join):
    X = np.zeros((blocks * 2**13 + rest, 0))
    cuts = [0, *sorted(int(share * len(X)) for share in cuts), len(X)]
    rows = [fastml.scale.Rows(X[a:b], None, a) for a, b in pairwise(cuts)]
    runs = [run_of_rows(Words(), each, 1) for each in rows]
    while len(runs) > 1:
        at = join.draw(st.integers(0, len(runs) - 2))
        runs[at : at + 2] = [join_runs(Words(), runs[at : at + 2])]
    expected = fastml.scale.arrays(np.zeros((len(X), 1))).reduce(Words(), Checks("Words", None), "", 1)
    assert run_total(Words(), runs[0]) == expected


def frame():
    X, y = table(GaussianNB())
    made = pd.DataFrame(X, columns=["a", "b", "c"]).assign(label=np.array(["no", "perhaps", "yes"])[y])
    return made.iloc[-3000:].reset_index(drop=True)


def test_frames_by_names_and_lazily_read_parquet(tmp_path):
    made = frame()
    one = GaussianNB().fit(made[["a", "b", "c"]], made["label"])
    lazy = dd.from_pandas(made, npartitions=5)
    assert_same(one, GaussianNB().fit(lazy[["a", "b", "c"]], lazy["label"]))
    assert_same(one, GaussianNB().fit(fastml.dask.parts(lazy, "label")))
    for number, cut in enumerate([slice(0, 10), slice(10, 2000), slice(2000, None)]):
        made.iloc[cut].to_parquet(tmp_path / f"{number}.parquet")
    read = dd.read_parquet(tmp_path)
    model = GaussianNB().fit(read[["a", "b", "c"]], read["label"])
    assert_same(one, model)
    assert_same(one, GaussianNB().fit(fastml.scale.parquet(tmp_path, target="label")))
    answers = model.predict(read[["c", "label", "b", "a"]].drop(columns="label"))  # the model knows its columns by name
    assert isinstance(answers, da.Array)
    assert np.array_equal(answers.compute(), one.predict(made[["a", "b", "c"]]))
    assert model.score(read[["a", "b", "c"]], read["label"]) == one.score(made[["a", "b", "c"]], made["label"])
    matrix = fastml.dask.confusion_matrix(read["label"], answers)
    assert np.array_equal(matrix, confusion_matrix(made["label"], answers.compute()))


def test_categories_that_differ_between_parts():
    made = frame()
    pieces = [made.iloc[:1000], made.iloc[1000:2000], made.iloc[2000:]]
    for piece, own in zip(pieces, (["yes", "no", "perhaps"], ["no", "perhaps", "yes"], None), strict=True):
        piece["label"] = pd.Categorical(piece["label"], categories=own)
    lazy = dd.from_delayed([dask.delayed(piece) for piece in pieces], verify_meta=False)
    model = GaussianNB().fit(lazy[["a", "b", "c"]], lazy["label"])
    one = GaussianNB().fit(made[["a", "b", "c"]], made["label"])
    assert model.classes_.tolist() == ["no", "perhaps", "yes"]
    assert np.array_equal(model.var_, one.var_)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
@pytest.mark.parametrize("texts", [False, True])
def test_answers_stay_lazy(method, texts, collected):
    X, y = table(GaussianNB())
    y = np.array(["a", "b", "longer"])[y] if texts else y
    model, (lazy, _) = GaussianNB().fit(X, y), lazily(X, y, [0, 7, 7, 9000])
    with collected:
        answers = getattr(model, method)(lazy)
    assert isinstance(answers, da.Array)
    expected = getattr(model, method)(X)
    found = answers.compute()
    assert answers.chunks[0] == lazy.chunks[0]
    assert answers.dtype == expected.dtype == found.dtype
    assert np.array_equal(found, expected)
    assert getattr(model, method)(lazy[:0]).compute().shape == expected[:0].shape  # an empty part


def test_transform_and_fit_transform_stay_lazy():
    X, y = table(GaussianNB())
    lazy, _ = lazily(X, y, [100])
    scaler = StandardScaler()
    found = scaler.fit_transform(lazy)
    assert isinstance(found, da.Array)
    assert np.array_equal(found.compute(), scaler.transform(X))
    with pytest.raises(TypeError, match="Dask"):
        scaler.transform(lazy, copy=False)


def test_models_of_others_answer():
    X, y = table(LogisticRegression())
    model, (lazy, labels) = SklearnLogistic().fit(X, y), lazily(X, y, [100])
    assert np.array_equal(fastml.dask.predict(model, lazy, method="predict_proba").compute(), model.predict_proba(X))
    assert fastml.dask.score(model, lazy, labels) == accuracy_score(y, model.predict(X))


def test_scores_are_counted_where_the_rows_are():
    X, y = table(LinearRegression())
    model = LinearRegression().fit(X, y)
    lazy, targets = lazily(X, y, [5, 9000])
    assert model.score(lazy, targets) == fastml.scale.score(model, fastml.scale.arrays(X, y))
    assert model.score(lazy, targets) == pytest.approx(model.score(X, y), rel=1e-12)


def test_a_pass_in_order():
    X, y = table(GaussianNB())
    lazy = fastml.dask.parts(*lazily(X, y, [5, 9000]))
    one = SGDClassifier(random_state=0).partial_fit(fastml.scale.arrays(X, y))
    assert np.array_equal(one.coef_, SGDClassifier(random_state=0).partial_fit(lazy).coef_)
    assert str(fastml.scale.survey(lazy)).startswith("16,461 rows, 3 columns")


KINDS = ["e", "f", ">f4", ">f8", "b", "B", "q", "?"]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_every_kind_are_those_of_memory(kind):
    X, y = table(GaussianNB())
    X = (X * 3).astype(kind)
    one, (lazy, labels) = GaussianNB().fit(X, y), lazily(X, y, [5, 9000])
    assert_same(one, GaussianNB().fit(lazy, labels))
    assert_same(one, GaussianNB().fit(fastml.scale.chunks([(X[:5], y[:5]), (X[5:], y[5:])])))


@pytest.mark.parametrize("kind", ["?", "f8", "U7", "U21", "O"])
def test_labels_of_every_kind_are_those_of_memory(kind):
    X, y = table(GaussianNB())
    y = y.astype(str).astype(object) if kind == "O" else y.astype(kind)
    one, (lazy, labels) = GaussianNB().fit(X, y), lazily(X, y, [5, 9000])
    for target in (labels, labels[:, None], y):
        assert_same(one, GaussianNB().fit(lazy, target))
    assert_same(GaussianNB().fit(X, pd.Series(y)), GaussianNB().fit(lazy, pd.Series(y)))
    assert_same(one, GaussianNB().fit(fastml.scale.arrays(X, y)))


def test_what_is_masked_is_missing():
    X, y = table(GaussianNB())
    lazy, labels = lazily(X, y, [5])
    model = GaussianNB().fit(da.ma.masked_where(lazy > 0.9, lazy), labels)
    assert_same(GaussianNB().fit(np.ma.masked_where(X > 0.9, X), y), model)


REFUSED = [
    (lambda X, y: GaussianNB().fit(X[:, 0], y), "two dimensions"),
    (lambda X, y: GaussianNB().fit(X.astype(complex), y), "of complex128, and its columns must be numbers"),
    (lambda X, y: GaussianNB().fit(X, da.stack([y, y], axis=1)), "y has 2 columns"),
    (lambda X, y: GaussianNB().fit(X, "y"), "y='y' must be targets"),
    (lambda X, y: GaussianNB().fit(X), "has no target"),
    (lambda X, y: GaussianNB().fit(X.map_blocks(csr_matrix), y), "is a csr_matrix, and dense arrays are needed"),
    (
        lambda X, y: GaussianNB().fit([[0.0, 0, 0], [1, 1, 1]], [0, 1]).predict(X[:, :2]),
        "X has 2 features, but GaussianNB",
    ),
    (lambda X, y: OneHotEncoder().fit([[0.0], [1]]).transform(X[:, :1]), "set sparse_output=False"),
    (lambda X, y: GaussianNB().predict(X), "not fitted"),
]


@pytest.mark.parametrize(("call", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_what_cannot_be_is_told(call, told):
    with pytest.raises((TypeError, ValueError), match=told):
        call(*lazily(*table(GaussianNB()), [5]))


def test_categories_that_zero_is_none_of_are_answered():
    X = np.random.default_rng(0).integers(3, 6, (100, 2)).astype(float)
    found = OrdinalEncoder().fit(X).transform(da.from_array(X, chunks=(30, 1)))
    assert np.array_equal(found.compute(), OrdinalEncoder().fit_transform(X))


def test_classes_by_place_and_by_name():
    X, y = table(GaussianNB())
    lazy, labels = lazily(X, y, [5])
    one = SGDClassifier(random_state=0).partial_fit(lazy, labels, [0, 1, 2])
    other = SGDClassifier(random_state=0).partial_fit(lazy, labels, classes=[0, 1, 2])
    assert np.array_equal(one.coef_, other.coef_)


# ------------------------------------------------------------------------------------------ nothing is collected


@pytest.fixture
def collected():
    def scheduler(graph, keys, **options):
        raise AssertionError("a collection was computed")

    return dask.config.set(scheduler=scheduler)


COLLECTORS = {
    "fit": lambda X, y, table, labels, model: KNeighborsClassifier().fit(X, y),
    "neighbours": lambda X, y, table, labels, model: KNeighborsClassifier().fit(table, labels).kneighbors(X),
    "y alone": lambda X, y, table, labels, model: GaussianNB().fit(table, y),
    "weights": lambda X, y, table, labels, model: GaussianNB().fit(table, labels, sample_weight=y),
    "arguments": lambda X, y, table, labels, model: model.predict(X, check_input=False),
    "pipeline": lambda X, y, table, labels, model: make_pipeline(KNeighborsClassifier()).fit(X, y),
    "search": lambda X, y, table, labels, model: GridSearchCV(KNeighborsClassifier(), {"p": [1]}).fit(X, y),
    "folds": lambda X, y, table, labels, model: cross_val_score(KNeighborsClassifier(), X, y),
    "groups": lambda X, y, table, labels, model: cross_val_score(model, X, y, groups=y),
    "scorers": lambda X, y, table, labels, model: cross_val_score(model, X, y, scoring=lambda *given: 0.0),
    "development": lambda X, y, table, labels, model: GridSearchCV(model, {}).fit(X, y, dev=(X, y)),
    "rows in memory": lambda X, y, table, labels, model: GridSearchCV(model, {}).fit(table, y),
    "labels in memory": lambda X, y, table, labels, model: train_test_split(X, labels),
    "delayed": lambda X, y, table, labels, model: model.predict(dask.delayed(table)),
    "bag": lambda X, y, table, labels, model: GaussianNB().fit(dd.from_pandas(frame(), npartitions=1)["a"], labels),
}


@pytest.mark.parametrize("name", COLLECTORS)
def test_nothing_is_collected_in_silence(name, collected):
    table, labels = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    X, y = da.from_array(table, chunks=5), da.from_array(labels, chunks=5)
    with collected, pytest.raises(TypeError, match="Dask|Parts|a table in parts"):
        COLLECTORS[name](X, y, table, labels, GaussianNB().fit(table, labels))


METRICS = ["accuracy_score", "confusion_matrix", "f1_score", "log_loss", "roc_auc_score", "r2_score",
           "mean_squared_error", "classification_report"]  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_metrics_collect_nothing(name, collected):
    labels = np.arange(20) % 2
    lazy, metric = da.from_array(labels, chunks=5), getattr(fastml.metrics, name)
    for pair in ((lazy, lazy), (labels, lazy), (lazy, labels)):
        with collected, pytest.raises(TypeError, match="Dask Array"):
            metric(*pair)


def test_a_class_that_cannot_says_so_with_the_size_and_the_cure():
    lazy = lazily(*table(GaussianNB()), [5])
    with pytest.raises(TypeError, match=r"KNeighborsClassifier needs.*Dask array: 16,461 rows × 3 .*GaussianNB.*rows"):
        KNeighborsClassifier().fit(*lazy)
    with pytest.raises(TypeError, match="takes parts alone"):
        GaussianNB().fit(*lazy, None, 3)
    with pytest.raises(TypeError, match="MinMaxScaler takes no weights of a table in parts"):
        MinMaxScaler().fit(fastml.dask.parts(*lazy, sample_weight=lazy[1]))


def test_metrics_of_collections_and_weights_beside_them():
    X, y = table(GaussianNB())
    y = np.minimum(y, 1)
    weight = np.random.default_rng(0).random(N)
    model = GaussianNB().fit(X, y, sample_weight=weight)
    lazy, labels = lazily(X, y, [5, 9000])
    weights = lazily(X, weight, [5, 9000])[1]
    other = GaussianNB().fit(lazy, labels, sample_weight=weights)
    assert np.array_equal(other.var_, model.var_)
    assert np.array_equal(GaussianNB().fit(lazy, labels, weights).var_, model.var_)
    assert other.score(lazy, labels, sample_weight=weights) == pytest.approx(model.score(X, y, weight), rel=1e-12)
    chances, found = other.predict_proba(lazy), other.predict(lazy)
    metrics = fastml.metrics
    sums = [("log_loss", chances), ("roc_auc_score", chances[:, 1]), ("mean_squared_error", chances[:, 1]),
            ("mean_absolute_error", chances[:, 1]), ("r2_score", chances[:, 1])]  # fmt: skip
    for name, answers in sums:
        for lazy_weight, given_weight in ((None, None), (weights, weight)):
            expected = getattr(metrics, name)(y, answers.compute(), sample_weight=given_weight)
            assert getattr(fastml.dask, name)(labels, answers, sample_weight=lazy_weight) == pytest.approx(expected)
    assert fastml.dask.accuracy_score(labels, found) == metrics.accuracy_score(y, found.compute())
    with pytest.raises(TypeError, match="y_true is a ndarray, and a Dask array"):
        fastml.dask.r2_score(y, found)
    with pytest.raises(ValueError, match="y_proba has 1 columns, and y_true has 2 classes"):
        fastml.dask.log_loss(labels, chances[:, 1])
    names = ["accuracy", "roc_auc", "neg_log_loss"]
    parts = fastml.scale.arrays(X, y)
    assert fastml.dask.score(other, lazy, labels, scoring=names) == fastml.scale.score(model, parts, names)


def test_metrics_of_several_classes():
    X, y = table(GaussianNB())
    model, lazy, labels = GaussianNB().fit(X, y), *lazily(X, y, [100, 7000])
    chances, lazily_said = model.predict_proba(X), model.predict_proba(lazy)
    for options in (
        {"multi_class": "ovr"},
        {"multi_class": "ovo"},
        {"multi_class": "ovr", "average": "weighted"},
        {"multi_class": "ovo", "average": "weighted"},
    ):
        expected = sklearn.metrics.roc_auc_score(y, chances, **options)
        assert fastml.dask.roc_auc_score(labels, lazily_said, **options) == pytest.approx(expected, rel=1e-12)
    for name in ("average_precision_score", "top_k_accuracy_score"):
        expected = getattr(sklearn.metrics, name)(y, chances)
        assert getattr(fastml.dask, name)(labels, lazily_said) == pytest.approx(expected, rel=1e-12)
    expected = sklearn.metrics.explained_variance_score(y, chances[:, 1])
    assert fastml.dask.explained_variance_score(labels, lazily_said[:, 1]) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="'roc_auc' is of two classes, and there are 3"):
        fastml.dask.roc_auc_score(labels, lazily_said)
    with pytest.raises(ValueError, match="multi_class='all' must be"):
        fastml.dask.roc_auc_score(labels, lazily_said, multi_class="all")
    with pytest.raises(ValueError, match="y_score has 2 columns, and y_true has 3 classes"):
        fastml.dask.top_k_accuracy_score(labels, lazily_said[:, :2])
