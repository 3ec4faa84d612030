"""What holds for every estimator of fastml: found by looking, so that a new one cannot be left out."""

import importlib
import inspect
import pickle
import pkgutil
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from finding import reads_labels_alone
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.validation import has_fit_parameter
from versions import as_of_newest

import fastml
from fastml.base import LEARNING, Estimator
from fastml.schema import Lackable, anything, check_state, table_of


def find_estimators():
    for module in pkgutil.iter_modules(fastml.__path__):
        if module.name.startswith("_"):
            continue
        module = importlib.import_module(f"fastml.{module.name}")
        for name in getattr(module, "__all__", []):
            found = getattr(module, name)
            is_estimator = inspect.isclass(found) and issubclass(found, BaseEstimator) and found is not Estimator
            is_estimator = is_estimator and not issubclass(found, MetaEstimatorMixin)  # tests/model_selection
            if is_estimator and not all(p.default is not p.empty for p in inspect.signature(found).parameters.values()):
                continue  # a composition of others: tests/pipeline, tests/compose
            if is_estimator and found.__module__.startswith("fastml") and not reads_labels_alone(found):
                yield found


# Defaults that do not suit small tables: with radius=1 most queries of scikit-learn's checks have no neighbours.
FAR = {"radius": 30.0, "weights": "distance"}
SETTINGS = {
    "RadiusNeighborsClassifier": FAR,
    "RadiusNeighborsRegressor": FAR,
    "FeatureTemplates": {"sparse_output": False},
    "OneHotEncoder": {"sparse_output": False},
    "GenericUnivariateSelect": {"mode": "k_best", "param": 2},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "KBinsDiscretizer": {"encode": "onehot-dense"},
    "QuantileTransformer": {"n_quantiles": 10},
    "TargetEncoder": {"cv": KFold(3), "random_state": "deprecated"},
    "SelectFdr": {"alpha": 1.0},
    "SelectFpr": {"alpha": 1.0},
    "SelectFwe": {"alpha": 1.0},
    "SelectKBest": {"k": 2},
}


def make(Estimator, **parameters):
    """An estimator that draws the same random numbers each time."""
    seed = {"random_state": 0} if "random_state" in inspect.signature(Estimator).parameters else {}
    return Estimator(**seed | SETTINGS.get(Estimator.__name__, {}) | parameters)


ESTIMATORS = sorted(set(find_estimators()), key=lambda found: found.__name__)
PREDICTORS = [E for E in ESTIMATORS if hasattr(E, "predict") and (is_classifier(make(E)) or is_regressor(make(E)))]
# scikit-learn's checks pass tables; what reads texts or dictionaries alone is held to its checks of the interface.
TABULAR = [E for E in ESTIMATORS if get_tags(make(E)).input_tags.two_d_array]
SPARSE = ("TfidfTransformer",)  # what they return is: tests/feature_extraction
TRANSFORMERS = [
    E
    for E in ESTIMATORS
    if hasattr(E, "transform") and get_tags(make(E)).input_tags.two_d_array and E.__name__ not in SPARSE
]
every = pytest.mark.parametrize("Estimator", ESTIMATORS, ids=lambda E: E.__name__)
# scikit-learn's checks train on a few rows for a few epochs, which settles nothing.
# They also ask for the inverse of a singular covariance, where SciPy warns, and set a parameter that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.TargetEncoder.shuffle. and:FutureWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning"),
    pytest.mark.filterwarnings("ignore:Bins whose width are too small"),  # of whole numbers
    pytest.mark.filterwarnings("ignore:Feature .* is constant"),
]
REPETITION = "updates are sequential: a sample of weight 2 is not two samples"
SEQUENTIAL = dict.fromkeys(
    ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"), REPETITION
)


def expected_failures(estimator):
    if type(estimator).__name__ == "SimpleImputer":
        return {"check_array_api_input": "it calls inverse_transform, which needs add_indicator=True"}
    return SEQUENTIAL if getattr(estimator, "_sequential", False) else {}


every_predictor = pytest.mark.parametrize("Estimator", PREDICTORS, ids=lambda E: E.__name__)
every_transformer = pytest.mark.parametrize("Estimator", TRANSFORMERS, ids=lambda E: E.__name__)


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    X = random.integers(0, 9, (60, 4)).astype(float)
    return X, (X[:, 0] + X[:, 1] > 8).astype(int)


