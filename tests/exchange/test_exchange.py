"""fastml.to_sklearn and fastml.from_sklearn: every class of the table, by its answers."""

import importlib
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

import fastml
import fastml.linear_model
from fastml.exchange import ExchangeError
from fastml.exchange.families import FAMILIES, class_in, own_class, twin_class

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore:divide by zero")

METHODS = (
    "predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba", "decision_function", "transform",
    "kneighbors", "kneighbors_graph", "radius_neighbors_graph", "apply", "decision_path", "get_depth", "get_n_leaves",
)  # fmt: skip
SETTINGS = {
    "DecisionTreeClassifier": [
        {}, {"max_depth": 3}, {"criterion": "entropy", "max_leaf_nodes": 6}, {"splitter": "random", "random_state": 1},
        {"ccp_alpha": 0.02}, {"class_weight": "balanced"},
    ],
    "DecisionTreeRegressor": [{}, {"max_depth": 4}, {"criterion": "absolute_error"}, {"max_leaf_nodes": 5}],
    "LinearRegression": [{}, {"fit_intercept": False}],
    "Ridge": [{}, {"alpha": 10.0, "fit_intercept": False}],
    "LogisticRegression": [{}, {"C": 0.01, "fit_intercept": False}, {"solver": "saga", "l1_ratio": 1.0}],
    "Perceptron": [{}, {"penalty": "l1"}],
    "SGDClassifier": [{}, {"loss": "log_loss"}, {"loss": "modified_huber", "average": True}],
    "SGDRegressor": [{}, {"loss": "huber", "alpha": 0.1}],
    "LinearSVC": [{}, {"loss": "hinge", "C": 0.1}, {"multi_class": "crammer_singer"}],
    "NearestNeighbors": [
        {}, {"n_neighbors": 3, "metric": "manhattan"}, {"algorithm": "brute", "metric": "cosine", "radius": 0.9},
    ],
    "KNeighborsClassifier": [
        {}, {"weights": "distance"}, {"algorithm": "ball_tree", "p": 3}, {"algorithm": "brute", "metric": "l1"},
    ],
    "KNeighborsRegressor": [{}, {"weights": "distance", "n_neighbors": 2}],
    "RadiusNeighborsClassifier": [{"radius": 2.0}, {"radius": 1.5, "outlier_label": "most_frequent"}],
    "RadiusNeighborsRegressor": [{"radius": 2.5}],
    "GaussianNB": [{}, {"var_smoothing": 0.1}, {"priors": [0.5, 0.3, 0.2]}],
    "BernoulliNB": [{}, {"alpha": 0.1, "binarize": 1.0, "fit_prior": False}],
    "MultinomialNB": [{}, {"alpha": 0.01}],
    "ComplementNB": [{}, {"norm": True}],
    "CategoricalNB": [{}, {"alpha": 0.1, "min_categories": 6}],
    "MLPClassifier": [
        {"max_iter": 5}, {"hidden_layer_sizes": (5, 4), "activation": "tanh", "max_iter": 5},
        {"hidden_layer_sizes": (), "solver": "lbfgs", "max_iter": 5},
    ],
    "MLPRegressor": [{"max_iter": 5}, {"hidden_layer_sizes": (6,), "activation": "logistic", "max_iter": 5}],
}  # fmt: skip
NO_SPARSE = {"GaussianNB", "CategoricalNB"}
SEVERAL = {
    "DecisionTreeClassifier", "DecisionTreeRegressor", "KNeighborsClassifier", "KNeighborsRegressor",
    "LinearRegression", "Ridge", "RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "MLPRegressor",
}  # fmt: skip
WORDS = np.array(["apple", "pear", "plum"])
RNG = np.random.default_rng(7)
COUNTS = RNG.integers(0, 4, (90, 5)).astype(float)
NUMBERS = RNG.normal(size=(90, 5)) + COUNTS / 4
CLASSES = (COUNTS.sum(axis=1) + RNG.normal(size=90) > 7).astype(int) + (NUMBERS[:, 0] > 1)
TARGET = NUMBERS @ np.arange(5.0) + RNG.normal(size=90)
CASES = [(name, settings) for name, several in SETTINGS.items() for settings in several]


