"""Every kind of column through every estimator: read as the number it is, or refused in words that name it."""

import datetime
import importlib
import inspect
import pkgutil
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from finding import reads_labels_alone
from scipy.sparse import coo_array, issparse
from sklearn.base import MetaEstimatorMixin, is_classifier, is_regressor
from sklearn.utils import get_tags

import fastml
from fastml.base import Estimator as Base
from fastml.tree import DecisionTreeClassifier

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Bins whose width are too small"),  # of whole numbers
    pytest.mark.filterwarnings("ignore:Feature .* is constant"),
]

# For those who take them.
SETTINGS = {"k": 1, "n_components": 1, "radius": 30.0, "random_state": 0, "max_iter": 5, "n_quantiles": 3}


def make(Estimator, **parameters):
    taken = inspect.signature(Estimator).parameters
    return Estimator(**{name: value for name, value in SETTINGS.items() if name in taken} | parameters)


def takes_others(Estimator):
    """Whether it cannot be made without arguments: a pipeline of the estimators that do the work."""
    return any(p.default is p.empty for p in inspect.signature(Estimator).parameters.values())


def public_estimators():
    for module in pkgutil.iter_modules(fastml.__path__):
        if not module.name.startswith("_"):
            loaded = importlib.import_module(f"fastml.{module.name}")
            found = (getattr(loaded, name) for name in getattr(loaded, "__all__", ()))
            yield from (
                E for E in found if inspect.isclass(E) and issubclass(E, Base) and E is not Base
                and not issubclass(E, MetaEstimatorMixin) and not takes_others(E)
                and not reads_labels_alone(E)
            )  # fmt: skip


ESTIMATORS = sorted(set(public_estimators()), key=lambda E: E.__name__)
OF_TEXTS = "CountVectorizer", "HashingVectorizer", "TfidfVectorizer", "DictVectorizer", "FeatureTemplates"
PER_TABLE = [E for E in ESTIMATORS if E.__name__ not in OF_TEXTS]
# For these each value is a category, or is there or not; columns that are selected keep whatever they hold.
ANY_VALUE = [
    E for E in PER_TABLE if E.__name__ in ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "MissingIndicator")
]
OF_NUMBERS = [E for E in PER_TABLE if E not in ANY_VALUE]
SELECTORS = [E for E in PER_TABLE if E.__module__.startswith("fastml.feature_selection")]
PREDICTORS = [E for E in PER_TABLE if hasattr(E, "predict") and (is_classifier(make(E)) or is_regressor(make(E)))]

TABLE = np.random.default_rng(0).integers(0, 5, (24, 2))
Y = (TABLE.sum(axis=1) > 4).astype(int)


def pandas_of(*dtype):
    return lambda table: pd.DataFrame({n: pd.array(c.tolist(), *dtype) for n, c in zip("ab", table.T, strict=True)})


def pandas_objects(value):
    return lambda table: pd.DataFrame(
        {n: pd.Series([value(v) for v in c.tolist()], dtype=object) for n, c in zip("ab", table.T, strict=True)}
    )


def polars_of(dtype):
    return lambda table: pl.DataFrame(
        {n: pl.Series(c.tolist()).cast(dtype) for n, c in zip("ab", table.T, strict=True)}
    )


def objects(value):
    def made(table):
        out = np.empty(table.shape, object)
        for i, row in enumerate(table.tolist()):
            out[i] = [value(v) for v in row]
        return out

    return made


class Quantity:
    """Arithmetic, and no number."""

    def __init__(self, value):
        self.value = value

    def __sub__(self, other):
        return Quantity(self.value - other.value)

    def __eq__(self, other):
        return isinstance(other, Quantity) and self.value == other.value

    def __hash__(self):
        return hash(self.value)


