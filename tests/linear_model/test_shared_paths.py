"""Searches along the strength of a penalty: what scikit-learn's search finds with separate fits."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.model_selection
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastml.model_selection
from fastml.linear_model import LogisticRegression, Ridge, SGDClassifier
from fastml.model_selection import GridSearchCV
from fastml.neighbors import KNeighborsClassifier
from fastml.sharing import shared_parameters
from fastml.svm import LinearSVC

LIBRARIES = (fastml.model_selection, sklearn.model_selection)
STRENGTHS = np.geomspace(1e-3, 1e3, 7).tolist()


def both(model, grid, X, y, **options):
    searches = [
        library.GridSearchCV(model, grid, cv=4, return_train_score=True, **options).fit(X, y) for library in LIBRARIES
    ]
    ours, theirs = (search.cv_results_ for search in searches)
    assert set(ours) == set(theirs)
    for name in theirs:
        if "score" in name and "time" not in name and "rank" not in name:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-7, atol=1e-9, err_msg=name)
    assert searches[0].best_params_ == searches[1].best_params_
    return searches[0]


@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize(
    ("model", "scoring"),
    [
        (LogisticRegression(max_iter=200), "accuracy"),
        (LogisticRegression(max_iter=200), "neg_log_loss"),
        (LogisticRegression(solver="saga", l1_ratio=0.5, max_iter=3000, tol=1e-5), "accuracy"),
        (LinearSVC(), "accuracy"),
        (LinearSVC(loss="hinge", tol=1e-3, max_iter=10**5, random_state=0), "accuracy"),
    ],
)
def test_paths_of_C(model, scoring, names):
    X, y = load_iris(return_X_y=True)
    y = np.array(["setosa", "versicolor", "virginica"])[y] if names else y
    slow = (isinstance(model, LinearSVC) and model.loss == "hinge") or (
        isinstance(model, LogisticRegression) and model.l1_ratio
    )
    Cs = STRENGTHS[1:4] if slow else STRENGTHS  # the hinge's dual is flat for large C, and proximal steps are many
    assert both(model, {"C": Cs}, X, y, scoring=scoring).shared_ == len(Cs)


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_path_of_alpha(layout, fit_intercept):
    X, y = load_diabetes(return_X_y=True)
    model = Ridge(fit_intercept=fit_intercept)
    assert both(model, {"alpha": [0.0, *STRENGTHS]}, layout(X), y).shared_ == len(STRENGTHS) + 1


def test_frames_and_pipelines():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    assert both(model, {"logisticregression__C": STRENGTHS}, X, y).shared_ == len(STRENGTHS)
    assert both(LinearSVC(), {"C": STRENGTHS}, X / X.std(), y).shared_ == len(STRENGTHS)


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (Ridge(positive=True), {"alpha": [0.1, 1.0]}),
        (Ridge(), {"alpha": [[0.1], [1.0]]}),
        (LinearSVC(multi_class="crammer_singer", random_state=0), {"C": [0.1, 1.0]}),
        (SGDClassifier(random_state=0, max_iter=5, tol=None), {"alpha": [1e-4, 1e-2]}),
    ],
)
def test_what_cannot_be_shared_is_fitted_one_by_one(model, grid):
    X, y = load_diabetes(return_X_y=True)
    y = y if isinstance(model, Ridge) else (y > 100).astype(int)
    assert both(model, grid, X, y).shared_ == 0


def test_dependent_columns_are_left_to_the_singular_values():
    X, y = load_diabetes(return_X_y=True)
    X = np.column_stack([X, X[:, 0]])
    assert both(Ridge(), {"alpha": [0.0, 1.0]}, X, y).shared_ == 0
    assert both(Ridge(), {"alpha": [0.1, 1.0]}, X, y).shared_ == 2


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_class_that_a_fold_lacks_and_a_failing_candidate():
    X, y = load_iris(return_X_y=True)
    cv = [(np.arange(0, 100), np.arange(100, 150)), (np.arange(50, 150), np.arange(50))]
    search = GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=cv).fit(X, y)
    assert search.shared_ == 0
    with pytest.warns(sklearn.exceptions.FitFailedWarning):
        search = GridSearchCV(LogisticRegression(), {"C": [-1.0, 1.0]}).fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True, False]


def test_what_is_declared():
    assert shared_parameters(LogisticRegression()) == shared_parameters(LinearSVC()) == ("C",)
    assert shared_parameters(LogisticRegression(solver="sgd")) == shared_parameters(SGDClassifier()) == ()
    assert Ridge.shared_to_tolerance
    assert not hasattr(KNeighborsClassifier, "shared_to_tolerance")


def test_a_path_of_the_svm():
    X, y = load_iris(return_X_y=True)
    for loss in ("hinge", "squared_hinge"):
        options = {"loss": loss, "tol": 1e-5, "max_iter": 10**5, "random_state": 0}
        models = LinearSVC(**options).fit_path(X[50:], y[50:], [1.0, 0.1])
        for C, model in zip([1.0, 0.1], models, strict=True):
            alone = LinearSVC(C=C, **options).fit(X[50:], y[50:])
            assert model.C == C
            np.testing.assert_allclose(model.coef_, alone.coef_, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="Cs="):
        LinearSVC().fit_path(X, y, [0.0])
    with pytest.raises(ValueError, match="goes to the optimum"):
        LinearSVC(solver="sgd").fit_path(X, y, [1.0])
