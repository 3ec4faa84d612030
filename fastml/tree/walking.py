"""Down a fitted tree: the nodes at which rows stop, and their answers.

Functions of a tree estimator (`self`): it has `tree_`, `columns_` and what its `_ready` derives from them. Those that
are methods it takes into its body.
"""

from copy import copy
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from fastml.plain import COMPRESSED
from fastml.table import first_missing, read, to_codes, truths_as_numbers
from fastml.tree.pruning import stops_at
from fastml_ext import checks
from fastml_ext import tree as kernels
from fastml_ext.tree.applying import apply as walk
from fastml_ext.tree.structure import LEAF

__all__ = ["apply", "decision_path", "node_values", "predict_path", "predicted", "responder"]

SPARSE_CELLS = 2**22  # cells of a sparse X unpacked at a time


def node_of_one(self, X):
    """The node of the only row of a plain finite table, -1 where X is anything else."""
    if type(X) is np.ndarray and X.shape[:1] == (1,) and checks.is_table(X, self._fast_columns, np.ndarray):
        stop, packed = self._walked.get(X.dtype.char) or walker_for(self, X.dtype)
        return stop(X, packed)
    return -1


def walker_for(self, dtype):
    walker = walk.stop_of_one(dtype), walk.pack(self.tree_, self._dtypes, dtype)
    self._walked[dtype.char] = walker
    return walker


def answers_of(self, X, answers):
    """Of each row the answer of the node at which it stops; answers (n_nodes,) of 8 bytes each."""
    check_is_fitted(self)
    out = fast_answers(self, X, answers)
    return answers[slow_nodes(self, X)] if out is None else out


def fast_answers(self, X, answers):
    """As _stops, of a plain table without missing values, or of a sparse matrix; None of any other."""
    plain = type(X) is np.ndarray and X.dtype.char in "fd" and X.dtype.isnative and X.flags.c_contiguous
    if plain and X.ndim == 2 and len(X) and X.shape[1] == self._fast_columns:
        packed = (self._walked.get(X.dtype.char) or walker_for(self, X.dtype))[1]
        out, clean = walk.walk(X, packed, answers, self.n_jobs)
        if clean:  # else there is NaN, which is allowed, or infinity, which is not
            return out
    if type(X) in COMPRESSED and X.ndim == 2 and X.dtype.char in "fd" and X.shape[1] == self._fast_columns:
        X = X.tocsr()
        if X.shape[0] and X.indices.dtype == X.indptr.dtype:
            packed = (self._walked.get(X.dtype.char) or walker_for(self, X.dtype))[1]
            out, clean = walk.walk_rows(X, packed, answers, self.n_jobs)
            if clean and (self.missing_values == "branch" or not np.isnan(X.data).any()):
                return out
            X.check_format(full_check=True)  # SciPy's own products would read beyond the end
    return None


def apply(self: Any, X: Any, check_input: bool = True) -> np.ndarray:
    """Node at which each row of X stops, int64 of shape (n_samples,).

    It is a leaf, or a node in which the row's category did not occur.
    """
    check_is_fitted(self)
    return answers_of(self, X, np.arange(self.tree_.node_count))


def predicted(self, X):
    """The answer to each row of X."""
    if (node := node_of_one(self, X)) >= 0:
        return self._answers[node : node + 1].copy()
    direct = self._fast_columns >= 0 and self._answers.dtype.char in "dlq" and self._answers.ndim == 1
    if direct and (out := fast_answers(self, X, self._answers)) is not None:
        return out
    if self.missing_values == "fractional":
        return self._answer(node_values(self, X))
    stops = self.apply(X)  # says so where nothing was fitted
    return self._answers[stops]


def node_values(self, X):
    """(n_samples, n_outputs, n_classes or 1): of each row its node's value, or its nodes' by their shares."""
    if (node := node_of_one(self, X)) >= 0:
        return self.tree_.value[node : node + 1].copy()
    if self.missing_values == "fractional":
        check_is_fitted(self)
        return walk_table(self, read_rows(self, X), blend_columns)[:, None]
    stops = self.apply(X)
    return self.tree_.value[stops]


def read_rows(self, X):
    return read(self, X, reset=False, text=any(c.split != "numeric" for c in self.columns_))[0]