NUMBERS = {
    "int8": lambda t: t.astype(np.int8),
    "uint64": lambda t: t.astype(np.uint64),
    "float16": lambda t: t.astype(np.float16),
    "longdouble": lambda t: t.astype(np.longdouble),
    "big-endian": lambda t: t.astype(">i8"),
    "masked array": lambda t: np.ma.masked_array(t, np.zeros(t.shape, bool)),
    "objects int": lambda t: t.astype(object),
    "objects Decimal": objects(Decimal),
    "objects Fraction": objects(Fraction),
    "objects longdouble": objects(np.longdouble),
    "objects mixed": objects(lambda v: [int, float, Decimal, Fraction, np.int8, np.float16][v](v)),
    "list of Decimal": lambda t: objects(Decimal)(t).tolist(),
    "pandas int64": lambda t: pd.DataFrame(t, columns=list("ab")),
    "pandas two dtypes": lambda t: pd.DataFrame({"a": t[:, 0], "b": t[:, 1].astype(float)}),
    "pandas big-endian": lambda t: pd.DataFrame({"a": t[:, 0].astype(">i8"), "b": t[:, 1].astype(">f8")}),
    "pandas longdouble": lambda t: pd.DataFrame(t.astype(np.longdouble), columns=list("ab")),
    "pandas Decimal": pandas_objects(Decimal),
    "pandas Fraction": pandas_objects(Fraction),
    "pandas Int64": pandas_of("Int64"),
    "pandas UInt8": pandas_of("UInt8"),
    "pandas Float32": pandas_of("Float32"),
    "pandas int64[pyarrow]": pandas_of("int64[pyarrow]"),
    "pandas double[pyarrow]": pandas_of("double[pyarrow]"),
    "pandas float[pyarrow]": pandas_of("float[pyarrow]"),
    "pandas decimal[pyarrow]": lambda t: pandas_of(pd.ArrowDtype(pa.decimal128(20, 3)))(objects(Decimal)(t)),
    "pandas beside Decimal": lambda t: pd.DataFrame({"a": t[:, 0], "b": [Decimal(v) for v in t[:, 1].tolist()]}),
    "polars Int64": polars_of(pl.Int64),
    "polars UInt8": polars_of(pl.UInt8),
    "polars Int128": polars_of(pl.Int128),
    "polars Float32": polars_of(pl.Float32),
    "polars Decimal": polars_of(pl.Decimal(20, 3)),
    "polars two dtypes": lambda t: pl.DataFrame({"a": t[:, 0], "b": t[:, 1].astype(float)}),
}
LIST = pd.ArrowDtype(pa.list_(pa.int64()))
NUMBERS |= {
    "pyarrow int64": lambda t: pa.table({"a": t[:, 0], "b": t[:, 1]}),
    "pyarrow decimal": lambda t: pa.table({"a": [Decimal(v) for v in t[:, 0].tolist()], "b": t[:, 1]}),
}
DAY = datetime.date(2020, 1, 1)
REFUSED = {
    "datetime64": lambda t: t.astype("M8[D]"),
    "timedelta64": lambda t: t.astype("m8[s]"),
    "objects date": objects(lambda v: DAY + datetime.timedelta(v)),
    "objects datetime": objects(lambda v: datetime.datetime(2020, 1, 1 + v)),
    "objects time": objects(datetime.time),
    "objects timedelta": objects(datetime.timedelta),
    "objects datetime64": objects(lambda v: np.datetime64("2020") + v),
    "objects timedelta64": objects(lambda v: np.timedelta64(v, "s")),
    "objects Timestamp": objects(pd.Timestamp),
    "objects Period": objects(lambda v: pd.Period(str(2020 + v), "Y")),
    "objects Interval": objects(lambda v: pd.Interval(v, v + 1)),
    "objects quantity": objects(Quantity),
    "objects complex": objects(complex),
    "complex": lambda t: t.astype(complex),
    "list of dates": lambda t: objects(lambda v: DAY + datetime.timedelta(v))(t).tolist(),
    "list of datetime64": lambda t: objects(lambda v: np.datetime64("2020") + v)(t).tolist(),
    "pandas datetime": lambda t: pd.DataFrame(t.astype("M8[ns]"), columns=list("ab")),
    "pandas datetime UTC": lambda t: pd.DataFrame({"a": pd.to_datetime(t[:, 0], utc=True), "b": t[:, 1]}),
    "pandas timedelta": lambda t: pd.DataFrame(t.astype("m8[ns]"), columns=list("ab")),
    "pandas date": pandas_objects(lambda v: DAY + datetime.timedelta(v)),
    "pandas time": pandas_objects(datetime.time),
    "pandas Period": lambda t: pd.DataFrame({"a": pd.PeriodIndex.from_ordinals(t[:, 0], freq="M"), "b": t[:, 1]}),
    "pandas Interval": lambda t: pd.DataFrame(
        {"a": pd.arrays.IntervalArray.from_breaks(range(len(t) + 1)), "b": t[:, 1]}
    ),
    "pandas complex": lambda t: pd.DataFrame(t.astype(complex), columns=list("ab")),
    "pandas timestamp[pyarrow]": lambda t: pd.DataFrame(t.astype("M8[ns]"), columns=list("ab")).astype(
        "timestamp[ns][pyarrow]"
    ),
    "pandas duration[pyarrow]": lambda t: pd.DataFrame(t.astype("m8[ns]"), columns=list("ab")).astype(
        "duration[ns][pyarrow]"
    ),
    "pandas date32[pyarrow]": lambda t: pd.DataFrame(t.astype("M8[ns]")).rename(columns=str).astype("date32[pyarrow]"),
    "pandas list[pyarrow]": lambda t: pd.DataFrame(
        {"a": pd.array([[1]] * len(t), pd.ArrowDtype(pa.list_(pa.int64()))), "b": t[:, 1]}
    ),
    "polars Date": polars_of(pl.Date),
    "polars Datetime": polars_of(pl.Datetime),
    "polars Duration": polars_of(pl.Duration),
    "polars Time": polars_of(pl.Time),
    "polars List": lambda t: pl.DataFrame({"a": [[v] for v in t[:, 0].tolist()], "b": t[:, 1]}),
    "polars Struct": lambda t: pl.DataFrame({"a": [{"v": v} for v in t[:, 0].tolist()], "b": t[:, 1]}),
    "pyarrow timestamp": lambda t: pa.table({"a": t[:, 0].astype("M8[us]")}),
    "pyarrow date": lambda t: pa.table({"a": t[:, 0].astype("M8[D]")}),
    "structured": lambda t: t.astype([("a", int)]),
}
B = 2**53
LARGE = {
    "int64": lambda c: np.array(c)[:, None],
    "uint64": lambda c: np.array(c, np.uint64)[:, None],
    "longdouble": lambda c: np.array(c, np.longdouble)[:, None],
    "objects": lambda c: np.array(c, object)[:, None],
    "objects beyond int64": lambda c: np.array([v + 2**70 for v in c], object)[:, None],
    "Decimal": lambda c: np.array([Decimal(v) for v in c], object)[:, None],
    "Decimal places": lambda c: np.array([Decimal(1) / 3 + Decimal(v - B) / 10**20 for v in c], object)[:, None],
    "Fraction": lambda c: np.array([Fraction(v) for v in c], object)[:, None],
    "list beside float": lambda c: [[v, 0.5] for v in c],
    "list beside None": lambda c: [[v, None] for v in c],
    "pandas beside float": lambda c: pd.DataFrame({"a": c, "b": [0.5] * len(c)}),
    "pandas beside uint64": lambda c: pd.DataFrame({"a": c, "b": np.zeros(len(c), np.uint64)}),
    "pandas Int64": lambda c: pd.DataFrame({"a": pd.array(c, "Int64")}),
    "pandas Int64, missing": lambda c: pd.DataFrame({"a": pd.array([*c[:-1], None], "Int64")}),
    "pandas int64[pyarrow]": lambda c: pd.DataFrame({"a": pd.array(c, "int64[pyarrow]")}),
    "pandas int64[pyarrow], missing": lambda c: pd.DataFrame({"a": pd.array([*c[:-1], None], "int64[pyarrow]")}),
    "pandas decimal[pyarrow]": lambda c: pd.DataFrame(
        {"a": pd.array([Decimal(v) for v in c], pd.ArrowDtype(pa.decimal128(30, 0)))}
    ),
    "pyarrow int64, missing": lambda c: pa.table({"a": [*c[:-1], None]}),
    "polars Int64": lambda c: pl.DataFrame({"a": c}),
    "polars Int64, missing": lambda c: pl.DataFrame({"a": [*c[:-1], None]}),
    "polars beside float": lambda c: pl.DataFrame({"a": c, "b": [0.5] * len(c)}),
    "polars Int128": lambda c: pl.DataFrame({"a": pl.Series(c, dtype=pl.Int128)}),
    "polars Int128, larger": lambda c: pl.DataFrame({"a": pl.Series([v + 2**70 for v in c], dtype=pl.Int128)}),
    "polars Decimal": lambda c: pl.DataFrame({"a": pl.Series(c).cast(pl.Decimal(38, 0))}),
}