def test_estimators_are_found():
    assert "KNeighborsClassifier" in [E.__name__ for E in ESTIMATORS]


@every
def test_the_schema_of_its_state_names_every_result_and_no_other(Estimator, table):
    """What `fastml.load` holds a file to: a new attribute, or a new estimator, needs its line there."""
    rules, _ = table_of(Estimator)
    parameters = set(inspect.signature(Estimator).parameters)
    assert rules or not get_tags(make(Estimator)).requires_fit
    assert not rules.keys() & parameters
    X, y = table
    texts = [" ".join(f"w{value:.0f}" for value in row) for row in X]
    readable = {
        "CountVectorizer": texts,
        "HashingVectorizer": texts,
        "TfidfVectorizer": texts,
        "DictVectorizer": [{"a": row[0], "b": row[1]} for row in X],
    }
    state = make(Estimator).fit(readable.get(Estimator.__name__, X), y).__getstate__()
    assert set(state) - parameters <= set(rules)
    check_state(Estimator, state)
    for key in set(state) & set(rules):
        with pytest.raises(ValueError, match="no_such_key_of_its"):
            check_state(Estimator, state | {"_no_such_key_of_its": state[key]})
    needed = [key for key, rule in rules.items() if not isinstance(rule, Lackable)]
    for key in needed:
        with pytest.raises(ValueError, match=key):
            check_state(Estimator, {name: value for name, value in state.items() if name != key})
        if rules[key] is not anything:
            with pytest.raises(ValueError, match=key):
                check_state(Estimator, state | {key: object()})


@every
def test_every_method_that_learns_does_so_as_a_whole_or_not_at_all(Estimator):
    for name in LEARNING:
        method = inspect.getattr_static(Estimator, name, None)
        assert method is None or hasattr(getattr(method, "fn", method), "all_or_nothing"), name


@parametrize_with_checks([make(E) for E in TABULAR], expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("Estimator", [E for E in ESTIMATORS if E not in TABULAR], ids=lambda E: E.__name__)
@pytest.mark.parametrize(
    "check",
    [
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_estimator_tags_renamed",
        "check_get_params_invariance",
        "check_no_attributes_set_in_init",
        "check_parameters_default_constructible",
        "check_set_params",
        "check_valid_tag_types",
    ],
)
def test_scikit_learns_checks_of_the_interface(Estimator, check):
    getattr(estimator_checks, check)(Estimator.__name__, make(Estimator))


@pytest.mark.parametrize("Estimator", TABULAR, ids=lambda E: E.__name__)
def test_scikit_learn_skips_no_check(Estimator):
    """But for those of a method that the estimator does not have, as scikit-learn's does not."""
    estimator = make(Estimator)
    expected = expected_failures(estimator)
    results = check_estimator(estimator, on_skip=None, expected_failed_checks=expected)
    left_out = {r["check_name"] for r in results if r["status"] != "passed"} - set(expected)
    without = [m for m in ("decision_function", "predict_proba") if not hasattr(estimator, m)]
    assert left_out <= {f"check_classifiers_multilabel_output_format_{method}" for method in without}


@every_predictor
def test_pickle_clone_pipeline_and_search(Estimator, table):
    X, y = table
    model = make(Estimator).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    assert np.array_equal(clone(model).fit(X, y).predict(X), model.predict(X))
    of_counts = get_tags(model).input_tags.positive_only  # neither a mean of 0 nor a fraction is for these
    pipeline = make_pipeline(Binarizer(threshold=4) if of_counts else StandardScaler(), make(Estimator))
    assert np.isfinite(cross_val_score(pipeline, X, y, cv=3)).all()
    grid = {f"{pipeline.steps[0][0]}__copy": [True, False]}
    assert hasattr(GridSearchCV(pipeline, grid, cv=3).fit(X, y), "best_score_")


@every_predictor
@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: X.astype(X.dtype.newbyteorder()),
        lambda X: X.tolist(),
        lambda X: X.astype(np.int32),
        lambda X: X.astype(object),
        pd.DataFrame,
    ],
)
def test_the_layout_of_x_changes_nothing(Estimator, table, layout):
    X, y = table
    expected = make(Estimator).fit(X, y).predict(X)
    assert np.array_equal(make(Estimator).fit(layout(X), y).predict(layout(X)), expected)