def classes(name):
    row = next(row for row in FAMILIES if name in row.names)
    return class_in("fastml", row, name), class_in("sklearn", row, name)


def rows(name):
    return COUNTS if name.endswith("NB") and name != "GaussianNB" else NUMBERS


def target(name, kind="one"):
    y = WORDS[CLASSES] if name.endswith(("Classifier", "SVC", "NB", "Perceptron", "LogisticRegression")) else TARGET
    if kind == "several":
        y = np.stack([y, y[::-1]], axis=1)
    return y


def answers(model, X):
    found = {}
    for method in METHODS:
        if hasattr(model, method):
            function = getattr(model, method)
            try:
                found[method] = function() if method.startswith("get_") else function(X)
            except ValueError as error:  # no neighbours within the radius: both must say so
                found[method] = type(error)
    return found


def assert_same(found, wanted, rtol):
    assert set(wanted) <= set(found), set(wanted) - set(found)
    for method in set(wanted):
        assert_equal(found[method], wanted[method], rtol, method)


def assert_equal(found, wanted, rtol, what):
    if isinstance(wanted, tuple | list):
        for one, other in zip(found, wanted, strict=True):
            assert_equal(one, other, rtol, what)
    elif sp.issparse(wanted):
        assert_equal(found.toarray(), wanted.toarray(), rtol, what)
    elif isinstance(wanted, np.ndarray) and wanted.dtype == object:
        assert_equal(list(found), list(wanted), rtol, what)
    elif isinstance(wanted, np.ndarray) and wanted.dtype.kind == "f":
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol, err_msg=what)
    else:
        np.testing.assert_array_equal(found, wanted, err_msg=what)


def both_ways(model, X, rtol=1e-9, but=""):
    """A fitted model of fastml and its twin answer alike, and so does what is read from the twin."""
    wanted = answers(model, X)
    wanted.pop(but, None)  # float32 has no digits for a probability next to 1
    twin = fastml.to_sklearn(model)
    assert type(twin).__module__.startswith("sklearn."), twin
    assert_same(answers(twin, X), {k: v for k, v in wanted.items() if hasattr(twin, k)}, rtol)
    again = fastml.from_sklearn(pickle.loads(pickle.dumps(twin)))
    assert type(again) is type(model)
    assert_same(answers(again, X), wanted, rtol)
    return twin


def test_the_table_has_every_twin():
    """Whatever fastml and scikit-learn call by one name is in it."""
    listed = {(row.family, name) for row in FAMILIES for name in row.names}
    for family in {row.family for row in FAMILIES}:
        own, theirs = importlib.import_module(f"fastml.{family}"), importlib.import_module(f"sklearn.{family}")
        for name in own.__all__:
            thing = getattr(own, name)
            if isinstance(thing, type) and hasattr(thing, "get_params") and hasattr(theirs, name):
                assert (family, name) in listed or ("feature_extraction.text", name) in listed


@pytest.mark.parametrize(("name", "settings"), CASES)
@pytest.mark.parametrize("kind", ["dense", "float32", "sparse"])
def test_answers_are_those_of_the_model(name, settings, kind):
    X = rows(name)
    if kind == "sparse":
        if name in NO_SPARSE:
            pytest.skip("takes no sparse rows")
        X = sp.csr_matrix(np.where(np.abs(X) > 0.3, X, 0.0))
    if kind == "float32":
        X = X.astype(np.float32)
    y = () if name == "NearestNeighbors" else (target(name),)
    if kind == "sparse" and settings.get("p") == 3:
        pytest.skip("p=3 is for dense rows")
    model = classes(name)[0](**settings).fit(X, *y)
    both_ways(model, X, *(() if kind != "float32" else (1e-4, "predict_log_proba")))


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_a_model_of_scikit_learn_answers_the_same(name, settings):
    X, y = rows(name), () if name == "NearestNeighbors" else (target(name),)
    twin = classes(name)[1](**settings).fit(X, *y)
    model = fastml.from_sklearn(twin)
    skip = {"apply", "decision_path"} if "max_leaf_nodes" in settings else set()  # nodes have other numbers
    for asked in (X, X + 0.01 * NUMBERS if X is NUMBERS else X, np.ascontiguousarray(X[::2])):
        wanted = answers(twin, asked)
        assert_same(
            answers(model, asked), {k: v for k, v in wanted.items() if k not in skip and hasattr(model, k)}, 1e-9
        )