def apply(model, X):
    name = next(name for name in ("predict", "transform", "kneighbors") if hasattr(model, name))
    out = getattr(model, name)(X)
    out = out[0] if name == "kneighbors" else out
    return np.asarray(out.toarray() if issparse(out) else out, None if out.dtype.kind in "US" else float)


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("Estimator", PER_TABLE, ids=lambda E: E.__name__)
def test_numbers_are_read_as_the_numbers_they_are(Estimator, kind):
    X = NUMBERS[kind](TABLE)
    if kind == "polars Int128" and Estimator in ANY_VALUE + SELECTORS:
        pytest.skip("NumPy has no such integers, and values are kept as they are here")
    model, plain = make(Estimator).fit(X, Y), make(Estimator).fit(TABLE.astype(float), Y)
    expected = apply(plain, TABLE.astype(float))
    near = 1e-4 if "loat32" in kind or "float[" in kind else 2e-3 if "float16" in kind else 1e-12
    assert np.allclose(apply(model, X), expected, rtol=near, atol=near)
    if not hasattr(model, "feature_names_in_"):
        near = near if hasattr(model, "transform") else 1e-12  # tables are transformed in their own dtype
        assert np.allclose(apply(plain, X), expected, rtol=near, atol=near)


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("Estimator", OF_NUMBERS, ids=lambda E: E.__name__)
def test_what_is_no_number_is_refused_by_name(Estimator, kind):
    X = REFUSED[kind](TABLE)
    if Estimator.__name__ == "TruncatedSVD" and isinstance(X, pa.Table):
        X = X.append_column("b", X["a"])  # it takes two columns or more
    words = r"column |[Cc]omplex|X\[|dtype"
    with pytest.raises((ValueError, TypeError), match=words):
        make(Estimator).fit(X, Y)
    if Estimator in SELECTORS:
        return
    plain = TABLE.astype(float)
    if hasattr(X, "columns"):
        names = X.column_names if isinstance(X, pa.Table) else list(X.columns)
        plain = pd.DataFrame(plain[:, : len(names)], columns=names)
    model = make(Estimator).fit(plain, Y)
    with pytest.raises((ValueError, TypeError), match=words):
        apply(model, X)


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("Estimator", OF_NUMBERS, ids=lambda E: E.__name__)
def test_no_two_large_integers_become_one(Estimator, kind):
    """Either the estimator tells them apart, or it says that it cannot; numbers in between are never made of them."""
    X = LARGE[kind]([B, B + 1, B + 2, B + 3])
    if Estimator.__name__ == "TruncatedSVD" and kind in ("int64", "uint64", "longdouble", "polars Int64"):
        X = np.hstack([X, X])  # it takes two columns or more
    try:
        make(Estimator, **({"n_neighbors": 1} if "KNeighbors" in Estimator.__name__ else {})).fit(X, [0, 1, 0, 1])
    except (ValueError, TypeError) as error:
        refusal = str(error)
    else:
        refusal = None
    if refusal:
        assert re.search(r"2\*\*53|tell|NaN|None|missing", refusal)
    else:
        got = DecisionTreeClassifier().fit(X, [0, 1, 2, 3]).predict(X)
        assert got.tolist() == [0, 1, 2, 3]


