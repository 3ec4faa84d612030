"""The one list of models that `fastml demo` and `fastml compare` show. A family joins by adding its lines to MODELS."""

import importlib
from typing import Any, NamedTuple

__all__ = ["CLASSIFICATION", "MODELS", "REGRESSION", "Model", "load"]

CLASSIFICATION, REGRESSION = "classification", "regression"


MANY_ROWS = 5000


class Model(NamedTuple):
    """One row of the comparison."""

    path: str  # module and class below `fastml`, and by default below `sklearn`: "neighbors.KNeighborsClassifier"
    task: str  # CLASSIFICATION or REGRESSION
    settings: dict[str, Any] = {}
    # What the model is given, a key of encoder.INPUTS: "filled", "scaled", "unit", "binned", or, for what takes
    # missing values and text columns as they are, "native".
    input: str = "filled"
    name: str = ""  # in the table; the class's name where empty
    peer: str | None = "same"  # the class below `sklearn`; None where scikit-learn has no such model
    grid: dict[str, list] = {}  # what `--tune` chooses from
    only_mixed: bool = False  # shown only where the table has texts or missing values
    demanding: bool = False  # refuses tables such as those with fewer rows of a class than columns: no failure of it
    large: dict[str, Any] = {}  # settings on more than MANY_ROWS rows, for what would else take minutes

    def settings_for(self, n):
        """The settings on n training rows."""
        return self.settings | self.large if n > MANY_ROWS else self.settings

    @property
    def title(self):
        return self.name or self.path.rpartition(".")[2]


AS_IT_IS = "tree on texts as they are"
STRENGTHS = [10.0**power for power in range(-3, 4)]
DEPTHS = {"max_depth": [2, 3, 4, 6, 8, 12, None]}
NEIGHBORS: dict[str, list] = {"n_neighbors": [1, 2, 3, 5, 7, 10, 15, 25], "weights": ["uniform", "distance"]}
SMOOTHED = {"alpha": [0.01, 0.1, 1.0, 10.0]}
FEW_EPOCHS = {"max_iter": 30, "early_stopping": True, "n_iter_no_change": 3}
DECAYED = {"alpha": [1e-4, 1e-2, 1.0]}
STEPPED = {"alpha": [10.0**power for power in range(-6, 0)]}

MODELS = [
    Model("neighbors.KNeighborsClassifier", CLASSIFICATION, input="scaled", grid=NEIGHBORS),
    Model("neighbors.KNeighborsRegressor", REGRESSION, input="scaled", grid=NEIGHBORS),
    Model("tree.DecisionTreeClassifier", CLASSIFICATION, {"random_state": 0}, grid=DEPTHS),
    Model("tree.DecisionTreeRegressor", REGRESSION, {"random_state": 0}, grid=DEPTHS),
    Model("tree.DecisionTreeClassifier", CLASSIFICATION, {}, "native", AS_IT_IS, None, DEPTHS, only_mixed=True),
    Model("tree.DecisionTreeRegressor", REGRESSION, {}, "native", AS_IT_IS, None, DEPTHS, only_mixed=True),
    Model("tree.ID3Classifier", CLASSIFICATION, input="native", peer=None, grid=DEPTHS),
    Model("linear_model.LogisticRegression", CLASSIFICATION, input="scaled", grid={"C": STRENGTHS}),
    Model("linear_model.Perceptron", CLASSIFICATION, {"random_state": 0}, input="scaled"),
    Model("linear_model.SGDClassifier", CLASSIFICATION, {"random_state": 0}, input="scaled", grid=STEPPED),
    Model("linear_model.LinearRegression", REGRESSION),
    Model("linear_model.Ridge", REGRESSION, input="scaled", grid={"alpha": STRENGTHS}),
    Model("linear_model.SGDRegressor", REGRESSION, {"random_state": 0}, input="scaled", grid=STEPPED),
    Model("svm.LinearSVC", CLASSIFICATION, {"random_state": 0}, input="scaled", grid={"C": STRENGTHS}),
    Model("discriminant_analysis.LinearDiscriminantAnalysis", CLASSIFICATION, input="scaled", demanding=True),
    Model(
        "discriminant_analysis.QuadraticDiscriminantAnalysis",
        CLASSIFICATION,
        {"reg_param": 0.01},  # texts one-hot, and few rows of a class, leave no full covariance
        input="scaled",
        grid={"reg_param": [0.001, 0.01, 0.1, 0.5]},
        demanding=True,
    ),
    Model("naive_bayes.GaussianNB", CLASSIFICATION, grid={"var_smoothing": [1e-9, 1e-6, 1e-3, 1e-1]}),
    Model("naive_bayes.BernoulliNB", CLASSIFICATION, {"binarize": 0.5}, input="unit", grid=SMOOTHED),
    Model("naive_bayes.MultinomialNB", CLASSIFICATION, input="unit", grid=SMOOTHED),
    Model("naive_bayes.ComplementNB", CLASSIFICATION, input="unit", grid=SMOOTHED),
    Model("naive_bayes.CategoricalNB", CLASSIFICATION, {"min_categories": 10}, input="binned", grid=SMOOTHED),
    Model("naive_bayes.MixedNB", CLASSIFICATION, input="native", peer=None, grid=SMOOTHED),
    Model(
        "neural_network.MLPClassifier",
        CLASSIFICATION,
        {"random_state": 0},
        input="scaled",
        grid=DECAYED,
        large=FEW_EPOCHS,
    ),
    Model(
        "neural_network.MLPRegressor", REGRESSION, {"random_state": 0}, input="scaled", grid=DECAYED, large=FEW_EPOCHS
    ),
]


def load(model):
    """(fastml's class, scikit-learn's class or None) of a row."""
    peer = model.path if model.peer == "same" else model.peer
    return find("fastml", model.path), None if peer is None else find("sklearn", peer)


def find(package, path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"{package}.{module}"), name)