@every_predictor
def test_read_only_arrays(Estimator, table, tmp_path):
    X, y = table
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.array_equal(make(Estimator).fit(mapped, y).predict(mapped), make(Estimator).fit(X, y).predict(X))


@every_predictor
@pytest.mark.parametrize("frame", [pd.DataFrame, lambda data: pl.DataFrame(dict(data))])
def test_frames_keep_the_names_of_their_columns(Estimator, table, frame):
    X, y = table
    columns = {"abcd"[j]: X[:, j] for j in range(4)}
    model = make(Estimator).fit(frame(columns), y)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert np.array_equal(model.predict(frame(columns)), make(Estimator).fit(X, y).predict(X))
    with pytest.raises(ValueError, match="[Ff]eature names"):
        model.predict(frame({name: columns[name] for name in "bacd"}))


@every_predictor
def test_one_row_gives_what_all_rows_give(Estimator, table):
    X, y = table
    model = make(Estimator).fit(X, y)
    rows = [model.predict(X[i : i + 1])[0] for i in range(len(X))]
    assert np.array_equal(rows, model.predict(X)) if is_classifier(model) else np.allclose(rows, model.predict(X))


@every_predictor
@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_where_a_bad_value_stands(Estimator, table, bad):
    X, y = table
    model = make(Estimator).fit(X, y)
    broken = X.copy()
    broken[7, 2] = bad
    for call in (lambda: model.predict(broken), lambda: make(Estimator).fit(broken, y)):
        with pytest.raises(ValueError, match=r"X\[7, 2\] is -?inf"):
            call()
    named = pd.DataFrame(broken, columns=list("abcd"))
    with pytest.raises(ValueError, match=r"X\[7, 2\] \(column 'c'\) is -?inf"):
        make(Estimator).fit(named, y)


@every_predictor
@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda X: X[:, :3], ValueError, "3 features"),
        (lambda X: X[0], ValueError, "2D array"),
        (lambda X: X[:0], ValueError, "0 sample"),
        (lambda X: X.astype(complex), ValueError, "[Cc]omplex"),
        (
            lambda X: np.where(X == X[0, 0], "word", "other").astype(object),
            ValueError,
            "string|word|other|numeric|float",
        ),
        (lambda X: None, (ValueError, TypeError), "None|NaN|2D"),
    ],
)
def test_bad_rows_to_predict(Estimator, table, change, error, words):
    X, y = table
    if Estimator.__name__.startswith(("KNeighbors", "Radius")) and change(X) is None:
        pytest.skip("None asks for the neighbours of the fitted points themselves")
    with pytest.raises(error, match=words):
        make(Estimator).fit(X, y).predict(change(X))


@every_predictor
def test_not_fitted(Estimator, table):
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function", "score"):
        if hasattr(make(Estimator), method):
            with pytest.raises(NotFittedError, match=Estimator.__name__):
                getattr(make(Estimator), method)(*(table if method == "score" else table[:1]))


@every_predictor
def test_bad_targets(Estimator, table):
    X, y = table
    with pytest.raises(ValueError, match="inconsistent numbers of samples|59"):
        make(Estimator).fit(X, y[:-1])
    with pytest.raises(ValueError, match=r"y.*NaN"):
        make(Estimator).fit(X, np.where(np.arange(60) == 3, np.nan, y))
    with pytest.raises(ValueError, match="y"):
        make(Estimator).fit(X, None)


@every_predictor
@pytest.mark.parametrize(
    "frame", [pd.DataFrame(index=range(60)), pd.DataFrame(), pl.DataFrame()], ids=["rows", "pandas", "polars"]
)
def test_frames_without_columns(Estimator, table, frame):
    with pytest.raises(ValueError, match=r"0 (feature|sample)\(s\)"):
        make(Estimator).fit(frame, table[1])
    with pytest.raises(ValueError, match="0 (feature|sample)"):
        make(Estimator).fit(*table).predict(frame)


@pytest.mark.parametrize("Estimator", TABULAR, ids=lambda E: E.__name__)
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, pd.DataFrame, csr_array])
def test_both_infinities_are_refused_without_a_word_of_their_sum(Estimator, table, kind):
    X, y = table
    both = X.copy()
    both[3, 1], both[7, 1] = -np.inf, np.inf
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises((ValueError, TypeError)):  # some take nothing sparse
            make(Estimator).fit(kind(both), y)
        if kind is np.asarray and has_fit_parameter(Estimator, "sample_weight"):
            with pytest.raises((ValueError, TypeError), match="infinity|inf"):
                make(Estimator).fit(X, y, sample_weight=both[:, 1])