Y_NUMBERS = {
    "list": lambda y: y.tolist(),
    "objects int": lambda y: y.astype(object),
    "float": lambda y: y.astype(float),
    "longdouble": lambda y: y.astype(np.longdouble),
    "Decimal": lambda y: [Decimal(v) for v in y.tolist()],
    "Fraction": lambda y: [Fraction(v) for v in y.tolist()],
    "pandas": pd.Series,
    "pandas Int64": lambda y: pd.Series(y, dtype="Int64"),
    "pandas int64[pyarrow]": lambda y: pd.Series(y, dtype="int64[pyarrow]"),
    "pandas decimal[pyarrow]": lambda y: pd.Series(
        [Decimal(v) for v in y.tolist()], dtype=pd.ArrowDtype(pa.decimal128(9, 2))
    ),
    "pandas category": lambda y: pd.Series(y, dtype="category"),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "pyarrow chunked": lambda y: pa.chunked_array([y[:9], y[9:]]),
    "polars Int128": lambda y: pl.Series(y).cast(pl.Int128),
    "polars Decimal": lambda y: pl.Series(y).cast(pl.Decimal(9, 2)),
}
Y_REFUSED = {
    "datetime64": lambda y: y.astype("M8[D]"),
    "timedelta64": lambda y: y.astype("m8[s]"),
    "dates": lambda y: [DAY + datetime.timedelta(v) for v in y.tolist()],
    "timedeltas": lambda y: [datetime.timedelta(v) for v in y.tolist()],
    "complex": lambda y: y.astype(complex),
    "complex objects": lambda y: y.astype(complex).astype(object),
    "quantities": lambda y: [Quantity(v) for v in y.tolist()],
    "missing": lambda y: [None, *y.tolist()[1:]],
    "pandas Int64 missing": lambda y: pd.Series([None, *y.tolist()[1:]], dtype="Int64"),
    "pandas arrow missing": lambda y: pd.Series([None, *y.tolist()[1:]], dtype="int64[pyarrow]"),
    "pandas datetime": lambda y: pd.Series(y.astype("M8[ns]")),
    "pandas UTC": lambda y: pd.Series(pd.to_datetime(y, utc=True)),
    "pandas Period": lambda y: pd.Series(pd.PeriodIndex.from_ordinals(y, freq="M")),
    "masked": lambda y: np.ma.masked_array(y, np.arange(len(y)) == 3),
    "pyarrow date": lambda y: pa.array(y.astype("M8[D]")),
    "polars Date": lambda y: pl.Series(y).cast(pl.Date),
    "polars missing": lambda y: pl.Series([None, *y.tolist()[1:]]),
    "polars Duration": lambda y: pl.Series(y).cast(pl.Duration),
}


