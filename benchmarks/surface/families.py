"""The families that the surface is drawn over: fastml's class, scikit-learn's, their settings, what must be equal."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastml_ext import pool

__all__ = ["FAMILIES", "Family"]

WORTH_THREADS = 50_000  # cells from which scikit-learn's n_jobs gains more than starting its threads costs


@dataclass(frozen=True)
class Family:
    """One class of both libraries; `worse(problem, X, y, ours, theirs)` says how fastml's result is worse, or None."""

    module: str
    name: str
    worse: Callable[..., str | None]
    settings: dict[str, list] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)  # for both
    peer_threads: bool = False  # whether scikit-learn's class takes threads by n_jobs, and one without it
    classifies: bool = True
    sparse: bool = True
    kinds: tuple[str, ...] | None = None  # of tables it takes; None: all
    most_rows: int = 200_000
    most_columns: int = 600
    method: str = "predict"  # what is timed beside fit
    judged_rows: int | None = None  # rows on which results are held together; None: all

    def makers(self, problem):
        """(fastml's, scikit-learn's) constructor with the problem's settings, on the same threads where they pay."""
        ours = getattr(importlib.import_module(f"fastml.{self.module}"), self.name)
        theirs = getattr(importlib.import_module(f"sklearn.{self.module}"), self.name)
        given = self.fixed | problem.settings
        threads = {"n_jobs": pool.cpu_limit()} if self.peer_threads and problem.n * problem.d > WORTH_THREADS else {}
        return lambda: ours(**given), lambda: theirs(**given | threads)


def disagrees(least):
    """A check that at least this share of the predictions is the same."""

    def worse(problem, X, y, ours, theirs):
        same = share_equal(problem, ours.predict(X), theirs.predict(X))
        return None if same >= least else f"{same:.3f} of the predictions are the same"

    return worse


def share_equal(problem, a, b):
    """Share of equal predictions; numbers may differ by a thousandth of the largest."""
    return np.mean(a == b) if problem.n_classes else np.mean(np.abs(a - b) <= 1e-3 * (np.abs(b).max() + 1e-12))


def neighbours_further(problem, X, y, ours, theirs):
    """Judges the distances to the neighbours, because of several points at one distance either library may take any;
    and the predictions of the rows for which both took the same."""
    (a, own), (b, other) = ours.kneighbors(X), theirs.kneighbors(X)
    # scikit-learn's squared distances come from products, right to the rounding of the longest row.
    rounding = 4 * np.sqrt(np.finfo(float).eps * np.square(X, dtype=float).sum(axis=1).max())
    near = np.mean(np.all(a <= b.astype(float) * (1 + 1e-5) + rounding, axis=1))
    if near < 1:
        return f"{1 - near:.3f} of the rows have further neighbours"
    alike = (np.sort(own) == np.sort(other)).all(axis=1)
    same = share_equal(problem, ours.predict(X[alike]), theirs.predict(X[alike])) if alike.any() else 1
    return None if same >= 0.98 else f"{same:.3f} of the predictions from the same neighbours are the same"


def scores_less(by):
    """A check that the score on the training rows is at most `by` below scikit-learn's."""

    def worse(problem, X, y, ours, theirs):
        a, b = ours.score(X, y), theirs.score(X, y)
        return None if a >= b - by else f"score {a:.4f} against {b:.4f}"

    return worse


def log_loss(problem, X, y, ours, theirs):
    """The objective of logistic regression: its own tolerance apart, no worse than scikit-learn's."""
    a, b = (logistic_objective(problem, X, y, model) for model in (ours, theirs))
    return None if a <= b * (1 + 1e-3) + 1e-6 else f"objective {a:.6g} against {b:.6g}"


def logistic_objective(problem, X, y, model):
    scores = model.decision_function(X).astype(float)
    if scores.ndim == 1:
        losses = np.logaddexp(0, np.where(y == 1, -scores, scores))
    else:
        top = scores.max(axis=1)
        losses = top + np.log(np.exp(scores - top[:, None]).sum(axis=1)) - scores[np.arange(len(y)), y]
    return problem.settings["C"] * losses.sum() + 0.5 * (model.coef_.astype(float) ** 2).sum()