@pytest.mark.parametrize("name", sorted(SEVERAL))
def test_several_outputs(name):
    X, y = rows(name), target(name, "several")
    settings = SETTINGS[name][0]
    both_ways(classes(name)[0](**settings).fit(X, y), X)
    twin = classes(name)[1](**settings).fit(X, y)
    assert_same(answers(fastml.from_sklearn(twin), X), answers(twin, X), 1e-9)


def test_many_labels_of_a_network():
    Y = np.stack([CLASSES > 0, CLASSES > 1, NUMBERS[:, 1] > 0], axis=1).astype(int)
    both_ways(classes("MLPClassifier")[0](max_iter=5).fit(NUMBERS, Y), NUMBERS)


@pytest.mark.parametrize(
    "name", ["KNeighborsRegressor", "LinearRegression", "Ridge", "DecisionTreeRegressor", "MLPRegressor"]
)
def test_a_column_of_targets_keeps_its_shape(name):
    model = classes(name)[0](**SETTINGS[name][0]).fit(NUMBERS, TARGET[:, None])
    assert model.predict(NUMBERS).shape == both_ways(model, NUMBERS).predict(NUMBERS).shape


@pytest.mark.parametrize("name", SETTINGS)
def test_two_classes_and_names_of_columns(name):
    import pandas

    frame = pandas.DataFrame(rows(name), columns=list("abcde"))
    y = target(name)
    y = y[y != "plum"] if y.dtype.kind == "U" else y
    frame = frame.iloc[: len(y)]
    settings = {k: v for k, v in SETTINGS[name][0].items() if k != "priors"}
    model = classes(name)[0](**settings).fit(frame, *(() if name == "NearestNeighbors" else (y,)))
    assert both_ways(model, frame).feature_names_in_.tolist() == list("abcde")


@pytest.mark.parametrize("name", SETTINGS)
def test_models_that_are_not_fitted_keep_their_parameters(name):
    own, theirs = classes(name)
    for settings in SETTINGS[name]:
        twin = fastml.to_sklearn(own(**settings))
        assert type(twin) is theirs
        assert settings.items() <= twin.get_params().items()
        assert type(fastml.from_sklearn(twin)) is own
        assert fastml.from_sklearn(twin).get_params() == own(**twin.get_params()).get_params()


@pytest.mark.parametrize("name", SETTINGS)
def test_learning_on_leaves_the_other_as_it_was(name):
    """Arrays are not shared: partial_fit writes into them."""
    own, theirs = classes(name)
    if not hasattr(own(), "partial_fit"):
        pytest.skip("learns at once")
    X, y = rows(name), target(name)
    model = own(**SETTINGS[name][0]).fit(X, y)
    before = answers(model, X)
    twin = fastml.to_sklearn(model)
    twin.partial_fit(X[:30], y[:30])
    assert_same(answers(model, X), before, 0)
    before = answers(twin, X)
    fastml.from_sklearn(twin).partial_fit(X[30:], y[30:])
    assert_same(answers(twin, X), before, 0)


def test_trees_grown_on_whole_numbers():
    whole = COUNTS.astype(np.int64) * 1000
    tree = classes("DecisionTreeClassifier")[0]
    both_ways(tree().fit(whole, CLASSES), whole)
    both_ways(tree().fit(whole.astype(np.uint8), CLASSES), whole.astype(np.uint8))


def test_trees_with_missing_values():
    X = np.where(NUMBERS > 1.5, np.nan, NUMBERS)
    for name in ("DecisionTreeClassifier", "DecisionTreeRegressor"):
        both_ways(classes(name)[0]().fit(X, target(name)), X)
        twin = classes(name)[1]().fit(X, target(name))
        assert_same(answers(fastml.from_sklearn(twin), X), answers(twin, X), 1e-12)