@pytest.mark.parametrize("kind", Y_NUMBERS)
@pytest.mark.parametrize("Estimator", PREDICTORS, ids=lambda E: E.__name__)
def test_targets_are_read_as_the_numbers_they_are(Estimator, kind):
    X = TABLE.astype(float)
    expected = make(Estimator).fit(X, Y).predict(X)
    assert np.allclose(make(Estimator).fit(X, Y_NUMBERS[kind](Y)).predict(X), expected)


@pytest.mark.parametrize("kind", Y_REFUSED)
@pytest.mark.parametrize("Estimator", PREDICTORS, ids=lambda E: E.__name__)
def test_targets_that_are_no_numbers_are_refused(Estimator, kind):
    with pytest.raises((ValueError, TypeError), match=r"\by\b|[Cc]omplex"):
        make(Estimator).fit(TABLE.astype(float), Y_REFUSED[kind](Y))


Y_LARGE = {
    "int64": np.array,
    "list": list,
    "objects": lambda c: np.array(c, object),
    "Decimal": lambda c: [Decimal(v) for v in c],
    "pandas Int64": lambda c: pd.Series(c, dtype="Int64"),
    "pandas category": lambda c: pd.Series(c, dtype="category"),
    "pandas arrow": lambda c: pd.Series(c, dtype="int64[pyarrow]"),
    "polars": lambda c: pl.Series(c),
    "polars Int128": lambda c: pl.Series(c, dtype=pl.Int128),
    "longdouble": lambda c: np.array(c, np.longdouble),
}


