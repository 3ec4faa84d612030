"""scikit-learn's callbacks hear of the fits of fastml's models as of scikit-learn's own."""

import importlib.util
import pickle

import numpy as np
import pytest
import sklearn.linear_model
import sklearn.pipeline
import sklearn.preprocessing
from scipy import sparse

import fastml
from fastml.linear_model import LogisticRegression
from fastml.model_selection import GridSearchCV
from fastml.neighbors import KNeighborsClassifier
from fastml.pipeline import make_pipeline
from fastml.preprocessing import StandardScaler

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sklearn.callback") is None, reason="scikit-learn before 1.9 has no callbacks"
)


class Recording:
    """A callback that keeps what it hears: (hook, name of the task, its number), and the models that it was shown."""

    def __init__(self):
        self.heard, self.shown, self.learnt = [], [], []

    def setup(self, estimator, context):
        self.heard.append(("setup", context.task_name, context.task_id))
        self.shown.append(estimator)

    def teardown(self, estimator, context):
        self.heard.append(("teardown", context.task_name, context.task_id))
        self.shown.append(estimator)

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.heard.append(("begin", context.task_name, context.task_id))
        self.shown.append(estimator)

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.heard.append(("end", context.task_name, context.task_id))
        self.shown.append(estimator)
        self.learnt.append(fitted_estimator)


class Propagated(Recording):
    """One that models within the model are handed, too."""

    max_propagation_depth = None


def data(n=60):
    X = np.random.default_rng(0).normal(size=(n, 3))
    return X, (X @ [1, -1, 0.5] + np.random.default_rng(1).normal(size=n) > 0).astype(int)


def listen(model, *args, method="fit", kind=Recording, **options):
    recording = kind()
    getattr(model.set_callbacks(recording), method)(*args, **options)
    return recording


def test_each_iteration_of_logistic_regression_is_a_task():
    X, y = data()
    model = LogisticRegression()
    told = listen(model, X, y)
    n = model.n_iter_[0]
    assert [name for _, name, _ in told.heard].count("lbfgs-iter") == 2 * (n + 1)
    assert all(shown is model for shown in told.shown)
    assert np.array_equal(told.learnt[n - 1].coef_, model.coef_)
    assert np.array_equal(told.learnt[n - 1].predict(X), model.predict(X))
    assert told.learnt[n] is None  # the task that is left over, as in scikit-learn
    assert model.coef_ == pytest.approx(LogisticRegression().fit(X, y).coef_, rel=1e-3)


@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("rows", [np.asarray, sparse.csr_array])
def test_other_solvers_are_one_task(rows, penalty):
    X, y = data()
    with pytest.warns(UserWarning, match="only supported in LogisticRegression for solver='lbfgs'"):
        told = listen(LogisticRegression(solver="saga", l1_ratio=penalty), rows(X), y)
    assert [hook for hook, *_ in told.heard] == ["setup", "begin", "end", "teardown"]


@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_transform"])
@pytest.mark.parametrize("options", [{}, {"sample_weight": np.ones(60)}])
def test_a_scaler_is_one_task(method, options):
    X, _ = data()
    model = StandardScaler()
    told = listen(model, X, method=method, **options)
    assert [hook for hook, *_ in told.heard] == ["setup", "begin", "end", "teardown"]
    assert np.array_equal(told.learnt[0].transform(X), model.transform(X))


def test_pipelines_hand_callbacks_on_as_scikit_learn_does():
    X, y = data()
    heard = []
    for scaler, make in (
        (StandardScaler(), make_pipeline),
        (sklearn.preprocessing.StandardScaler(), sklearn.pipeline.make_pipeline),
    ):
        model = make(scaler, sklearn.linear_model.Ridge())
        with pytest.warns(UserWarning, match="Ridge does not support callbacks"):
            told = listen(model, X, y, kind=Propagated)
        assert {type(shown).__name__ for shown in told.shown} == {"Pipeline", "StandardScaler"}
        assert all(shown in (model, model[0]) for shown in told.shown)
        heard.append(told.heard)
    assert heard[0] == heard[1]


@pytest.mark.parametrize(
    "model", [LogisticRegression(C=-1), StandardScaler(), GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [0]})]
)
def test_after_an_error_the_model_is_what_it_was(model):
    recording = Recording()
    model.set_callbacks(recording)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=r"C|inf|n_splits"):
        model.fit(np.full((8, 2), np.inf), [0, 1] * 4)
    assert vars(model) == before


def test_who_listens_is_no_part_of_what_is_saved(tmp_path):
    X, y = data()
    model = LogisticRegression().set_callbacks(Recording()).fit(X, y)
    fastml.save(model, tmp_path / "model")
    again = fastml.load(tmp_path / "model")
    assert np.array_equal(again.predict(X), model.predict(X))
    assert "_skl_callbacks" not in vars(again)
    assert set(vars(model)) == set(vars(LogisticRegression().fit(X, y))) | {"_skl_callbacks"}


def test_a_search_shows_itself_and_hears_of_shared_candidates():
    X, y = data()
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=3)
    told = listen(search, X, y)
    assert all(shown is search for shown in told.shown)
    assert pickle.loads(pickle.dumps(search.set_callbacks())).best_params_ == search.best_params_


def test_callbacks_of_the_model_hear_of_each_fit_of_a_search():
    X, y = data()
    recording = Recording()
    scaled = LogisticRegression().set_callbacks(recording)
    GridSearchCV(scaled, {"C": [1.0, 2.0]}, cv=3).fit(X, y)
    assert [hook for hook, *_ in recording.heard].count("setup") == 2 * 3 + 1