def test_thresholds_read_are_exact_at_every_float64():
    """Around each threshold, where scikit-learn's rounding to float32 decides."""
    twin = classes("DecisionTreeClassifier")[1](max_depth=6).fit(NUMBERS, CLASSES)
    model = fastml.from_sklearn(twin)
    inner = twin.tree_.children_left >= 0
    near = [NUMBERS[:1]]
    for j, t in zip(twin.tree_.feature[inner], twin.tree_.threshold[inner], strict=True):
        single = np.float32(t).astype(float)
        step = float(np.spacing(np.float32(abs(t))))
        for value in (t, single, *(single + step * k / 8 for k in range(-12, 13))):
            for other in (value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)):
                row = NUMBERS[:1].copy()
                row[0, j] = other
                near.append(row)
    near = np.concatenate(near)
    np.testing.assert_array_equal(model.apply(near), twin.apply(near))


def test_what_scikit_learn_cannot_say_is_refused_by_name():
    from fastml.linear_model import Perceptron, SGDClassifier, SGDRegressor
    from fastml.naive_bayes import MixedNB
    from fastml.neighbors import KNeighborsClassifier
    from fastml.neural_network import MLPClassifier
    from fastml.tree import DecisionTreeClassifier, ID3Classifier

    words = np.array([["red"], ["blue"], ["red"], ["green"]], object)
    y = [0, 1, 0, 1]
    for model, what in (
        (DecisionTreeClassifier().fit(words, y), "categories"),
        (DecisionTreeClassifier(missing_values="fractional").fit([[0.0], [1.0]], [0, 1]), "fractional"),
        (ID3Classifier().fit(words, y), "ID3Classifier"),
        (MixedNB().fit(words, y), "MixedNB"),
        (MLPClassifier(activation="gelu", max_iter=2).fit(NUMBERS, CLASSES), "gelu"),
        (MLPClassifier((3, 3), activation=["relu", "tanh"], max_iter=2).fit(NUMBERS, CLASSES), "layer to layer"),
        (MLPClassifier(loss="binary_log_loss", max_iter=2).fit(NUMBERS, CLASSES), "output_activation"),
        (SGDClassifier(loss="log_loss", multi_class="multinomial").fit(NUMBERS, CLASSES), "multinomial"),
        (SGDRegressor(loss="poisson").fit(NUMBERS, np.abs(TARGET)), "poisson"),
        (SGDRegressor().fit(NUMBERS, np.stack([TARGET, TARGET], axis=1)), "several outputs"),
        (Perceptron(average="voted").fit(NUMBERS, CLASSES), "voted"),
        (KNeighborsClassifier().fit(NUMBERS, CLASSES, sample_weight=np.arange(90.0)), "sample_weight"),
        (KNeighborsClassifier(class_weight="balanced").fit(NUMBERS, CLASSES), "class_weight"),
        (MLPClassifier(dropout=0.2), "dropout=0.2"),
        (MLPClassifier(activation="gelu"), "gelu"),
        (DecisionTreeClassifier(pruning="pessimistic"), "pruning"),
        (make_pipeline(StandardScaler(), MixedNB()), "MixedNB"),
    ):
        with pytest.raises(ExchangeError, match=what):
            fastml.to_sklearn(model)


def test_columns_that_float32_does_not_tell_apart_are_refused():
    from fastml.tree import DecisionTreeClassifier

    seconds = 1.7e9 + np.arange(6.0)[:, None]
    with pytest.raises(ExchangeError, match="'x0'.*float32"):
        fastml.to_sklearn(DecisionTreeClassifier().fit(seconds, [0, 0, 1, 1, 0, 0]))
    with pytest.raises(ExchangeError, match="'x0'.*float32"):
        fastml.to_sklearn(DecisionTreeClassifier().fit(seconds.astype(np.int64), [0, 0, 1, 1, 0, 0]))
    far_and_near = np.array([[0.0], [1e9], [1e9 + 1], [1e9 + 2]])
    with pytest.raises(ExchangeError, match="'x0'.*float32"):
        fastml.to_sklearn(DecisionTreeClassifier().fit(far_and_near, [0, 1, 0, 1]))
    large = (2**24 + 4 * np.arange(6))[:, None]
    both_ways(DecisionTreeClassifier().fit(large, [0, 0, 1, 1, 0, 0]), large)