@pytest.mark.parametrize("kind", Y_LARGE)
@pytest.mark.parametrize("Estimator", PREDICTORS, ids=lambda E: E.__name__)
def test_no_two_large_targets_become_one(Estimator, kind):
    labels = [B, B + 1, B + 2, B + 3] * 6
    try:
        model = make(Estimator).fit(TABLE.astype(float), Y_LARGE[kind](labels))
    except (ValueError, TypeError) as error:
        refusal = str(error)
    else:
        refusal = None
    if refusal:
        assert re.search(r"\by\b", refusal)
    else:
        assert is_classifier(model)
        assert [int(label) for label in model.classes_] == labels[:4]


@pytest.mark.parametrize("Estimator", [E for E in PREDICTORS if is_classifier(make(E))], ids=lambda E: E.__name__)
@pytest.mark.parametrize("labels", [[1, "a"], ["a", 1.5], np.array([True, "a"], object), np.array([2, "a"], object)])
def test_labels_of_two_types_are_refused(Estimator, labels):
    y = labels * 12 if isinstance(labels, list) else np.tile(labels, 12)
    with pytest.raises(ValueError, match="y holds 'a' and"):
        make(Estimator).fit(TABLE.astype(float), y)


def test_masked_cells_are_missing():
    X = np.ma.masked_array(TABLE.astype(float), TABLE == 0)
    shown = np.where(TABLE == 0, np.nan, TABLE)
    assert np.array_equal(
        DecisionTreeClassifier().fit(X, Y).predict(X), DecisionTreeClassifier().fit(shown, Y).predict(shown)
    )
    for Estimator in PER_TABLE:
        if not get_tags(make(Estimator)).input_tags.allow_nan:
            with pytest.raises(ValueError, match="NaN"):
                make(Estimator).fit(X, Y)


TRUTHS = {
    "array": lambda x: np.array(x, bool)[:, None],
    "objects": lambda x: np.array(x, object)[:, None],
    "pandas": lambda x: pd.DataFrame({"x": x}),
    "pandas boolean": lambda x: pd.DataFrame({"x": pd.array(x, dtype="boolean")}),
    "polars": lambda x: pl.DataFrame({"x": x}),
}
MADE_OF_NUMBERS = {"array": np.array, "objects": np.array, "polars": lambda x: pl.DataFrame(x, schema=["x"])}


def numbers_like(kind, values):
    return MADE_OF_NUMBERS.get(kind, lambda x: pd.DataFrame(x, columns=["x"]))(np.array(values, float)[:, None])


@pytest.mark.parametrize("kind", TRUTHS)
@pytest.mark.parametrize("name", ["DecisionTreeClassifier", "ID3Classifier", "MixedNB", "GaussianNB"])
def test_truth_values_are_0_and_1_for_models_of_numbers_and_the_other_way_round(name, kind):
    Estimator = next(E for E in ESTIMATORS if E.__name__ == name)
    truths = TRUTHS[kind]([False, True, False, True])
    assert Estimator().fit(numbers_like(kind, [0, 1, 0, 1]), [0, 1, 0, 1]).predict(truths).tolist() == [0, 1, 0, 1]
    model = Estimator().fit(truths, [0, 1, 0, 1])
    assert model.predict(numbers_like(kind, [1, 0])).tolist() == [1, 0]
    if name != "MixedNB":  # where 0.6 is a category that was not seen
        assert model.predict(numbers_like(kind, [0.6, 0.4, 7, -7])).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize("Estimator", OF_NUMBERS, ids=lambda E: E.__name__)
