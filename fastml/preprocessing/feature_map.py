"""FeatureMap: numbers, expressions and transformers of columns, side by side."""

import inspect
from numbers import Integral
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from fastml._sklearn import _check_feature_names_in, check_array, validate_data
from fastml.base import StrOptions, refuse_nonfinite
from fastml.kinds import from_arrow, is_frame
from fastml.preprocessing.base import ColumnMap
from fastml.preprocessing.expressions import quoted
from fastml.preprocessing.rows import RowProgram
from fastml.preprocessing.terms import named_transformer, plain, read_numbers, read_term

__all__ = ["FeatureMap"]

DENSITY = 0.3  # as in scikit-learn's ColumnTransformer: a result with a larger share of values than this is dense


class FeatureMap(ColumnMap):
    """Features side by side: constants, expressions over columns, and other transformers of some columns.

    All expressions are compiled together through the graphs of `fastml.autodiff`, and computed in one pass over the
    rows. What they have in common is computed once.

    Parameters
    ----------
    *terms, features : number, str, callable, traced value, transformer, or tuple
        Each feature in order, as positional arguments or as one list `features`; all columns as they are if there is
        none. A text such as "x**2 + cos(3*y)" is an expression over columns: numbers, + - * / **, comparisons, and, or,
        not, a if c else b, pi, e and functions such as sqrt, exp, log, sin, tanh, maximum, where; a name that is no
        identifier stands between backquotes. It is parsed, and never run as Python. A function of columns, or a
        variable of a `fastml.autodiff.Graph` and what was computed from it, is turned into such a text. A transformer
        works on all columns. ("name", feature) gives a name, ("name", transformer, columns) some columns, by names or
        numbers.
    columns : list of str, default=None
        Names of the columns of an array. None for "x" where there is one, and x0, x1, ...; frames bring their own.
    missing : {"error", "nan"}, default="error"
        What becomes of NaN in X: an error, or whatever the expressions make of it.
    n_jobs : int, default=None
        Threads; None for all that this process may use.

    Attributes
    ----------
    transformers_ : list
        For each feature its fitted transformer, None for expressions.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from fastml.preprocessing import FeatureMap
    >>> phi = FeatureMap(1, "x", "x**2", "cos(3*x)")
    >>> phi.fit_transform([[2.0]]).round(2)
    array([[1.  , 2.  , 4.  , 0.96]])
    >>> phi.get_feature_names_out().tolist()
    ['1', 'x', 'x**2', 'cos(3*x)']
    >>> FeatureMap(lambda x0, x1: x0**2 + x1**2).fit_transform([[3.0, 4.0]])
    array([[25.]])
    """

    _parameter_constraints = {
        "features": ["array-like", None],
        "columns": ["array-like", None],
        "missing": [StrOptions({"error", "nan"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self, *terms: Any, features: Any = None, columns: Any = None, missing: str = "error", n_jobs: int | None = None
    ) -> None:
        if terms and features is not None:
            raise TypeError("FeatureMap takes its features as positional arguments or as features=, not both")
        self.features = [plain(term) for term in terms] if terms else features  # as texts, which can be copied and kept
        self.columns = columns
        self.missing = missing
        self.n_jobs = n_jobs

    # What help() and scikit-learn see: positional features are another way to give `features`.
    __signature__ = inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in (("features", None), ("columns", None), ("missing", "error"), ("n_jobs", None))
        ]
    )

    @classmethod
    def _get_param_names(cls):
        return ["columns", "features", "missing", "n_jobs"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; deep: also those of named transformers, as "name__parameter".

        Parameters
        ----------
        deep : bool, default=True
            As said.

        Returns
        -------
        dict
        """
        found = super().get_params(deep=False)
        for name, transformer in self._named_transformers() if deep else ():
            found[name] = transformer
            found |= {f"{name}__{key}": value for key, value in transformer.get_params().items()}
        return found

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name, of named transformers as "name__parameter".

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self
        """
        for name in [name for name, _ in self._named_transformers() if name in params]:
            new = params.pop(name)
            self.features = [(name, new, *f[2:]) if is_called(f, name) else f for f in self.features]
        return super().set_params(**params)

    def _named_transformers(self):
        features = self.features if isinstance(self.features, list | tuple) else ()
        return [f[:2] for f in features if named_transformer(f)]

    # ------------------------------------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read the expressions, and fit the transformers.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Numbers; columns of a frame that only transformers see may hold anything.
        y : array-like of shape (n_samples,), default=None
            For the transformers that ask for it.

        Returns
        -------
        self
            The fitted transformer.
        """
        self._validate_params()
        X = from_arrow(X)
        self._framed = is_frame(X)
        table = self._read(X, reset=True)
        self._columns = self._name_columns()
        if self.features is not None and not len(self.features):
            raise ValueError("features=[] is empty: a feature map needs one feature at least")
        given = map(quoted, self._columns) if self.features is None else map(plain, self.features)
        self._features = list(given)
        self._read_terms()
        self.transformers_ = [
            t.transformer and clone(t.transformer).fit(self._part(X, table, t.columns), y) for t in self._terms
        ]
        first, first_table = (X[:1], None) if table is None else (None, table[:1])
        self._widths = [
            1 if t is None else t.transform(self._part(first, first_table, term.columns)).shape[1]
            for t, term in zip(self.transformers_, self._terms, strict=True)
        ]
        names = self.get_feature_names_out().tolist()
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"two features are called {twice!r}: name one of them, ('name', feature)")
        self._numbers(X, table)  # says which column that an expression reads holds no numbers
        return self

    def _name_columns(self):
        if hasattr(self, "feature_names_in_"):
            return self.feature_names_in_.tolist()
        d = self.n_features_in_
        if self.columns is None:
            return ["x"] if d == 1 else [f"x{j}" for j in range(d)]
        if len(self.columns) != d or len(set(self.columns)) < d:
            raise ValueError(f"columns={list(self.columns)!r} for {d} columns of X: give each a name of its own")
        return [str(name) for name in self.columns]

    def _read_terms(self):
        """What is made of the features and not kept with the model."""
        places = {name: j for j, name in enumerate(self._columns)}
        if self._columns == ["x"]:
            places["x0"] = 0
        self._terms = [read_term(feature, places) for feature in self._features]
        self._read_names = list(dict.fromkeys(n for t in self._terms if t.expression for n in t.expression.names))
        self._read_places = [places[name] for name in self._read_names]
        self._only_expressions = all(term.expression for term in self._terms)
        self._own_places = tuple(range(len(self._terms)))
        self._program, self._constants = None, []

    def _read(self, X, *, reset):
        """X as a checked table of numbers; None for a frame, of which `_numbers` takes the columns that are read."""
        if not (self._framed and is_frame(X)):
            return self._check_fit(X, allow_nan=self.missing == "nan") if reset else self._check_rows(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        if min(X.shape) == 0:
            validate_data(self, np.empty(X.shape), reset=False)  # says what is missing
        if reset:
            self._dtype, self._fast_columns = np.dtype(np.float64), -1
            self._allow_nan, self._sparse = self.missing == "nan", False
        return None

    def _numbers(self, X, table):
        """The table that the expressions read: X itself, or of a frame the columns that they read."""
        if table is not None:
            return table[:, self._read_places] if self._framed else table
        table = np.empty((len(X), len(self._read_names)), self._dtype, order="F")
        for k, j in enumerate(self._read_places):
            table[:, k] = read_numbers(X, j, self._columns[j])
        names = np.array(self._read_names, object)
        refuse_nonfinite(table, type(self).__name__, names, self.missing == "nan")
        return table

    @staticmethod
    def _part(X, table, columns):
        """Some columns, as a transformer is given them."""
        if columns is None:
            return X if table is None else table
        if table is not None:
            return np.ascontiguousarray(table[:, columns])
        return X.iloc[:, columns] if hasattr(X, "iloc") else X[:, columns]

    # ------------------------------------------------------------------------------------------------ use

    def transform(self, X: Any) -> Any:
        """The features of the rows of X.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Columns as in fit.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features_out)
            float32 where X was in fit. Sparse where a transformer gives a sparse part and less than 30 % has a value.
        """
        if not hasattr(self, "_terms"):
            check_is_fitted(self)
        X = from_arrow(X) if self._framed else X
        table = self._read(X, reset=False)
        if self._only_expressions and not self._framed:
            out = np.empty((len(table), len(self._terms)), self._dtype)
            return self._fill(table, out, self._own_places)
        n = len(X) if table is None else len(table)
        parts = [
            t and as_matrix(t.transform(self._part(X, table, term.columns)))
            for t, term in zip(self.transformers_, self._terms, strict=True)
        ]
        dtype = np.result_type(self._dtype, *[part.dtype for part in parts if part is not None])
        if any(map(sp.issparse, parts)):
            return self._beside(parts, self._numbers(X, table), n, dtype)
        ends = np.cumsum(self._widths)
        out = np.empty((n, ends[-1]), dtype)
        for part, end, width in zip(parts, ends, self._widths, strict=True):
            if part is not None:
                out[:, end - width : end] = part
        return self._fill(self._numbers(X, table), out, tuple((ends - 1).tolist()))

    def _fill(self, table, out, places):
        """The expressions into columns of out, which is returned; places: the column of each feature."""
        if self._program is not None and self._program.key == (places, out.dtype):
            for place, number in self._constants:
                out[:, place] = number
            return self._program.fill(table, out, self.n_jobs)
        terms = [(t.expression, place) for t, place in zip(self._terms, places, strict=True) if t.expression]
        columns = range(len(self._read_names)) if self._framed else self._read_places
        at = dict(zip(self._read_names, columns, strict=True))
        if all(e.number is not None or e.column is not None for e, _ in terms):  # there is nothing to compile
            for e, place in terms:
                out[:, place] = table[:, at[e.column]] if e.number is None else e.number
            return out
        self._constants = [(place, e.number) for e, place in terms if e.number is not None]
        for place, number in self._constants:
            out[:, place] = number
        expressions, own = zip(*[(e, place) for e, place in terms if e.number is None], strict=True)
        self._program = RowProgram(expressions, at, own, out.dtype, (places, out.dtype))
        return self._program.fill(table, out, self.n_jobs)

    def _beside(self, parts, table, n, dtype):
        """The parts side by side as CSR, or as an array where that is the smaller."""
        single = np.array([part is None for part in parts])
        values = np.empty((n, np.count_nonzero(single)), dtype)
        places = np.cumsum(single) - 1
        self._fill(table, values, tuple(places.tolist()))
        blocks = [
            sp.csr_matrix(values[:, [at]]) if part is None else part for at, part in zip(places, parts, strict=True)
        ]
        made = sp.hstack(blocks, "csr", dtype)
        return made.toarray() if made.nnz > DENSITY * n * made.shape[1] else made

    def inverse_transform(self, X: Any) -> Any:
        """The columns, from features that are a column itself or from a transformer that can be inverted.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features_out)
            What `transform` gives.

        Returns
        -------
        ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If a column cannot be found in the features.
        """
        check_is_fitted(self, "_terms")
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
        ends = np.cumsum(self._widths)
        if X.shape[1] != ends[-1]:
            raise ValueError(f"X has {X.shape[1]} columns, but transform gives {ends[-1]}")
        found = {}
        for term, transformer, end, width in zip(self._terms, self.transformers_, ends, self._widths, strict=True):
            block = X[:, end - width : end]
            if transformer is None:
                if term.expression.column is not None:
                    at = self._read_places[self._read_names.index(term.expression.column)]
                    found[at] = as_matrix(block.toarray() if sp.issparse(block) else block)[:, 0]
            elif hasattr(transformer, "inverse_transform"):
                back = as_matrix(transformer.inverse_transform(block))
                columns = range(self.n_features_in_) if term.columns is None else term.columns
                for j, values in zip(columns, back.T, strict=True):
                    found.setdefault(j, values)
        absent = [name for j, name in enumerate(self._columns) if j not in found]
        if absent:
            raise ValueError(f"the column {absent[0]!r} is no feature by itself: it cannot be found from the features")
        return np.stack([found[j] for j in range(self.n_features_in_)], axis=1)

    # ------------------------------------------------------------------------------------------------ names and state

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """The expressions as they were written, or their names; those of transformers, after "name__" where named.

        Parameters
        ----------
        input_features : array-like of str of shape (n_features,), default=None
            Only checked: the expressions name the columns themselves.
        """
        check_is_fitted(self, "_terms")
        _check_feature_names_in(self, input_features)
        found = []
        for term, transformer in zip(self._terms, self.transformers_, strict=True):
            if transformer is None:
                found.append(term.name)
                continue
            names = self._columns if term.columns is None else [self._columns[j] for j in term.columns]
            outputs = transformer.get_feature_names_out(None if hasattr(transformer, "feature_names_in_") else names)
            found += [f"{term.name}__{out}" if term.name else out for out in outputs]
        return np.array(found, object)

    def __getstate__(self):
        derived = (
            "_terms",
            "_read_names",
            "_read_places",
            "_only_expressions",
            "_own_places",
            "_program",
            "_constants",
        )
        return {key: value for key, value in super().__getstate__().items() if key not in derived}

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "_features"):
            self._read_terms()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "nan"
        return tags


def is_called(feature, name):
    return named_transformer(feature) and feature[0] == name


def as_matrix(part):
    """What a transformer gives, frames too, as an array or CSR."""
    return part.tocsr() if sp.issparse(part) else np.asarray(part)