def test_midpoints_that_differ_in_the_last_digit_are_no_obstacle():
    """(2.8 + 2.9) / 2 and (2.7 + 3.0) / 2 differ by one digit of float64, in branches of their own."""
    from sklearn.datasets import load_iris

    from fastml.tree import DecisionTreeClassifier

    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(0)
    for _ in range(40):
        rows = rng.integers(0, 150, 150)
        model = DecisionTreeClassifier().fit(X[rows], rng.permutation(y))
        np.testing.assert_array_equal(fastml.to_sklearn(model).apply(X[rows]), model.apply(X[rows]))


def test_what_fastml_lacks_is_refused():
    with pytest.raises(ExchangeError, match="SVC"):
        fastml.from_sklearn(SVC())
    with pytest.raises(TypeError, match="no estimator"):
        fastml.to_sklearn(3)


def containers():
    from fastml.linear_model import LogisticRegression
    from fastml.neighbors import KNeighborsClassifier
    from fastml.tree import DecisionTreeClassifier

    tree, near, line = DecisionTreeClassifier(max_depth=3), KNeighborsClassifier(), LogisticRegression()
    yield make_pipeline(StandardScaler(), FunctionTransformer(lambda X: X + 1), line)
    yield VotingClassifier([("tree", tree), ("near", near), ("line", line)], voting="soft")
    yield StackingClassifier([("tree", tree), ("near", near)], final_estimator=line, cv=3)
    yield BaggingClassifier(tree, 4, random_state=0)
    yield AdaBoostClassifier(tree, n_estimators=3, random_state=0)
    yield OneVsRestClassifier(line)
    yield CalibratedClassifierCV(tree, cv=3)
    yield make_pipeline(
        StandardScaler(), VotingClassifier([("pipe", make_pipeline(StandardScaler(), near))], voting="soft")
    )


@pytest.mark.parametrize("container", [*containers()], ids=lambda model: type(model).__name__)
def test_containers_by_their_parts(container):
    y = WORDS[CLASSES]
    for model in (clone(container), clone(container).fit(NUMBERS, y)):
        twin = fastml.to_sklearn(model)
        assert b"fastml" not in dumped(twin)
        again = fastml.from_sklearn(twin)
        assert b"fastml" in dumped(again)
    for other in (twin, again):
        np.testing.assert_array_equal(other.predict(NUMBERS), model.predict(NUMBERS))
        np.testing.assert_allclose(other.predict_proba(NUMBERS), model.predict_proba(NUMBERS), rtol=1e-9)


def dumped(model):
    """The pickle, without functions that it cannot hold."""

    class Dumping(pickle.Pickler):
        def persistent_id(self, part):
            return "function" if getattr(part, "__name__", "") == "<lambda>" else None

    import io

    file = io.BytesIO()
    Dumping(file).dump(model)
    return file.getvalue()


def test_parts_held_twice_are_one_afterwards():
    from fastml.tree import DecisionTreeClassifier

    model = VotingClassifier([("tree", DecisionTreeClassifier())]).fit(NUMBERS, CLASSES)
    twin = fastml.to_sklearn(model)
    assert twin.estimators_[0] is twin.named_estimators_["tree"]
    assert type(model.estimators_[0]) is DecisionTreeClassifier


def test_one_model_for_each_output():
    from fastml.linear_model import SGDRegressor

    Y = np.stack([TARGET, -TARGET], axis=1)
    model = MultiOutputRegressor(SGDRegressor(random_state=0)).fit(NUMBERS, Y)
    np.testing.assert_allclose(fastml.to_sklearn(model).predict(NUMBERS), model.predict(NUMBERS), rtol=1e-9)