def slow_nodes(self, X):
    table = read_rows(self, X)
    if self.missing_values == "fractional" and (row := first_missing(table)) >= 0:
        raise ValueError(
            f"X[{row}] has a missing value, with which it stops at several nodes at once: ask predict, or fit with"
            " missing_values='branch'"
        )
    if self._dtypes is not None and table.columns is None and not sparse.issparse(table.numbers):
        return kernels.apply(self.tree_, table.numbers, self._dtypes, self.n_jobs)
    return walk_table(self, table, stop_columns)


def walk_table(self, table, walk_columns):
    """walk_columns(self, tree, columns of the rows, fitted columns) of a table; by parts of a sparse one."""
    if not sparse.issparse(table.numbers):
        columns = [table.column(j) for j in range(table.n_columns)]
        return walk_columns(self, self.tree_, columns, self.columns_)
    used = np.unique(self.tree_.feature[self.tree_.kind != LEAF])
    used = used if len(used) else np.zeros(1, np.int64)
    small = self.tree_._replace(feature=np.searchsorted(used, self.tree_.feature))
    packed, fitted = table.numbers.tocsr()[:, used].tocsr(), [self.columns_[j] for j in used]
    size = max(1, SPARSE_CELLS // len(used))
    parts = (packed[start : start + size].toarray() for start in range(0, packed.shape[0], size))
    return np.concatenate([walk_columns(self, small, part.T, fitted) for part in parts])


def stop_columns(self, tree, values, fitted):
    if isinstance(values, np.ndarray) and self._dtypes is not None:
        return kernels.apply(tree, values.T, [column.dtype for column in fitted], self.n_jobs)
    return kernels.apply_columns(tree, coded_columns(self, tree, values, fitted), fitted, self.n_jobs)


def blend_columns(self, tree, values, fitted):
    return kernels.blend(tree, coded_columns(self, tree, values, fitted), fitted, self.n_jobs)


def coded_columns(self, tree, values, fitted):
    """The columns of a table as the kernels take them: numbers, and codes of categories."""
    used = set(tree.feature.tolist())
    columns = []
    for j, (x, column) in enumerate(zip(values, fitted, strict=True)):
        if column.split == "numeric":
            x = truths_as_numbers(x)
            if not isinstance(x, np.ndarray):
                raise ValueError(f"column {column.name!r} was fitted as numbers, but holds {x.values[0]!r}, a string")
            columns.append(x)
        elif j in used:
            place = {value: code for code, value in enumerate(column.categories.tolist())}
            columns.append(to_codes(x, column, place, self.unknown))
        else:
            columns.append(np.zeros(len(x.codes if hasattr(x, "codes") else x), np.int64))
    return columns


def decision_path(self: Any, X: Any, check_input: bool = True) -> Any:
    """Sparse 0/1 matrix of shape (n_samples, n_nodes): the nodes each row of X passes."""
    indptr, indices = kernels.decision_path(self.tree_, self.apply(X))
    shape = (len(indptr) - 1, self.tree_.node_count)
    return sparse.csr_matrix((np.ones(len(indices), np.int64), indices, indptr), shape=shape)


def predict_path(self: Any, X: Any, **values: Any) -> np.ndarray:
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
    ndarray of shape (n_values, n_samples) or (n_values, n_samples, n_outputs)
        Row i is what `predict(X)` gives after fitting with the i-th value.
    """
    respond = responder(self, X)
    return np.array([respond(leaf) for leaf in stops_at(self, values)])


def responder(self, X, method="predict"):
    """The function that gives a method's response to X of this tree with marked nodes made leaves."""
    if self.missing_values == "fractional":

        def cut(leaf):
            small = copy(self)
            small.tree_ = kernels.truncate(self.tree_, leaf)
            small._ready()
            return getattr(small, method)(X)

        return cut
    stops = self.apply(X)

    def respond(leaf):
        nodes = kernels.first_stop(self.tree_, leaf)[stops]
        if method == "predict":
            return self._answers[nodes]
        shares = self.tree_.value[nodes, 0]
        with np.errstate(divide="ignore"):
            return np.log(shares) if method == "predict_log_proba" else shares

    return respond