def hinge_losses(problem, X, y, ours, theirs):
    """The objective of LinearSVC, intercept included."""
    a, b = (svm_objective(problem, X, y, model) for model in (ours, theirs))
    return None if a <= b * (1 + 2e-2) + 1e-6 else f"objective {a:.6g} against {b:.6g}"


def svm_objective(problem, X, y, model):
    scores = np.atleast_2d(model.decision_function(X).T).astype(float)
    signs = (
        np.where(y == 1, 1, -1)[None]
        if len(scores) == 1
        else np.where(y[None] == np.arange(len(scores))[:, None], 1, -1)
    )
    losses = np.maximum(0, 1 - signs * scores)
    losses = losses**2 if problem.settings["loss"] == "squared_hinge" else losses
    return problem.settings["C"] * losses.sum() + 0.5 * (
        (model.coef_**2).sum() + (np.atleast_1d(model.intercept_) ** 2).sum()
    )


COUNTS = "integer", "skewed", "decimals", "sparse"  # nothing below 0
EPOCHS = {"max_iter": 5, "tol": None, "random_state": 0}
FAMILIES = {
    "LinearRegression": Family("linear_model", "LinearRegression", scores_less(1e-3), classifies=False),
    "Ridge": Family("linear_model", "Ridge", scores_less(1e-3), {"alpha": [1e-3, 1.0, 100.0]}, classifies=False),
    "LogisticRegression": Family(
        "linear_model", "LogisticRegression", log_loss, {"C": [0.01, 1.0, 100.0]}, {"max_iter": 1000}, most_rows=60_000
    ),
    "LinearSVC": Family(
        "svm", "LinearSVC", hinge_losses, {"C": [0.01, 1.0], "loss": ["squared_hinge", "hinge"]}, most_rows=20_000
    ),
    "SGDClassifier": Family(
        "linear_model", "SGDClassifier", scores_less(0.1),
        {"loss": ["hinge", "log_loss"], "alpha": [1e-4, 1e-2]}, EPOCHS,
    ),
    "SGDRegressor": Family("linear_model", "SGDRegressor", scores_less(0.1), {}, EPOCHS, classifies=False),
    "Perceptron": Family("linear_model", "Perceptron", scores_less(0.15), {}, EPOCHS),
    "KNeighborsClassifier": Family(
        "neighbors", "KNeighborsClassifier", neighbours_further,
        {"n_neighbors": [1, 5, 15, 50], "weights": ["uniform", "distance"]}, peer_threads=True, sparse=False,
        judged_rows=5000,
    ),
    "KNeighborsRegressor": Family(
        "neighbors", "KNeighborsRegressor", neighbours_further, {"n_neighbors": [1, 5, 15]}, peer_threads=True,
        classifies=False, sparse=False, judged_rows=5000,
    ),
    "DecisionTreeClassifier": Family(
        "tree", "DecisionTreeClassifier", scores_less(0.02),
        {"max_depth": [None, 4, 10], "criterion": ["gini", "entropy"]}, {"random_state": 0}, most_rows=60_000,
    ),
    "DecisionTreeRegressor": Family(
        "tree", "DecisionTreeRegressor", scores_less(0.02), {"max_depth": [None, 4, 10]}, {"random_state": 0},
        classifies=False, most_rows=60_000,
    ),
    "GaussianNB": Family("naive_bayes", "GaussianNB", disagrees(0.98), sparse=False),
    "BernoulliNB": Family("naive_bayes", "BernoulliNB", disagrees(0.98)),
    "MultinomialNB": Family("naive_bayes", "MultinomialNB", disagrees(0.98), kinds=COUNTS),
    "ComplementNB": Family("naive_bayes", "ComplementNB", disagrees(0.98), kinds=COUNTS),
    "CategoricalNB": Family("naive_bayes", "CategoricalNB", disagrees(0.98), kinds=("integer",)),
    "MLPClassifier": Family(
        "neural_network", "MLPClassifier", scores_less(0.15), {"hidden_layer_sizes": [(10,), (100,), (32, 16)]},
        {"max_iter": 5, "random_state": 0}, sparse=False, most_rows=20_000,
    ),
    "MLPRegressor": Family(
        "neural_network", "MLPRegressor", scores_less(1.0), {"hidden_layer_sizes": [(10,), (100,)]},
        {"max_iter": 5, "random_state": 0}, classifies=False, sparse=False, most_rows=20_000,
    ),
}  # fmt: skip