def test_containers_of_no_rows_yet_of_one_dimension_and_huge_integers(Estimator):
    with pytest.raises(TypeError, match="collect"):
        make(Estimator).fit(pl.DataFrame({"x": [1, 2]}).lazy(), [0, 1])
    with pytest.raises(ValueError, match="2D"):
        make(Estimator).fit(pl.Series([1, 2]), [0, 1])
    with pytest.raises(ValueError, match="beyond the largest float64"):
        make(Estimator).fit([[10**400], [1]], [0, 1])


@pytest.mark.parametrize("Estimator", PER_TABLE, ids=lambda E: E.__name__)
def test_sparse_columns_of_a_frame_are_columns(Estimator):
    frame = pd.DataFrame(TABLE, columns=list("ab")).astype(pd.SparseDtype(float, 0))
    made = make(Estimator).fit(frame, Y)
    answer = getattr(made, "predict", None) or getattr(made, "transform", None) or made.kneighbors
    answer(frame)


TAKE_SPARSE = [E for E in PER_TABLE if get_tags(make(E)).input_tags.sparse]
WITHOUT_CENTRE = {"StandardScaler": {"with_mean": False}, "RobustScaler": {"with_centering": False}}


def in_pieces(table, kind):
    """A sparse table in which each number stands in two entries of one place, the first of them often below 0."""
    rows, columns = np.nonzero(table)
    values = table[rows, columns]
    pieces = np.concatenate([values - 3.0, np.full(len(values), 3.0)])
    rows, columns = np.tile(rows, 2), np.tile(columns, 2)
    order = np.argsort(rows if kind == "csr" else columns, kind="stable")
    made = coo_array((pieces[order], (rows[order], columns[order])), shape=table.shape)
    if kind == "coo":
        return made
    empty = made.asformat(kind) * 0  # its type; conversion adds up
    length = table.shape[0 if kind == "csr" else 1]
    ends = np.searchsorted((rows if kind == "csr" else columns)[order], np.arange(length + 1))
    places = (columns if kind == "csr" else rows)[order]
    return type(empty)((pieces[order], places, ends), shape=table.shape)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("Estimator", TAKE_SPARSE, ids=lambda E: E.__name__)
def test_entries_of_a_sparse_table_that_share_a_place_are_added_up(Estimator, kind):
    settings = WITHOUT_CENTRE.get(Estimator.__name__, {})
    if Estimator.__name__ in ("SimpleImputer", "MissingIndicator"):
        settings = {"missing_values": 2}
    X, plain = in_pieces(TABLE, kind), coo_array(TABLE.astype(float)).asformat(kind)
    before = X.data.copy()
    answer, expected = (apply(make(Estimator, **settings).fit(T, Y), T) for T in (X, plain))
    assert np.allclose(answer, expected, rtol=1e-9, atol=1e-9)
    assert np.array_equal(X.data, before)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("Estimator", TAKE_SPARSE, ids=lambda E: E.__name__)
def test_where_an_infinite_number_of_a_sparse_table_stands(Estimator, kind):
    settings = WITHOUT_CENTRE.get(Estimator.__name__, {})
    if Estimator.__name__ in ("SimpleImputer", "MissingIndicator"):
        settings = {"missing_values": 2}
    table = TABLE.astype(float)
    table[7, 1] = np.inf
    with pytest.raises(
        ValueError, match=r"X\[7, 1\]|too large for dtype\('float64'\)\.$"
    ):  # no place, or the right one
        make(Estimator, **settings).fit(coo_array(table).asformat(kind), Y)
