"""The tree estimators."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import column_or_1d

from fastml.base import StrOptions, code_small_integers, encode_labels
from fastml.class_weight import class_factors, row_weights
from fastml.tree.base import TreeEstimator
from fastml.tree.training import refuse_signs
from fastml.warning import warn_of_future
from fastml_ext import tree as kernels

__all__ = ["DecisionTreeClassifier", "DecisionTreeRegressor", "ID3Classifier"]


def labels(y):
    """As encode_labels, but that whole numbers are coded as columns are: without sorting them."""
    if type(y) is not np.ndarray or y.ndim != 1:
        y = column_or_1d(y, warn=True)
    if y.dtype.kind not in "iu" or not y.dtype.isnative:
        return encode_labels(y)
    if len(y) and (coded := code_small_integers(y)) is not None:
        return coded
    return kernels.encode(y[:, None])[0]


class TreeClassifier(ClassifierMixin, TreeEstimator):
    """What the classifying trees share."""

    classes_: Any
    n_classes_: Any

    def _check_target(self, y):
        if y.ndim == 2 and y.shape[1] > 1:
            parts = [labels(column) for column in y.T]
            self.classes_ = [classes for classes, _ in parts]
            self.n_classes_, self.n_outputs_ = [len(classes) for classes in self.classes_], len(parts)
            return np.stack([codes for _, codes in parts], axis=1)
        self.classes_, codes = labels(y)
        self.n_classes_, self.n_outputs_ = len(self.classes_), 1
        return codes

    def _weigh_classes(self, target, weight):
        if self.class_weight is None:
            return weight
        if self.n_outputs_ == 1:
            if isinstance(self.class_weight, list):
                raise ValueError("class_weight is a list, which is for several outputs: pass a dict or 'balanced'")
            return row_weights(self.class_weight, self.classes_, target, weight)
        each = self.class_weight
        if isinstance(each, dict):
            raise ValueError("For multi-output, class_weight should be a list of dicts, or the string 'balanced'.")
        if isinstance(each, list) and len(each) != self.n_outputs_:
            raise ValueError(
                "For multi-output, number of elements in class_weight should match number of outputs. Got"
                f" {len(each)} element(s) while having {self.n_outputs_} outputs"
            )
        total = np.ones(len(target)) if weight is None else weight
        for q, classes in enumerate(self.classes_):
            factors = each[q] if isinstance(each, list) else each
            total = total * class_factors(factors, classes, target[:, q], weight)[target[:, q]]
        return total

    def _answer(self, value):
        """Labels of (n, n_outputs, n_classes) shares."""
        codes = value.argmax(axis=2)
        if self.n_outputs_ == 1:
            return self.classes_[codes[:, 0]]
        return np.stack([classes[codes[:, q]] for q, classes in enumerate(self.classes_)], axis=1)

    def predict(self, X: Any, check_input: bool = True) -> np.ndarray:
        """Labels of the rows of X: the most frequent of the node's, of equals the lowest.

        (n_samples,), or (n_samples, n_outputs) of several outputs.
        """
        return self._predict(X)

    def predict_proba(self, X: Any, check_input: bool = True) -> np.ndarray | list[np.ndarray]:
        """Share of each of `classes_` in the node at which each row of X stops: (n_samples, n_classes), float64.

        Of several outputs a list of these.
        """
        value = self._values(X)
        if self.n_outputs_ == 1:
            return value[:, 0]
        return [value[:, q, :n] for q, n in enumerate(self.n_classes_)]

    def predict_log_proba(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """Logarithm of `predict_proba`; -inf for a class that the node does not have."""
        shares = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(shares) if self.n_outputs_ == 1 else [np.log(share) for share in shares]


class DecisionTreeClassifier(TreeClassifier):
    """A classification tree on numbers, categories and missing values, exact in the dtype of each column.

    Of equally good splits the one of the lowest column is taken, then the lowest threshold: without `splitter="random"`
    and `max_features` nothing is random.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss", "gain_ratio"}, default="gini"
        What a split has to decrease: the Gini impurity, or the entropy in bits ("log_loss" is the same). "gain_ratio"
        divides the entropy gained by that of the split itself, among the columns that gain at least the average.
    splitter : {"best", "random"}, default="best"
        The best threshold of each column, or one drawn uniformly; categories are always split best.
    max_depth : int, default=None
        Greatest number of tests on a path; None for no limit.
    min_samples_split : int or float, default=2
        Least number of rows in a node that is split, or their share of all rows.
    min_samples_leaf : int or float, default=1
        Least number of rows in every branch, or their share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Least share of the total weight in every branch.
    max_features : int, float, {"sqrt", "log2"} or None, default=None
        Number, or share, of the columns that are looked at in each node, drawn anew from those that vary in it.
    random_state : int, RandomState instance or None, default=None
        Seed of whatever is drawn.
    max_leaf_nodes : int, default=None
        Greatest number of leaves; the tree is then grown best split first. Its nodes are numbered depth first as ever,
        where scikit-learn numbers them in the order in which they are split.
    min_impurity_decrease : float, default=0.0
        Least decrease of impurity, times the node's share of the weight, that a split must give.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes.
    ccp_alpha : float, default=0.0
        Cost-complexity pruning: nodes whose effective alpha is at most this become leaves.
    monotonic_cst : array-like of int of shape (n_features,), default=None
        1 where the probability of the second class may only rise with the column, -1 where only fall, 0 elsewhere.
    categorical_features : "auto", array-like or None, default="auto"
        Columns taken as categories: "auto" for strings, bool, and pandas' and polars' categories; or a mask, names,
        indices; None for no column.
    categorical_split : {"multiway", "subset"}, default="multiway"
        A branch for each category, as ID3 has it; or two, each for a set of categories: the best of all groupings with
        two classes or at most 10 categories, else the best of those that order the categories by the share of one
        class. Ordered categories are split by a threshold.
    missing_values : {"branch", "fractional"}, default="branch"
        "branch": a missing number goes to the side where such rows gain more, a missing category is a category.
        "fractional", as C4.5 has it: a row whose value is missing goes down every branch with a share of its weight, in
        training and in prediction, where the branches' answers are averaged; min_samples_split and min_samples_leaf
        then count shares of rows. Not with max_leaf_nodes, monotonic_cst, criterion="absolute_error", several outputs.
    unknown : {"node", "error"}, default="node"
        What becomes of a row with a category that did not occur in a node: it stops there and gets the node's own
        answer; "error" refuses categories that were not fitted at all.
    pruning : {"pessimistic", None}, default=None
        C4.5's pruning by the upper confidence limit of each leaf's error.
    confidence : float, default=0.25
        Confidence level of pessimistic pruning: the smaller, the more is pruned.
    n_jobs : int, default=None
        Threads: None for every processor this process may use; the tree does not depend on it.

    Attributes
    ----------
    tree_ : fastml_ext.tree.Tree
        The tree as arrays, with scikit-learn's names.
    columns_ : list of fastml_ext.tree.Column
        Name, kind of split, dtype and categories of each column.
    n_ranges_ : ndarray of shape (n_features,)
        After a fit on a table in parts: how many ranges of values of a column were told apart, 0 where every value was.
    classes_, n_classes_, n_outputs_, max_features_, feature_importances_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    L. Breiman, J. Friedman, R. Olshen, C. Stone, Classification and Regression Trees (1984); J. R. Quinlan, Induction
    of decision trees, Machine Learning 1 (1986); J. R. Quinlan, C4.5 (1993). Missing numbers go to the side where they
    gain more; where none was met in training, to the side with more rows.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier
    >>> model = DecisionTreeClassifier().fit([["red", 1.5], ["red", 3.0], ["blue", 2.0]], ["no", "yes", "no"])
    >>> model.predict([["red", 2.9], ["blue", 9.0], ["green", 0.0]])
    array(['yes', 'yes', 'no'], dtype='<U3')
    """

    _parameter_constraints = TreeEstimator._parameter_constraints | {
        "criterion": [StrOptions({"gini", "entropy", "log_loss", "gain_ratio"})],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        criterion: str = "gini",
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
        random_state: int | np.random.RandomState | None = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        class_weight: Any = None,
        ccp_alpha: float = 0.0,
        monotonic_cst: ArrayLike | None = None,
        categorical_features: Any = "auto",
        categorical_split: str = "multiway",
        missing_values: str = "branch",
        unknown: str = "node",
        pruning: str | None = None,
        confidence: float = 0.25,
        n_jobs: int | None = None,
    ) -> None:
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.class_weight = class_weight
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.categorical_features = categorical_features
        self.categorical_split = categorical_split
        self.missing_values = missing_values
        self.unknown = unknown
        self.pruning = pruning
        self.confidence = confidence
        self.n_jobs = n_jobs


class ID3Classifier(TreeClassifier):
    """Quinlan's ID3: entropy, a branch for every value of an attribute, which is then used up.

    Numbers are split by the threshold of the highest gain. A value that did not occur in a node gets the node's most
    frequent label; where no attribute is left, so does everything, the lowest of equally frequent labels.

    Parameters
    ----------
    max_depth : int, default=None
        Greatest number of tests on a path; None for no limit.
    categorical_features : "auto", array-like or None, default="auto"
        Columns taken as categories: "auto" for strings, bool, and pandas' and polars' categories; or a mask, names,
        indices; None for no column.
    unknown : {"node", "error"}, default="node"
        What becomes of a row with a category that did not occur in a node: it stops there and gets the node's own
        answer; "error" refuses categories that were not fitted at all.
    n_jobs : int, default=None
        Threads: None for every processor this process may use; the tree does not depend on it.

    Attributes
    ----------
    tree_, columns_, classes_, n_classes_, n_outputs_, feature_importances_, n_features_in_, feature_names_in_
        As for DecisionTreeClassifier.

    Notes
    -----
    J. R. Quinlan, Induction of decision trees, Machine Learning 1 (1986), section 4. An impure node is split even where
    no attribute gains anything, as the exclusive or of two attributes needs.

    Examples
    --------
    >>> from fastml.tree import ID3Classifier
    >>> model = ID3Classifier().fit([["sunny", "weak"], ["rain", "weak"], ["rain", "strong"]], ["no", "yes", "no"])
    >>> model.predict([["rain", "weak"], ["sunny", "strong"]])
    array(['yes', 'no'], dtype='<U3')
    """

    _parameter_constraints = {
        name: TreeEstimator._parameter_constraints[name]
        for name in ("max_depth", "categorical_features", "unknown", "n_jobs")
    }
    shared_parameters = ("max_depth",)
    criterion, splitter, categorical_split, pruning, confidence = "entropy", "best", "multiway", None, 0.25
    min_samples_split, min_samples_leaf, min_weight_fraction_leaf, min_impurity_decrease = 2, 1, 0.0, 0.0
    max_features = random_state = max_leaf_nodes = class_weight = monotonic_cst = None
    ccp_alpha = 0.0

    def __init__(
        self,
        *,
        max_depth: int | None = None,
        categorical_features: Any = "auto",
        unknown: str = "node",
        n_jobs: int | None = None,
    ) -> None:
        self.max_depth = max_depth
        self.categorical_features = categorical_features
        self.unknown = unknown
        self.n_jobs = n_jobs


class DecisionTreeRegressor(RegressorMixin, TreeEstimator):
    """A regression tree on numbers, categories and missing values, exact in the dtype of each column.

    Of equally good splits the one of the lowest column is taken, then the lowest threshold: without `splitter="random"`
    and `max_features` nothing is random.

    Parameters
    ----------
    criterion : {"squared_error", "friedman_mse", "absolute_error", "poisson"}, default="squared_error"
        What a split has to decrease: the variance ("friedman_mse" is its older name), the mean absolute deviation from
        the median, or half the mean Poisson deviance.
    splitter : {"best", "random"}, default="best"
        The best threshold of each column, or one drawn uniformly; categories are always split best.
    max_depth : int, default=None
        Greatest number of tests on a path; None for no limit.
    min_samples_split : int or float, default=2
        Least number of rows in a node that is split, or their share of all rows.
    min_samples_leaf : int or float, default=1
        Least number of rows in every branch, or their share of all rows.
    min_weight_fraction_leaf : float, default=0.0
        Least share of the total weight in every branch.
    max_features : int, float, {"sqrt", "log2"} or None, default=None
        Number, or share, of the columns that are looked at in each node, drawn anew from those that vary in it.
    random_state : int, RandomState instance or None, default=None
        Seed of whatever is drawn.
    max_leaf_nodes : int, default=None
        Greatest number of leaves; the tree is then grown best split first. Its nodes are numbered depth first as ever,
        where scikit-learn numbers them in the order in which they are split.
    min_impurity_decrease : float, default=0.0
        Least decrease of impurity, times the node's share of the weight, that a split must give.
    ccp_alpha : float, default=0.0
        Cost-complexity pruning: nodes whose effective alpha is at most this become leaves.
    monotonic_cst : array-like of int of shape (n_features,), default=None
        1 where the prediction may only rise with the column, -1 where only fall, 0 elsewhere.
    categorical_features : "auto", array-like or None, default="auto"
        Columns taken as categories: "auto" for strings, bool, and pandas' and polars' categories; or a mask, names,
        indices; None for no column.
    categorical_split : {"multiway", "subset"}, default="multiway"
        A branch for each category; or two, each for a set of categories: categories are ordered by what they predict
        and cut, which is exact for means and a heuristic for medians. Ordered categories are split by a threshold.
    missing_values : {"branch", "fractional"}, default="branch"
        "branch": a missing number goes to the side where such rows gain more, a missing category is a category.
        "fractional", as C4.5 has it: a row whose value is missing goes down every branch with a share of its weight, in
        training and in prediction, where the branches' answers are averaged; min_samples_split and min_samples_leaf
        then count shares of rows. Not with max_leaf_nodes, monotonic_cst, criterion="absolute_error", several outputs.
    unknown : {"node", "error"}, default="node"
        What becomes of a row with a category that did not occur in a node: it stops there and gets the node's own
        answer; "error" refuses categories that were not fitted at all.
    n_jobs : int, default=None
        Threads: None for every processor this process may use; the tree does not depend on it.

    Attributes
    ----------
    tree_ : fastml_ext.tree.Tree
        The tree as arrays, with scikit-learn's names.
    columns_ : list of fastml_ext.tree.Column
        Name, kind of split, dtype and categories of each column.
    n_ranges_ : ndarray of shape (n_features,)
        After a fit on a table in parts: how many ranges of values of a column were told apart, 0 where every value was.
    n_outputs_, max_features_, feature_importances_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    L. Breiman, J. Friedman, R. Olshen, C. Stone, Classification and Regression Trees (1984). Missing numbers go to the
    side where they gain more; where none was met in training, to the side with more rows.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeRegressor
    >>> model = DecisionTreeRegressor(max_depth=1).fit([[1], [2], [3], [4]], [10.0, 12.0, 20.0, 22.0])
    >>> model.predict([[0], [9]])
    array([11., 21.])
    """

    _parameter_constraints = {
        name: constraint
        for name, constraint in TreeEstimator._parameter_constraints.items()
        if name not in ("pruning", "confidence")
    } | {"criterion": [StrOptions({"squared_error", "friedman_mse", "absolute_error", "poisson"})]}
    pruning = None

    def __init__(
        self,
        *,
        criterion: str = "squared_error",
        splitter: str = "best",
        max_depth: int | None = None,
        min_samples_split: float = 2,
        min_samples_leaf: float = 1,
        min_weight_fraction_leaf: float = 0.0,
        max_features: Any = None,
        random_state: int | np.random.RandomState | None = None,
        max_leaf_nodes: int | None = None,
        min_impurity_decrease: float = 0.0,
        ccp_alpha: float = 0.0,
        monotonic_cst: ArrayLike | None = None,
        categorical_features: Any = "auto",
        categorical_split: str = "multiway",
        missing_values: str = "branch",
        unknown: str = "node",
        n_jobs: int | None = None,
    ) -> None:
        if isinstance(criterion, str) and criterion == "friedman_mse":
            criterion = "squared_error"
            warn_of_future(
                'Value `"friedman_mse"` for `criterion` is deprecated and will be removed in 1.11. It maps to'
                ' `"squared_error"` as both were always equivalent. Use `criterion="squared_error"` to remove this'
                " warning."
            )
        self.criterion = criterion
        self.splitter = splitter
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.min_weight_fraction_leaf = min_weight_fraction_leaf
        self.max_features = max_features
        self.random_state = random_state
        self.max_leaf_nodes = max_leaf_nodes
        self.min_impurity_decrease = min_impurity_decrease
        self.ccp_alpha = ccp_alpha
        self.monotonic_cst = monotonic_cst
        self.categorical_features = categorical_features
        self.categorical_split = categorical_split
        self.missing_values = missing_values
        self.unknown = unknown
        self.n_jobs = n_jobs

    def _check_target(self, y):
        y = np.asarray(y, np.float64)
        self.n_outputs_ = y.shape[1] if y.ndim == 2 else 1
        if self.criterion == "poisson":
            refuse_signs(y)
        return y

    def _answer(self, value):
        return value[:, 0, 0].copy() if self.n_outputs_ == 1 else value[:, :, 0].copy()

    def predict(self, X: Any, check_input: bool = True) -> np.ndarray:
        """Predictions for the rows of X, float64: the mean, or median, of the node they stop at.

        (n_samples,), or (n_samples, n_outputs) of several outputs.
        """
        return self._predict(X)
