"""What the tree estimators share: fit, prune, and what is known of a fitted tree."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, clone
from sklearn.utils import Bunch, column_or_1d
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import RealNotInt, check_array
from fastml.base import Estimator, Interval, StrOptions, check_weight
from fastml.tree import behind, reading, sharing, walking
from fastml.tree.columns import code, from_plain, plain
from fastml.tree.pruning import pruned, reduced_error_leaves, weakest_links
from fastml.tree.training import read_training, settings_of
from fastml.tree.walking import Walker
from fastml_ext import tree as kernels

__all__ = ["TreeEstimator"]

DERIVED = ("_walker", "_walked", "_answers", "_dtypes", "_fast_columns")  # from the tree; the last four in old files


class TreeEstimator(Estimator):
    """A tree grown on a table of numbers, categories and missing values: `tree_`, and a Walker that goes down it.

    A subclass says what its targets are: `_check_target`, `_weigh_classes`, and `_answer` to values of nodes.
    """

    _walker: Walker | None = None  # until it is fitted
    missing_values = "branch"  # of ID3Classifier, and of files written before there was a choice
    _parameter_constraints = {
        "splitter": [StrOptions({"best", "random"})],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_split": [Interval(Integral, 2, None, closed="left"), Interval(RealNotInt, 0, 1, closed="right")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="neither")],
        "min_weight_fraction_leaf": [Interval(Real, 0, 0.5, closed="both")],
        "max_features": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
            StrOptions({"sqrt", "log2"}),
            None,
        ],
        "random_state": ["random_state"],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
        "min_impurity_decrease": [Interval(Real, 0, None, closed="left")],
        "ccp_alpha": [Interval(Real, 0, None, closed="left")],
        "monotonic_cst": ["array-like", None],
        "categorical_features": [StrOptions({"auto"}), "array-like", None],
        "categorical_split": [StrOptions({"multiway", "subset"})],
        "missing_values": [StrOptions({"branch", "fractional"})],
        "unknown": [StrOptions({"node", "error"})],
        "pruning": [StrOptions({"pessimistic"}), None],
        "confidence": [Interval(Real, 0, 0.5, closed="right")],
        "n_jobs": [Integral, None],
    }

    # ------------------------------------------------------------------------------------------------ growing

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, check_input: bool = True) -> Self:
        """Grow the tree.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Numbers of any dtype (NaN where missing), strings, categories and bool (None or NaN where missing). Or, in
            the place of X and y, a table in parts (docs/scale.md): the tree is the same, but that columns of more than
            65,536 distinct values are split between ranges of them, as `n_ranges_` then says.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels, or numbers in regression; one tree answers for all outputs, by splits of the best mean.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative: 2 is as good as having the row twice, 0 as not having it, but for the parameters that
            count samples. None for 1 each.
        check_input : bool, default=True
            Accepted for scikit-learn's sake; input is always checked, which costs one pass.

        Returns
        -------
        self
            The fitted estimator.
        """
        table, target, weight = read_training(self, X, y, sample_weight)
        columns, self.columns_ = code(table, self)
        settings = settings_of(self, target, weight)
        self.max_features_ = settings.max_features or len(columns)
        tree = kernels.grow(columns, target, weight, settings, self.n_jobs)
        self._keep(pruned(tree, self))
        return self

    _weighted_parts = _text_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.tree.in_parts import fit_parts

        fit_parts(self, table)

    def _note_parts(self, parts):
        """Nothing but the columns is remembered."""

    def _weigh_classes(self, target, weight):
        """The weights of the rows with those of their classes; in regression there are none."""
        return weight

    # ------------------------------------------------------------------------------------------------ what it is asked

    apply, decision_path, predict_path = walking.apply, walking.decision_path, walking.predict_path
    _predict, _values, _answers_behind = walking.predicted, walking.node_values, behind.answers_behind
    shared_parameters: tuple[str, ...] = sharing.PARAMETERS
    shared_responses = sharing.shared_responses
    explain, rules, export_text = reading.explain, reading.rules, reading.export_text
    plot_tree, tree_html, to_dot, to_mermaid = reading.plot_tree, reading.tree_html, reading.to_dot, reading.to_mermaid
    to_python, to_sql, to_linear = reading.to_python, reading.to_sql, reading.to_linear
    to_dict, to_json, from_dict = reading.to_dict, reading.to_json, classmethod(reading.estimator_from_dict)

    # ------------------------------------------------------------------------------------------------ state

    def _restore(self, tree, columns, classes=None):
        """Become the fitted estimator of a tree that came from elsewhere."""
        self.columns_, self.n_features_in_ = columns, len(columns)
        if not all(column.name == f"x{j}" for j, column in enumerate(columns)):
            self.feature_names_in_ = np.array([column.name for column in columns], object)
        if classes is not None:
            self.classes_ = np.asarray(classes)
            self.n_classes_ = len(self.classes_)
        self.n_outputs_ = 1
        self._keep(tree)

    def _keep(self, tree):
        """Take a tree, and make ready what prediction needs of it."""
        self.tree_ = tree
        self._walker = Walker(tree, self.columns_, self._answer(tree.value), hasattr(self, "feature_names_in_"))

    def _forget(self):
        for name in ("tree_", "columns_", "n_ranges_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)

    def __getstate__(self):
        state = super().__getstate__()
        state = {name: value for name, value in state.items() if name not in DERIVED}
        if "columns_" in state:
            state["columns_"] = [plain(column) for column in self.columns_]
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "tree_"):
            self.columns_ = [from_plain(*column) for column in self.columns_]
            self._keep(self.tree_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.sparse = True
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.target_tags.multi_output = True
        return tags

    # ------------------------------------------------------------------------------------------------ what is known

    def get_depth(self) -> int:
        """Number of edges from the root to the deepest leaf."""
        check_is_fitted(self)
        return self.tree_.max_depth

    def get_n_leaves(self) -> int:
        """Number of leaves."""
        check_is_fitted(self)
        return self.tree_.n_leaves

    @property
    def feature_importances_(self) -> np.ndarray:
        """(n_features,) share of each column in the total decrease of impurity (Breiman et al. 1984)."""
        check_is_fitted(self)
        return self.tree_.compute_feature_importances()

    # ------------------------------------------------------------------------------------------------ pruning

    def cost_complexity_pruning_path(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Bunch:
        """The effective alphas of pruning, and the total impurity of the leaves at each: Bunch(ccp_alphas, impurities).

        Parameters are those of `fit`; the tree grown is not kept. Breiman, Friedman, Olshen, Stone 1984, section 3.3.
        """
        model = clone(self)
        model.ccp_alpha = 0.0
        path = weakest_links(model.fit(X, y, sample_weight).tree_)[1]
        return Bunch(ccp_alphas=path[:, 0], impurities=path[:, 1])

    def prune(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Prune the fitted tree on held-out data: a node becomes a leaf where that costs no more (Quinlan 1987).

        Parameters
        ----------
        X, y : as for `fit`
            Rows that the tree was not grown on. The cost is the number of errors, in regression the squared error.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights; None for 1 each.

        Returns
        -------
        self
            The estimator with the pruned tree.
        """
        check_is_fitted(self)
        if self.n_outputs_ > 1:
            raise ValueError(f"prune is for one output, but the tree has {self.n_outputs_}: fit a tree for each")
        stops = self.apply(X)
        y = column_or_1d(y, warn=True)
        if len(y) != len(stops):
            raise ValueError(f"X, y and sample_weight have inconsistent numbers of samples: {len(stops)}, {len(y)}")
        if not isinstance(self, ClassifierMixin):
            y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        weight = np.ones(len(y)) if sample_weight is None else check_weight(sample_weight, len(y))
        classes = self.classes_ if isinstance(self, ClassifierMixin) else None
        self._keep(kernels.truncate(self.tree_, reduced_error_leaves(self.tree_, stops, y, weight, classes)))
        return self
