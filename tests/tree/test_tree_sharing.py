"""Searches over trees: the responses from one grown tree are those of separate fits, to the last bit."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import KFold, ParameterGrid, StratifiedKFold

from fastml import model_selection
from fastml.model_selection import GridSearchCV
from fastml.sharing import NotShared
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from datasets import adult, covtype

GRID = {
    "max_depth": [1, 3, None],
    "min_samples_split": [2, 0.2, 11],
    "min_samples_leaf": [1, 4],
    "ccp_alpha": [0.0, 0.01, 0.05],
}
OPTIONS = [
    {},
    {"categorical_split": "subset", "class_weight": "balanced"},
    {"criterion": "gain_ratio", "pruning": "pessimistic"},
    {"max_leaf_nodes": 6},
    {"max_features": 1, "random_state": 3},
    {"splitter": "random", "random_state": 0},
    {"min_impurity_decrease": 0.02, "criterion": "entropy"},
]


def data(n=60, seed=0):
    """Numbers with ties and missing values, and a column of words."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.integers(0, 9, (n, 3)) / 4, columns=list("abc"))
    X.loc[random.random(n) < 0.1, "a"] = np.nan
    X["word"] = random.choice(["x", "y", "z", "zz"], n)
    return X, random.integers(0, 3, n), random.normal(size=n).round(1)


def agree(model, X, y, grid, cv, method="predict"):
    splits, candidates = list(cv.split(X, y)), list(ParameterGrid(grid))
    shared = list(model.shared_responses(X, y, splits, candidates, method))
    assert len(shared) == len(splits)
    for (train, test), responses in zip(splits, shared, strict=True):
        for candidate, response in zip(candidates, responses, strict=True):
            ours, theirs = (X.iloc[rows] if hasattr(X, "iloc") else X[rows] for rows in (train, test))
            alone = clone(model).set_params(**candidate).fit(ours, y[train])
            assert np.array_equal(response, getattr(alone, method)(theirs)), candidate


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_classifier(options, method):
    X, y, _ = data()
    agree(DecisionTreeClassifier(**options), X, y, GRID, StratifiedKFold(2), method)


@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error"])
def test_regressor(criterion):
    X, _, y = data()
    agree(DecisionTreeRegressor(criterion=criterion), X, y, GRID, KFold(2))


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(8, 40),
    options=st.sampled_from(OPTIONS),
    depths=st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True),
    alphas=st.lists(st.sampled_from([0.0, 0.001, 0.02, 0.1, 1.0]), min_size=1, max_size=3, unique=True),
    regress=st.booleans(),
)
@effort(0.625)
def test_any_data(seed, n, options, depths, alphas, regress):
    X, labels, numbers = data(n, seed)
    grid = {"max_depth": depths, "ccp_alpha": alphas, "min_samples_split": [2, 5], "min_samples_leaf": [1, 2]}
    if regress:
        known = DecisionTreeRegressor().get_params()
        options = {name: value for name, value in options.items() if name in known and name != "criterion"}
    model = (DecisionTreeRegressor if regress else DecisionTreeClassifier)(**options)
    agree(model, X, numbers if regress else labels, grid, KFold(2, shuffle=True, random_state=seed % 1000))


def test_search_finds_what_scikit_learns_finds():
    X, labels, numbers = data(90)
    for model, y in ((DecisionTreeClassifier(), labels), (DecisionTreeRegressor(), numbers)):
        found, expected = (
            m.GridSearchCV(model, GRID, cv=4, return_train_score=True).fit(X, y)
            for m in (model_selection, sklearn.model_selection)
        )
        assert found.shared_ == 54
        assert found.best_params_ == expected.best_params_
        for name in ("mean_test_score", "std_test_score", "mean_train_score"):
            assert np.array_equal(found.cv_results_[name], expected.cv_results_[name])
    assert GridSearchCV(ID3Classifier(), {"max_depth": [1, 2, None]}, cv=3).fit(X, labels).shared_ == 3
    packed = sparse.csr_matrix(np.nan_to_num(X[["a", "b"]].to_numpy()))
    assert GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=3).fit(packed, labels).shared_ == 2


def test_what_is_not_shared():
    X, y, _ = data()
    drawn = GridSearchCV(DecisionTreeClassifier(max_features=1), {"max_depth": [1, 2]}, cv=3).fit(X, y)
    assert drawn.shared_ == 0
    with pytest.raises(NotShared, match="apply"):
        next(DecisionTreeClassifier().shared_responses(X, y, [(np.arange(9),) * 2], [{"max_depth": 1}], "apply"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 0, 2]}, cv=3, refit=False).fit(X, y)
    assert any("fits failed" in str(one.message) for one in told)
    assert search.shared_ == 0
    assert np.isfinite(search.cv_results_["mean_test_score"][[0, 2]]).all()


def test_forest_cover_and_people():
    X, y = covtype("50k-7class")
    grid = {"max_depth": [2, 9, None], "ccp_alpha": [0.0, 0.0005]}
    agree(DecisionTreeClassifier(criterion="entropy"), X[::2], y[::2], grid, StratifiedKFold(2))
    X, y = adult()
    agree(DecisionTreeClassifier(), X[:8000], np.asarray(y)[:8000], grid, StratifiedKFold(2))


@pytest.mark.parametrize("scoring", [None, "accuracy", "roc_auc", "neg_mean_squared_error"])
@pytest.mark.parametrize("n_classes", [2, 3, 0])
@pytest.mark.parametrize("Tree", [DecisionTreeClassifier, ID3Classifier, DecisionTreeRegressor])
def test_searches_over_several_outputs_are_scikit_learns(Tree, n_classes, scoring):
    if (n_classes == 0) != (Tree is DecisionTreeRegressor):
        return
    random = np.random.default_rng(0)
    X, y = random.random((60, 3)), random.integers(0, n_classes, (60, 2)) if n_classes else random.random((60, 2))
    found = []
    for search in (model_selection.GridSearchCV, sklearn.model_selection.GridSearchCV):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scores that such targets do not have
            options = {"cv": 3, "scoring": scoring, "return_train_score": True, "refit": False}
            results = search(Tree(), {"max_depth": [1, 2, 3]}, **options).fit(X, y).cv_results_
        found.append([results["mean_test_score"], results["mean_train_score"]])
    assert found[0] == pytest.approx(np.array(found[1]), nan_ok=True)
