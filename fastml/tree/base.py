"""What the tree estimators share: reading tables, growing, pruning, walking down."""

from math import ceil
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.utils import Bunch, check_random_state, compute_sample_weight
from sklearn.utils._param_validation import RealNotInt
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from fastml.base import Estimator, Interval, StrOptions
from fastml.tree.pruning import pessimistic_leaves, reduced_error_leaves, stops_at
from fastml.tree.reading import TreeReading
from fastml.tree.sharing import SharedGrowth
from fastml.tree.table import coded, is_categorical, numeric, read, to_codes
from fastml_ext import checks
from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column, Settings, walk

__all__ = ["TreeEstimator"]

SPARSE_COLUMNS = 256  # columns of a sparse X unpacked at a time to be coded
DERIVED = ("_walked", "_answers", "_dtypes", "_fast_columns")  # from the tree, whenever it is read
SPARSE_CELLS = 2**22  # cells of a sparse X unpacked at a time to be predicted


class TreeEstimator(SharedGrowth, TreeReading, Estimator):
    """A tree grown on a table of numbers, categories and missing values."""

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
        "unknown": [StrOptions({"node", "error"})],
        "pruning": [StrOptions({"pessimistic"}), None],
        "confidence": [Interval(Real, 0, 0.5, closed="right")],
        "n_jobs": [Integral, None],
    }

    _fast_columns = -1  # until it is fitted

    # ------------------------------------------------------------------------------------------------ growing

    def fit(self, X, y, sample_weight=None):
        """Grow the tree.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Numbers of any dtype (NaN where missing), strings, categories and bool (None or NaN where missing).
        y : array-like of shape (n_samples,)
            Labels, or numbers in regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative: 2 is as good as having the row twice, 0 as not having it, but for the parameters that
            count samples. None for 1 each.

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
            self._make_leaves(kernels.weakest_links(self.tree_)[0] <= self.ccp_alpha)
        return self

    def _check_training(self, X, y, sample_weight):
        """(table, class codes or numbers, weights or None), checked."""
        self._validate_params()
        self._forget()
        options = {} if is_classifier(self) else {"y_numeric": True}
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        table, y = read(self, X, y, reset=True, text=True, **options)
        target = self._check_target(y)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, np.empty((len(y), 1)), dtype=np.float64)
            if (weight < 0).any():
                i = int(np.flatnonzero(weight < 0)[0])
                raise ValueError(f"sample_weight[{i}]={weight[i]} is negative: weights count from 0 upwards")
        if getattr(self, "class_weight", None) is not None:
            balance = compute_sample_weight(self.class_weight, y)
            weight = balance if weight is None else weight * balance
        if weight is not None and not weight.any():
            raise ValueError("sample_weight is 0 for every row: no row is left to grow a tree on")
        return table, target, weight

    def _code(self, table):
        """The columns as growing sees them; `columns_` are their names and categories."""
        categorical = is_categorical(table, self.categorical_features, table.names)
        monotonic = self._check_monotonic(table, categorical)
        self.columns_, columns = [], []
        numbers = iter(self._encode(table, np.flatnonzero(~categorical)))
        for j, name in enumerate(table.names):
            if categorical[j]:
                column, codes = coded(table.column(j), name, self.categorical_split)
                columns.append(Coded(codes, np.arange(len(column.categories)), column.split, 0))
            else:
                values, codes = next(numbers)
                column = numeric(name, values, codes)
                columns.append(Coded(codes, values, "numeric", int(monotonic[j])))
            self.columns_.append(column)
        return columns

    def _grow_tree(self, columns, target, weight, settings):
        """The whole tree, before anything is pruned."""
        self.max_features_ = settings.max_features or len(columns)
        self.tree_ = kernels.grow(columns, target, weight, settings, self.n_jobs)
        self._ready()

    def _encode(self, table, chosen):
        """(values, codes) of the columns `chosen`, one after the other."""
        if table.columns is not None:
            for j in chosen:
                yield kernels.encode(table.columns[j][:, None], self.n_jobs)[0]
        elif sparse.issparse(table.numbers):
            packed = table.numbers.tocsc()
            for start in range(0, len(chosen), SPARSE_COLUMNS):
                part = packed[:, chosen[start : start + SPARSE_COLUMNS]].toarray(order="F")
                yield from kernels.encode(part, self.n_jobs)
        else:
            whole = len(chosen) == table.n_columns
            yield from kernels.encode(table.numbers if whole else table.numbers[:, chosen], self.n_jobs)

    def _check_monotonic(self, table, categorical):
        if self.monotonic_cst is None:
            return np.zeros(table.n_columns, int)
        signs = np.asarray(self.monotonic_cst)
        if signs.shape != (table.n_columns,):
            raise ValueError(
                f"monotonic_cst has shape {signs.shape} but the input data X has {table.n_columns} features."
            )
        if not np.isin(signs, (-1, 0, 1)).all():
            raise ValueError(f"monotonic_cst must be None or an array-like of -1, 0 or 1, but got {np.unique(signs)}")
        if is_classifier(self) and len(self.classes_) > 2:
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
        leaf, split = self.min_samples_leaf, self.min_samples_split
        leaf = leaf if isinstance(leaf, Integral) else ceil(leaf * n)
        split = split if isinstance(split, Integral) else max(2, ceil(float(split) * n))
        max_features = _number_of_features(self.max_features, d)
        return Settings(
            criterion=self.criterion,
            n_classes=len(fitted.classes_) if is_classifier(self) else 0,
            random=self.splitter == "random",
            max_depth=2**62 if self.max_depth is None else self.max_depth,
            min_samples_split=max(int(split), 2 * int(leaf)),
            min_samples_leaf=leaf,
            min_weight_leaf=self.min_weight_fraction_leaf * total,
            max_features=max_features if max_features < d else 0,
            min_impurity_decrease=self.min_impurity_decrease,
            max_leaf_nodes=self.max_leaf_nodes or 0,
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
        self._answers = self._answer(self.tree_)
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
        return tags

    # ------------------------------------------------------------------------------------------------ walking

    def _one(self, X):
        """The node of the only row of a plain finite table, -1 where X is anything else."""
        if type(X) is np.ndarray and X.shape[:1] == (1,) and checks.is_table(X, self._fast_columns, np.ndarray):
            stop, packed = self._walked.get(X.dtype.char) or self._walker(X.dtype)
            return stop(X, packed[0])
        return -1

    def _walker(self, dtype):
        walker = walk.stop_of_one(dtype), walk.pack(self.tree_, self._dtypes, dtype)
        self._walked[dtype.char] = walker
        return walker

    def _stops(self, X, answers):
        """Of each row the answer of the node at which it stops; answers (n_nodes,) of 8 bytes each."""
        check_is_fitted(self)
        plain = type(X) is np.ndarray and X.dtype.char in "fd" and X.dtype.isnative and X.flags.c_contiguous
        if plain and X.ndim == 2 and len(X) and X.shape[1] == self._fast_columns:
            packed = (self._walked.get(X.dtype.char) or self._walker(X.dtype))[1]
            out, clean = walk.walk(X, packed, answers, self.n_jobs)
            if clean:  # else there are missing values, which are well, or infinity, which is not
                return out
        return answers[self._slow_stops(X)]

    def apply(self, X, check_input=True):
        """Node at which each row of X stops, int64 of shape (n_samples,).

        It is a leaf, or a node in which the row's category did not occur.
        """
        check_is_fitted(self)
        return self._stops(X, np.arange(self.tree_.node_count))

    def _predict(self, X):
        """The answer to each row of X."""
        if (node := self._one(X)) >= 0:
            return self._answers[node : node + 1].copy()
        if self._fast_columns >= 0 and self._answers.dtype.char in "dlq":
            return self._stops(X, self._answers)
        stops = self.apply(X)
        return self._answers[stops]

    def _slow_stops(self, X):
        table, _ = read(self, X, reset=False, text=any(c.split != "numeric" for c in self.columns_))
        if self._dtypes is not None and table.columns is None and not sparse.issparse(table.numbers):
            return kernels.apply(self.tree_, table.numbers, self._dtypes, self.n_jobs)
        if sparse.issparse(table.numbers):
            return self._apply_sparse(table)
        return self._apply_columns([table.column(j) for j in range(table.n_columns)])

    def _apply_sparse(self, table):
        packed, size = table.numbers.tocsr(), max(1, SPARSE_CELLS // table.n_columns)
        parts = []
        for start in range(0, packed.shape[0], size):
            part = packed[start : start + size].toarray()
            if self._dtypes is None:
                parts.append(self._apply_columns(list(part.T)))
            else:
                parts.append(kernels.apply(self.tree_, part, self._dtypes, self.n_jobs))
        return np.concatenate(parts)

    def _apply_columns(self, values):
        used = set(self.tree_.feature.tolist())
        columns = []
        for j, (x, column) in enumerate(zip(values, self.columns_, strict=True)):
            if column.split == "numeric":
                if not isinstance(x, np.ndarray):
                    raise ValueError(
                        f"column {column.name!r} was fitted as numbers, but holds {x.values[0]!r}, a string"
                    )
                columns.append(x)
            elif j in used:
                place = {value: code for code, value in enumerate(column.categories.tolist())}
                columns.append(to_codes(x, column, place, self.unknown))
            else:
                columns.append(np.zeros(len(x.codes if hasattr(x, "codes") else x), np.int64))
        return kernels.apply_columns(self.tree_, columns, self.columns_, self.n_jobs)

    def decision_path(self, X, check_input=True):
        """Sparse 0/1 matrix of shape (n_samples, n_nodes): the nodes each row of X passes."""
        indptr, indices = kernels.decision_path(self.tree_, self.apply(X))
        shape = (len(indptr) - 1, self.tree_.node_count)
        return sparse.csr_matrix((np.ones(len(indices), np.int64), indices, indptr), shape=shape)

    def get_depth(self):
        """Number of edges from the root to the deepest leaf."""
        check_is_fitted(self)
        return self.tree_.max_depth

    def get_n_leaves(self):
        """Number of leaves."""
        check_is_fitted(self)
        return self.tree_.n_leaves

    @property
    def feature_importances_(self):
        """(n_features,) share of each column in the total decrease of impurity (Breiman et al. 1984)."""
        check_is_fitted(self)
        return self.tree_.compute_feature_importances()

    # ------------------------------------------------------------------------------------------------ pruning

    def cost_complexity_pruning_path(self, X, y, sample_weight=None):
        """The effective alphas of pruning, and the total impurity of the leaves at each: Bunch(ccp_alphas, impurities).

        Parameters are those of `fit`; the tree grown is not kept. Breiman, Friedman, Olshen, Stone 1984, section 3.3.
        """
        model = clone(self)
        model.ccp_alpha = 0.0
        path = kernels.weakest_links(model.fit(X, y, sample_weight).tree_)[1]
        return Bunch(ccp_alphas=path[:, 0], impurities=path[:, 1])

    def prune(self, X, y, sample_weight=None):
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
        stops = self.apply(X)
        y = np.asarray(y)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        if len(y) != len(stops) or len(weight) != len(stops):
            raise ValueError(f"X, y and sample_weight have inconsistent numbers of samples: {len(stops)}, {len(y)}")
        classes = self.classes_ if is_classifier(self) else None
        self._make_leaves(reduced_error_leaves(self.tree_, stops, y, weight, classes))
        return self

    def _make_leaves(self, stop):
        self.tree_ = kernels.truncate(self.tree_, stop)
        self._ready()

    def predict_path(self, X, **values):
        """Predictions of every truncation of this one tree, as if each had been fitted by itself.

        Parameters
        ----------
        X : as for `predict`
            Rows.
        **values : sequence of numbers
            One of max_depth, min_samples_split, min_impurity_decrease, ccp_alpha, with the values wanted; each at least
            as strict as the value this tree was grown with.

        Returns
        -------
        ndarray of shape (n_values, n_samples)
            Row i is what `predict(X)` gives after fitting with the i-th value.
        """
        stops = self.apply(X)
        paths = [kernels.first_stop(self.tree_, leaf)[stops] for leaf in stops_at(self, values)]
        return np.array([self._answers[path] for path in paths])


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
