"""Down a fitted tree: the nodes at which rows stop, and their answers.

An estimator has a Walker (`_walker`), which knows the tree and its columns; the functions of an estimator (`self`) read
X and ask it. Those that are methods it takes into its body.
"""

from copy import copy
from typing import Any, NamedTuple

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

__all__ = ["Nodes", "Walker", "apply", "decision_path", "node_values", "predict_path", "predicted", "responder"]

SPARSE_CELLS = 2**22  # cells of a sparse X unpacked at a time


class Nodes(NamedTuple):
    """Given in place of X: the nodes at which its rows stop, which a pipeline has found on the way (behind.py)."""

    values: np.ndarray


class Walker:
    """A tree, its columns and the answer of each node, as rows walk down.

    dtypes: of the columns, or None where one is of categories | n_columns: of tables that need no check but whether
    they are finite, -1 where there are none | packed: for each dtype of table that was met, (the kernel for one row,
    the tree as kernels read it) | moved: for each dtype the tree that was last put before some steps, see behind.py
    """

    __slots__ = ("answers", "columns", "direct", "dtypes", "moved", "n_columns", "packed", "tree")

    def __init__(self, tree, columns, answers, named):
        plain = all(column.split == "numeric" for column in columns)
        self.tree, self.columns, self.answers, self.packed, self.moved = tree, columns, answers, {}, {}
        self.dtypes = [column.dtype for column in columns] if plain else None
        # Frames are checked for the names of their columns, so they never take the fast path.
        self.n_columns = len(columns) if plain and not named else -1
        self.direct = self.n_columns >= 0 and answers.dtype.char in "dlq" and answers.ndim == 1

    def node_of_one(self, X):
        """The node of the only row of a plain finite table, -1 where X is anything else."""
        if type(X) is np.ndarray and X.shape[:1] == (1,) and checks.is_table(X, self.n_columns, np.ndarray):
            stop, packed = self.packed.get(X.dtype.char) or self.pack(X.dtype)
            return stop(X, packed)
        return -1

    def pack(self, dtype):
        made = walk.stop_of_one(dtype), walk.pack(self.tree, self.dtypes, dtype)
        self.packed[dtype.char] = made
        return made

    def of_plain(self, X, answers, nan_stops, n_jobs):
        """For each row of a plain table, dense or sparse, the answer of its node; None where X is anything else.

        answers (n_nodes,) of 8 bytes each | nan_stops: whether a row in which NaN is stored stops at one node, too
        """
        plain = type(X) is np.ndarray and X.dtype.char in "fd" and X.dtype.isnative and X.flags.c_contiguous
        if plain and X.ndim == 2 and len(X) and X.shape[1] == self.n_columns:
            packed = (self.packed.get(X.dtype.char) or self.pack(X.dtype))[1]
            out, clean = walk.walk(X, packed, answers, n_jobs)
            if clean:  # else there is NaN, which is allowed, or infinity, which is not
                return out
        if type(X) in COMPRESSED and X.ndim == 2 and X.dtype.char in "fd" and X.shape[1] == self.n_columns:
            X = X.tocsr()
            if X.shape[0] and X.indices.dtype == X.indptr.dtype:
                packed = (self.packed.get(X.dtype.char) or self.pack(X.dtype))[1]
                out, clean = walk.walk_rows(X, packed, answers, n_jobs)
                if clean and (nan_stops or not np.isnan(X.data).any()):
                    return out
                X.check_format(full_check=True)  # SciPy's own products would read beyond the end
        return None

    def nodes(self, table, unknown, n_jobs):
        """The node of each row of a Table; unknown: see `to_codes`."""
        if self.dtypes is not None and table.columns is None and not sparse.issparse(table.numbers):
            return kernels.apply(self.tree, table.numbers, self.dtypes, n_jobs)
        parts = []
        for tree, values, columns in self.parts(table):
            if isinstance(values, np.ndarray) and self.dtypes is not None:
                parts.append(kernels.apply(tree, values.T, [column.dtype for column in columns], n_jobs))
            else:
                values = coded_columns(tree, values, columns, unknown)
                parts.append(kernels.apply_columns(tree, values, columns, n_jobs))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def shares(self, table, unknown, n_jobs):
        """The values of each row's nodes by their shares of it."""
        parts = [
            kernels.blend(tree, coded_columns(tree, values, columns, unknown), columns, n_jobs)
            for tree, values, columns in self.parts(table)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def parts(self, table):
        """(tree, values by columns, Columns) of some rows at a time; a sparse table is unpacked where it counts."""
        if not sparse.issparse(table.numbers):
            yield self.tree, [table.column(j) for j in range(table.n_columns)], self.columns
            return
        used = np.unique(self.tree.feature[self.tree.kind != LEAF])
        used = used if len(used) else np.zeros(1, np.int64)
        small = self.tree._replace(feature=np.searchsorted(used, self.tree.feature))
        packed, columns = table.numbers.tocsr()[:, used].tocsr(), [self.columns[j] for j in used]
        size = max(1, SPARSE_CELLS // len(used))
        for start in range(0, packed.shape[0], size):
            yield small, packed[start : start + size].toarray().T, columns


def coded_columns(tree, values, columns, unknown):
    """The columns of a table as the kernels take them: numbers, and codes of categories."""
    used = set(tree.feature.tolist())
    coded = []
    for j, (x, column) in enumerate(zip(values, columns, strict=True)):
        if column.split == "numeric":
            x = truths_as_numbers(x)
            if not isinstance(x, np.ndarray):
                raise ValueError(f"column {column.name!r} was fitted as numbers, but holds {x.values[0]!r}, a string")
            coded.append(x)
        elif j in used:
            place = {value: code for code, value in enumerate(column.categories.tolist())}
            coded.append(to_codes(x, column, place, unknown))
        else:
            coded.append(np.zeros(len(x.codes if hasattr(x, "codes") else x), np.int64))
    return coded


# ------------------------------------------------------------------------------------------------ of an estimator


def read_rows(self, X):
    return read(self, X, reset=False, text=any(c.split != "numeric" for c in self.columns_))[0]


def apply(self: Any, X: Any, check_input: bool = True) -> np.ndarray:
    """Node at which each row of X stops, int64 of shape (n_samples,).

    It is a leaf, or a node in which the row's category did not occur.
    """
    if type(X) is Nodes:
        return X.values
    check_is_fitted(self)
    numbers, branch = np.arange(self.tree_.node_count), self.missing_values == "branch"
    if (nodes := self._walker.of_plain(X, numbers, branch, self.n_jobs)) is not None:
        return nodes
    table = read_rows(self, X)
    if not branch and (row := first_missing(table)) >= 0:
        raise ValueError(
            f"X[{row}] has a missing value, with which it stops at several nodes at once: ask predict, or fit with"
            " missing_values='branch'"
        )
    return self._walker.nodes(table, self.unknown, self.n_jobs)


def predicted(self, X):
    """The answer to each row of X."""
    if (walker := self._walker) is None:
        check_is_fitted(self)
    if (node := walker.node_of_one(X)) >= 0:
        return walker.answers[node : node + 1].copy()
    branch = self.missing_values == "branch"
    if walker.direct and (out := walker.of_plain(X, walker.answers, branch, self.n_jobs)) is not None:
        return out
    return walker.answers[self.apply(X)] if branch else self._answer(node_values(self, X))


def node_values(self, X):
    """(n_samples, n_outputs, n_classes or 1): of each row its node's value, or its nodes' by their shares."""
    if (walker := self._walker) is None:
        check_is_fitted(self)
    if (node := walker.node_of_one(X)) >= 0:
        return walker.tree.value[node : node + 1].copy()
    if self.missing_values == "fractional":
        return walker.shares(read_rows(self, X), self.unknown, self.n_jobs)[:, None]
    return walker.tree.value[self.apply(X)]


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
            small._keep(kernels.truncate(self.tree_, leaf))
            return getattr(small, method)(X)

        return cut
    stops = self.apply(X)

    def respond(leaf):
        nodes = kernels.first_stop(self.tree_, leaf)[stops]
        if method == "predict":
            return self._walker.answers[nodes]
        shares = self.tree_.value[nodes, 0]
        with np.errstate(divide="ignore"):
            return np.log(shares) if method == "predict_log_proba" else shares

    return respond