@every_predictor
@pytest.mark.parametrize("weight", [np.zeros(60), np.full(60, -1.0), np.nan, np.ones((60, 2)), np.ones(59), 0, "heavy"])
def test_bad_weights_are_named(Estimator, table, weight):
    if has_fit_parameter(Estimator, "sample_weight"):
        with pytest.raises(ValueError, match="sample_weight"):
            make(Estimator).fit(*table, sample_weight=weight)


@every
def test_unknown_parameters_and_wrong_values_are_named(Estimator, table):
    X, y = table
    with pytest.raises(TypeError, match="no_such_parameter"):
        Estimator(no_such_parameter=1)
    checked = {
        name: constraint
        for name, constraint in Estimator._parameter_constraints.items()
        if name in inspect.signature(Estimator).parameters and "no_validation" not in constraint
    }
    assert checked
    for name in checked:
        with pytest.raises(ValueError, match=name):
            make(Estimator, **{name: object()}).fit(X, y)


@every
def test_the_docstring_names_every_parameter(Estimator):
    for name in inspect.signature(Estimator).parameters:
        assert f"{name} :" in Estimator.__doc__ or f"{name}, " in Estimator.__doc__, f"{Estimator.__name__}: {name}"
    assert ">>> " in Estimator.__doc__


@as_of_newest
@every_predictor
def test_parameters_and_defaults_are_scikit_learns(Estimator):
    """What scikit-learn's estimator of that name takes, this one takes, with the same default."""
    module = importlib.import_module(f"sklearn.{Estimator.__module__.split('.')[1]}")
    original = getattr(module, Estimator.__name__, None)
    if original is None:
        pytest.skip(f"scikit-learn has no {Estimator.__name__}")
    ours, theirs = inspect.signature(Estimator).parameters, inspect.signature(original).parameters
    assert {name: ours[name].default for name in theirs if name in ours} == {n: p.default for n, p in theirs.items()}
    positional = [name for name, p in theirs.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [name for name, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD] == positional


# ------------------------------------------------------------------------------------------------ transformers


@every_transformer
@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda X: X.astype(X.dtype.newbyteorder()), lambda X: X.tolist(), pd.DataFrame]
)
def test_the_layout_of_x_changes_nothing_in_a_transformer(Estimator, table, layout):
    X, y = table
    expected = make(Estimator).fit(X, y).transform(X)
    assert np.array_equal(make(Estimator).fit(layout(X), y).transform(layout(X)), expected)


@every_transformer
def test_one_row_and_read_only_rows_are_transformed_as_all_are(Estimator, table):
    X, y = table
    model = make(Estimator).fit(X, y)
    expected = model.transform(X)
    X.flags.writeable = False
    assert np.array_equal(model.transform(X), expected)
    assert np.array_equal(np.concatenate([model.transform(X[i : i + 1]) for i in range(len(X))]), expected)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(X), expected)


@every_transformer
@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_where_a_bad_value_to_transform_stands(Estimator, table, bad):
    X, y = table
    model = make(Estimator).fit(X, y)
    broken = X.copy()
    broken[7, 2] = bad
    for call in (lambda: model.transform(broken), lambda: make(Estimator).fit(broken, y)):
        with pytest.raises(ValueError, match=r"X\[7, 2\] is -?inf"):
            call()
    if get_tags(model).requires_fit:
        with pytest.raises(NotFittedError, match=Estimator.__name__):
            make(Estimator).transform(X)
    with pytest.raises(ValueError, match="3 features"):
        model.transform(X[:, :3])


@every_transformer
@pytest.mark.parametrize("frame", [pd.DataFrame, lambda data: pl.DataFrame(dict(data))])
def test_frames_in_and_out_of_a_transformer(Estimator, table, frame):
    X, y = table
    columns = {"abcd"[j]: X[:, j] for j in range(4)}
    model = make(Estimator).fit(frame(columns), y)
    expected = make(Estimator).fit(X, y).transform(X)
    assert np.array_equal(model.transform(frame(columns)), expected)
    for kind in ("pandas", "polars"):
        out = model.set_output(transform=kind).transform(frame(columns))
        assert list(out.columns) == model.get_feature_names_out().tolist()
        assert np.array_equal(out.to_numpy(), expected)
