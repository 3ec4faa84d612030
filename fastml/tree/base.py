"""What the tree estimators share: reading tables, growing, pruning, walking down."""

from itertools import pairwise
from math import ceil
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import ClassifierMixin, clone
from sklearn.utils import Bunch, check_array, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import RealNotInt
from fastml.base import Estimator, Interval, StrOptions, check_weight
from fastml.table import coded, is_categorical, numeric, read
from fastml.tree import walking
from fastml.tree.pruning import pessimistic_leaves, reduced_error_leaves, weakest_links
from fastml.tree.reading import TreeReading
from fastml.tree.sharing import SharedGrowth
from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column, Settings

__all__ = ["TreeEstimator"]

UNPACKED = 2**20  # cells of a sparse X unpacked at a time to be coded; so many, or those of 8 bytes X, are all coded
SPARSE = 16  # a column with fewer entries than rows / SPARSE is coded as it is stored
LARGEST = 2**62  # of whole-number parameters: more never makes a difference
DERIVED = ("_walked", "_answers", "_dtypes", "_fast_columns")  # from the tree, whenever it is read


class TreeEstimator(SharedGrowth, TreeReading, Estimator):
    """A tree grown on a table of numbers, categories and missing values."""

    _fast_columns = -1  # until it is fitted
    apply, decision_path, predict_path = walking.apply, walking.decision_path, walking.predict_path
    _predict, _values = walking.predicted, walking.node_values
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
            Numbers of any dtype (NaN where missing), strings, categories and bool (None or NaN where missing).
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
        table, target, weight = self._check_training(X, y, sample_weight)
        self._grow_tree(self._code(table), target, weight, self._settings(target, weight, self))
        if self.pruning == "pessimistic":
            self._make_leaves(pessimistic_leaves(self.tree_, self.confidence))
        if self.ccp_alpha > 0:
            self._make_leaves(weakest_links(self.tree_)[0] <= self.ccp_alpha)
        return self

    def _check_training(self, X, y, sample_weight):
        """(table, class codes or numbers, weights or None), checked."""
        self._validate_params()
        self._forget()
        options = {} if isinstance(self, ClassifierMixin) else {"y_numeric": True}
        if sparse.issparse(y):
            raise TypeError("Sparse data was passed for y, but dense data is required: pass y.toarray()")
        shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
        options |= {"multi_output": True} if len(shape) == 2 and shape[1] > 1 else {}
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        with np.errstate(over="ignore", invalid="ignore"):  # sums that ask whether all of y is finite
            table, y = read(self, X, y, reset=True, text=True, **options)
        target = self._check_target(y)
        self._check_options()
        weight = None
        if sample_weight is not None:
            weight = check_weight(sample_weight, len(y))
        with np.errstate(over="ignore", invalid="ignore"):
            weight = self._weigh_classes(target, weight)
            total = 1 if weight is None else weight.sum()
        if total == 0:
            raise ValueError("sample_weight is 0 for every row: no row is left to grow a tree on")
        if not np.isfinite(total):
            raise ValueError("sample_weight, with class_weight, adds up to more than float64 holds: divide it")
        return table, target, weight

    def _weigh_classes(self, target, weight):
        """The weights of the rows with those of their classes; in regression there are none."""
        return weight

    def _check_options(self):
        """Refuse what does not go together."""
        fractional = self.missing_values == "fractional"
        if self.monotonic_cst is not None and self.n_outputs_ > 1:
            raise ValueError(
                "Monotonicity constraints are not supported with multiple outputs: monotonic_cst is for one output, but"
                f" y has {self.n_outputs_}: fit a tree for each"
            )
        for name, given in (
            ("criterion='absolute_error'", self.criterion == "absolute_error"),
            ("monotonic_cst", self.monotonic_cst is not None),
            ("max_leaf_nodes", self.max_leaf_nodes is not None),
        ):
            if given and fractional:
                raise ValueError(f"missing_values='fractional' does not go with {name}: take missing_values='branch'")
        if self.n_outputs_ > 1 and (fractional or self.pruning == "pessimistic"):
            name = "missing_values='fractional'" if fractional else "pruning='pessimistic'"
            raise ValueError(f"{name} is for one output, but y has {self.n_outputs_}: fit a tree for each")

    def _code(self, table):
        """The columns as growing sees them; `columns_` are their names and categories."""
        plain = type(self.categorical_features) is str and self.monotonic_cst is None
        if plain and kernels.Numbers.fits(table.numbers):
            return self._code_numbers(table)
        categorical = is_categorical(table, self.categorical_features, table.names)
        monotonic = self._check_monotonic(table, categorical)
        self.columns_, columns = [], []
        numbers = iter(self._encode(table, np.flatnonzero(~categorical)))
        for j, name in enumerate(table.names):
            if categorical[j]:
                column, codes = coded(table.column(j), name, self.categorical_split)
                columns.append(Coded(codes, np.arange(len(column.categories)), column.split, 0))
            else:
                values, codes, *stored = next(numbers)
                column = numeric(name, values, codes, table.complete)
                columns.append(Coded(codes, values, "numeric", int(monotonic[j]), *stored))
            self.columns_.append(column)
        return columns

    def _code_numbers(self, table):
        """As _code, of a small table of floats."""
        numbers = kernels.Numbers(self._for_numbers(table.numbers), self.n_jobs)
        self.columns_ = [
            Column(name, "numeric", numbers.dtype, None, missing, spread)
            for name, missing, spread in zip(
                table.names, numbers.missing.view(bool).tolist(), numbers.spread.tolist(), strict=True
            )
        ]
        return numbers

    def _for_numbers(self, X):
        if type(X) is np.ndarray:
            return X
        if X.nnz * SPARSE >= X.shape[0] * X.shape[1]:
            return X.toarray(order="F")
        X = canonical(X)
        return X.data, X.indices.astype(np.uint32, copy=False), X.indptr.astype(np.int64), X.shape[0]

    def _grow_tree(self, columns, target, weight, settings):
        """The whole tree, before anything is pruned."""
        self.max_features_ = settings.max_features or len(columns)
        self.tree_ = kernels.grow(columns, target, weight, settings, self.n_jobs)
        self._ready()

    def _encode(self, table, chosen):
        """(values, codes) of the columns `chosen`, one after the other; of sparse ones with their rows and the rest."""
        if table.columns is not None:
            for j in chosen:
                yield kernels.encode(table.columns[j][:, None], self.n_jobs)[0]
        elif sparse.issparse(table.numbers):
            yield from self._encode_sparse(table.numbers, chosen)
        else:
            whole = len(chosen) == table.n_columns
            yield from kernels.encode(table.numbers if whole else table.numbers[:, chosen], self.n_jobs)

    def _encode_sparse(self, X, chosen):
        """Dense codes of one byte or more a cell, where they take no more than X does, or the column is well filled."""
        packed = canonical(X)
        n, d = packed.shape
        filled = np.diff(packed.indptr)
        full = filled * SPARSE >= n if n * d > max(UNPACKED, 8 * packed.nnz) else np.ones(d, bool)
        step = max(1, UNPACKED // n)
        for begin in range(0, len(chosen), step):
            part = chosen[begin : begin + step]
            dense = iter(kernels.encode(packed[:, part[full[part]]].toarray(order="F"), self.n_jobs))
            rows = packed[:, part[~full[part]]]
            sparse_ones = iter(
                zip(
                    kernels.encode_sparse(rows.data, rows.indptr, self.n_jobs),
                    pairwise(rows.indptr.tolist()),
                    strict=True,
                )
            )
            for j in part:
                if full[j]:
                    yield next(dense)
                else:
                    (values, codes, rest), (first, last) = next(sparse_ones)
                    if first == last:  # nothing is stored: let one row say so
                        yield values, np.zeros(1, np.uint8), np.zeros(1, np.uint32), rest
                    else:
                        yield values, codes, rows.indices[first:last].astype(np.uint32), rest

    def _check_monotonic(self, table, categorical):
        if self.monotonic_cst is None:
            return np.zeros(table.n_columns, int)
        signs = np.asarray(self.monotonic_cst)
        if signs.shape != (table.n_columns,):
            shape = signs.shape[0] if signs.ndim == 1 else signs.shape
            raise ValueError(f"monotonic_cst has shape {shape} but the input data X has {table.n_columns} features.")
        if signs.dtype.kind not in "iuf" or not np.isin(signs, (-1, 0, 1)).all():
            raise ValueError(f"monotonic_cst must be None or an array-like of -1, 0 or 1. Got {signs}")
        if isinstance(self, ClassifierMixin) and len(self.classes_) > 2:
            raise ValueError("Monotonicity constraints are not supported with multiclass classification")
        if (categorical & (signs != 0)).any():
            j = int(np.flatnonzero(categorical & (signs != 0))[0])
            raise ValueError(f"monotonic_cst[{j}]={signs[j]}, but column {table.names[j]!r} holds categories")
        return signs

    def _draws(self):
        """Whether growing draws anything at random."""
        return (
            self.splitter == "random"
            or _number_of_features(self.max_features, self.n_features_in_) < self.n_features_in_
        )

    def _settings(self, target, weight, fitted):
        """The rules of growing for this target; fitted: the estimator that has read the table."""
        n, d = len(target), fitted.n_features_in_
        total = n if weight is None else weight.sum()
        n_classes = fitted.n_classes_ if isinstance(self, ClassifierMixin) else 0
        leaf, split = self.min_samples_leaf, self.min_samples_split
        leaf = min(int(leaf), n + 1) if isinstance(leaf, Integral) else ceil(leaf * n)
        split = min(int(split), LARGEST) if isinstance(split, Integral) else max(2, ceil(float(split) * n))
        max_features = _number_of_features(self.max_features, d)
        return Settings(
            criterion=self.criterion,
            n_classes=n_classes if isinstance(n_classes, int) else max(n_classes),
            random=self.splitter == "random",
            max_depth=LARGEST if self.max_depth is None else min(int(self.max_depth), LARGEST),
            min_samples_split=max(int(split), 2 * int(leaf)),
            min_samples_leaf=leaf,
            min_weight_leaf=self.min_weight_fraction_leaf * total,
            max_features=max_features if max_features < d else 0,
            min_impurity_decrease=self.min_impurity_decrease,
            max_leaf_nodes=min(self.max_leaf_nodes or 0, LARGEST),
            fractional=self.missing_values == "fractional",
            seed=int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max)) if fitted._draws() else 0,
        )

    # ------------------------------------------------------------------------------------------------ state

    def _restore(self, tree, columns, classes=None):
        """Become the fitted estimator of a tree that came from elsewhere."""
        self.tree_, self.columns_, self.n_features_in_ = tree, columns, len(columns)
        if not all(column.name == f"x{j}" for j, column in enumerate(columns)):
            self.feature_names_in_ = np.array([column.name for column in columns], object)
        if classes is not None:
            self.classes_ = np.asarray(classes)
            self.n_classes_ = len(self.classes_)
        self.n_outputs_ = 1
        self._ready()

    def _ready(self):
        """Derive from `tree_` what prediction needs."""
        self._walked = {}
        self._answers = self._answer(self.tree_.value)
        plain = all(column.split == "numeric" for column in self.columns_)
        self._dtypes = [column.dtype for column in self.columns_] if plain else None
        # Frames are checked for the names of their columns, so they never take the fast path.
        self._fast_columns = self.n_features_in_ if plain and not hasattr(self, "feature_names_in_") else -1

    def _forget(self):
        for name in ("tree_", "columns_", "feature_names_in_"):
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
            self._ready()

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
        self._make_leaves(reduced_error_leaves(self.tree_, stops, y, weight, classes))
        return self

    def _make_leaves(self, stop):
        self.tree_ = kernels.truncate(self.tree_, stop)
        self._ready()


def canonical(X):
    """A sparse matrix by columns, with one entry at most for each cell; X stays as it is."""
    packed = X.tocsc()
    if not packed.has_canonical_format:
        packed = packed.copy() if packed is X else packed
        packed.sum_duplicates()
    return packed


def plain(column):
    """A column as values that every kind of file can hold."""
    categories = None if column.categories is None else column.categories.tolist()
    return tuple(column._replace(dtype=column.dtype.name, categories=categories))


def from_plain(*values):
    """The column of which `plain` made these."""
    column = Column(*values)
    if column.categories is None:
        return column._replace(dtype=np.dtype(column.dtype))
    categories = np.empty(len(column.categories), object)
    categories[:] = column.categories
    return column._replace(dtype=np.dtype(column.dtype), categories=categories)


def _number_of_features(max_features, d):
    if max_features is None:
        return d
    if isinstance(max_features, str):
        return max(1, int(np.sqrt(d) if max_features == "sqrt" else np.log2(d)))
    return int(max_features) if isinstance(max_features, Integral) else max(1, int(max_features * d))