def test_forests_keep_their_trees():
    forest = RandomForestClassifier(3, random_state=0).fit(NUMBERS, CLASSES)
    with pytest.raises(ExchangeError, match="RandomForestClassifier"):
        fastml.from_sklearn(forest)
    from sklearn.tree import DecisionTreeClassifier

    model = VotingClassifier([("forest", forest), ("tree", DecisionTreeClassifier())]).fit(NUMBERS, CLASSES)
    found = fastml.from_sklearn(model)
    np.testing.assert_array_equal(found.predict(NUMBERS), model.predict(NUMBERS))
    assert type(found.estimators_[1]).__module__.startswith("fastml")


@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV"])
def test_searches(name):
    from fastml.neighbors import KNeighborsClassifier

    own, theirs = classes(name)
    extra = {"n_iter": 2, "random_state": 0} if name.startswith("Random") else {}
    search = own(
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        {"kneighborsclassifier__n_neighbors": [1, 3, 5]},
        **extra,
    )
    assert type(fastml.to_sklearn(search)) is theirs
    search.fit(NUMBERS, WORDS[CLASSES])
    twin = fastml.to_sklearn(search)
    assert type(twin) is theirs
    assert b"fastml" not in pickle.dumps(twin)
    assert twin.best_params_ == search.best_params_
    again = fastml.from_sklearn(twin)
    assert type(again) is own
    assert type(again.best_estimator_[-1]) is KNeighborsClassifier
    for other in (twin, again):
        np.testing.assert_array_equal(other.predict(NUMBERS), search.predict(NUMBERS))
        assert list(other.cv_results_) == list(search.cv_results_)


def test_vectorizers():
    from fastml.feature_extraction import DictVectorizer
    from fastml.feature_extraction.text import CountVectorizer

    for model, data in (
        (CountVectorizer(ngram_range=(1, 2)), ["to be or not to be", "be quick"]),
        (DictVectorizer(), [{"a": 1, "b": "x"}, {"a": 2}]),
    ):
        assert type(fastml.to_sklearn(model)).__module__.startswith("sklearn")
        wanted = model.fit_transform(data).toarray()
        twin = fastml.to_sklearn(model)
        assert type(twin).__module__.startswith("sklearn")
        assert b"fastml" not in pickle.dumps(twin)
        np.testing.assert_array_equal(twin.transform(data).toarray(), wanted)
        np.testing.assert_array_equal(fastml.from_sklearn(twin).transform(data).toarray(), wanted)


def test_a_model_that_is_there_already_comes_back():
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier().fit(NUMBERS, CLASSES)
    twin = fastml.to_sklearn(model)
    np.testing.assert_array_equal(twin.predict(NUMBERS), model.predict(NUMBERS))
    assert fastml.from_sklearn(fastml.from_sklearn(model)).get_depth() == model.get_depth()


def test_convergence_is_not_asked_again():
    import warnings

    from fastml.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(NUMBERS, CLASSES)
        warnings.simplefilter("error")
        fastml.from_sklearn(fastml.to_sklearn(model)).predict(NUMBERS)


def test_a_regressor_of_samples_that_agree():
    model = fastml.linear_model.RANSACRegressor(fastml.linear_model.LinearRegression(), random_state=0)
    twin = fastml.to_sklearn(model.fit(NUMBERS, TARGET))
    assert type(twin) is sklearn.linear_model.RANSACRegressor
    assert type(twin.estimator_) is sklearn.linear_model.LinearRegression
    np.testing.assert_allclose(twin.predict(NUMBERS), model.predict(NUMBERS), rtol=1e-9)
    again = fastml.from_sklearn(twin)
    assert type(again.estimator_) is fastml.linear_model.LinearRegression
    np.testing.assert_allclose(again.predict(NUMBERS), model.predict(NUMBERS), rtol=1e-9)


def test_every_class_of_one_name_has_a_twin():
    """Also those that a module makes when they are asked for."""
    for family in sorted({row.family for row in FAMILIES}):
        own, theirs = importlib.import_module(f"fastml.{family}"), importlib.import_module(f"sklearn.{family}")
        for name in theirs.__all__:
            ours, original = getattr(own, name), getattr(theirs, name)
            if ours is not original and isinstance(original, type) and issubclass(original, BaseEstimator):
                assert twin_class(ours) is original, name
                assert own_class(original) is ours, name
