"""ColumnTransformer: scikit-learn's, which takes rows through fastml's steps without parting and joining the frame."""

import dataclasses
from typing import Any

from sklearn.compose import ColumnTransformer as ScikitColumnTransformer
from sklearn.compose import make_column_selector as ScikitColumnSelector  # noqa: N812  # a class
from sklearn.compose import make_column_transformer as make_scikit_column_transformer
from sklearn.preprocessing import FunctionTransformer

from fastml._sklearn import _get_output_config
from fastml.base import Estimator
from fastml.compose.plan import FEW, make_plan

__all__ = ["ColumnTransformer", "make_column_selector", "make_column_transformer"]


class ColumnTransformer(Estimator, ScikitColumnTransformer):
    """Each transformer on columns of its own, the results side by side.

    Where every transformer is fastml's, a scaler, an imputer, an encoder or the like, or a pipeline of them, a fitted
    one reads the columns of a frame where they are and writes into one table: no part of the frame is selected, and no
    tables are joined. What comes out is the same to the bit. Whatever this way does not know for certain, such as a
    category that was not fitted, takes scikit-learn's.

    Parameters
    ----------
    transformers : list of (str, estimator, columns)
        Names, transformers ("drop" and "passthrough" for none), and columns: names, places, a slice, a mask, or a
        callable that finds them in X. A single name gives the transformer the column as a vector.
    remainder : {"drop", "passthrough"} or estimator, default="drop"
        What becomes of all other columns.
    sparse_threshold : float, default=0.3
        The density below which the result is CSR where some part of it is.
    n_jobs : int, default=None
        Processes that fit the transformers.
    transformer_weights : dict, default=None
        Factors of the results by name.
    verbose : bool, default=False
        Whether the time of each transformer is printed.
    verbose_feature_names_out : bool, str or callable, default=True
        Whether names of columns of the result begin with the transformer's name.
    fold : bool, default=True
        Whether rows take the short way; False for scikit-learn's code, which calls each transformer on its part.

    Attributes
    ----------
    transformers_ : list of (str, estimator, columns)
        The fitted transformers, the remainder's last.
    named_transformers_ : Bunch
        The same by name.
    sparse_output_ : bool
        Whether the result is CSR.
    output_indices_ : dict
        The columns of the result that come from each transformer, as slices.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import pandas as pd
    >>> from fastml.compose import ColumnTransformer
    >>> from fastml.preprocessing import OneHotEncoder, StandardScaler
    >>> X = pd.DataFrame({"size": [1.0, 3.0], "colour": ["red", "blue"]})
    >>> each = ColumnTransformer([("a", StandardScaler(), ["size"]), ("b", OneHotEncoder(), ["colour"])])
    >>> each.fit(X).transform(X)
    array([[-1.,  0.,  1.],
           [ 1.,  1.,  0.]])
    """

    _parameter_constraints = ScikitColumnTransformer._parameter_constraints | {"fold": ["boolean"]}

    def __init__(
        self,
        transformers: Any,
        *,
        remainder: Any = "drop",
        sparse_threshold: Any = 0.3,
        n_jobs: Any = None,
        transformer_weights: Any = None,
        verbose: Any = False,
        verbose_feature_names_out: Any = True,
        fold: Any = True,
    ) -> None:
        super().__init__(
            transformers,
            remainder=remainder,
            sparse_threshold=sparse_threshold,
            n_jobs=n_jobs,
            transformer_weights=transformer_weights,
            verbose=verbose,
            verbose_feature_names_out=verbose_feature_names_out,
        )
        self.fold = fold

    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit each transformer to its columns, and transform them.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,), default=None
            Targets, for transformers that learn from them.
        **params : dict
            With metadata routing: for the transformers.

        Returns
        -------
        ndarray, CSR matrix or data frame of shape (n_samples, n_features_out)
        """
        self._made: dict = {}
        return super().fit_transform(X, y, **params)

    _text_parts = True

    def _fit_parts(self, table, reduce):
        from fastml.compose.in_parts import fit_columns

        return fit_columns(self, table, ScikitColumnTransformer.fit_transform)

    def _note_parts(self, parts):
        """Rows are looked at by the steps."""

    def transform(self, X: Any, **params: Any) -> Any:
        """Each transformer's result of its columns, side by side.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The rows; a frame may have its columns in another order, and others besides.
        **params : dict
            With metadata routing: for the transformers.

        Returns
        -------
        ndarray, CSR matrix or data frame of shape (n_samples, n_features_out)
        """
        if self.fold and not params:
            plan = self._plan()
            if plan is not None and _get_output_config("transform", self)["dense"] == "default":
                columns = plan.read(X)
                found = None if columns is None else plan.result(columns)
                if found is not None:
                    return found
        return super().transform(X, **params)

    def _scores(self, X, coef, intercept, n_jobs=None):
        """Scores (n, k) of a linear model behind this, float64, of many rows; None where the table must be made."""
        plan = self._plan() if self.fold else None
        if plan is None or plan.width != coef.shape[1] or _get_output_config("transform", self)["dense"] != "default":
            return None
        columns = plan.read(X)
        return None if columns is None or columns.n <= FEW else plan.scores(columns, coef, intercept, n_jobs)

    def _plan(self):
        """What is done to a row, or None where there is no short way: made when first needed after a change."""
        fitted = self.__dict__.get("transformers_")
        if fitted is None:
            return None
        made = self.__dict__.setdefault("_made", {})
        kept = made.get("plan")
        if kept is None or kept[0] is not fitted or (kept[1] is not None and not kept[1].holds(self)):
            kept = made["plan"] = fitted, make_plan(self)
        return kept[1]

    # ------------------------------------------------------------------------------------------------ files

    def __getstate__(self):
        """The state without scikit-learn's objects for columns that pass, which `__setstate__` makes again."""
        state = dict(super().__getstate__())  # which may be the attributes themselves
        if "transformers_" in state:
            passing = self._passing()
            state["transformers_"] = [
                (name, "passthrough" if name in passing and is_passing(step) else step, columns)
                for name, step, columns in state["transformers_"]
            ]
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "transformers_" not in state:
            return
        passing = self._passing()
        self.transformers_ = [
            (name, self._passer(name) if name in passing and isinstance(step, str) else step, columns)
            for name, step, columns in state["transformers_"]
        ]

    def _passing(self):
        """The names of what passes columns through."""
        found = {name for name, step, _ in self.transformers if isinstance(step, str) and step == "passthrough"}
        return found | ({"remainder"} if isinstance(self.remainder, str) and self.remainder == "passthrough" else set())

    def _passer(self, name):
        """What scikit-learn has fitted where columns pass through."""
        at = self._transformer_to_input_indices[name]
        if not len(at):
            return "passthrough"
        step = FunctionTransformer(accept_sparse=True, check_inverse=False, feature_names_out="one-to-one")
        step.set_output(transform=_get_output_config("transform", self)["dense"])
        step.n_features_in_ = len(at)
        if hasattr(self, "feature_names_in_"):
            step.feature_names_in_ = self.feature_names_in_[at]
        return step


def is_passing(step):
    return type(step) is FunctionTransformer and step.func is None


def make_column_transformer(
    *transformers: Any,
    remainder: Any = "drop",
    sparse_threshold: Any = 0.3,
    n_jobs: Any = None,
    verbose: Any = False,
    verbose_feature_names_out: Any = True,
    fold: Any = True,
) -> ColumnTransformer:
    """A `ColumnTransformer` of transformers that are named by their classes, in lower case.

    Parameters
    ----------
    *transformers : (estimator, columns)
        The transformers, each with its columns.
    remainder, sparse_threshold, n_jobs, verbose, verbose_feature_names_out, fold
        As of `ColumnTransformer`.

    Returns
    -------
    ColumnTransformer

    Examples
    --------
    >>> from fastml.compose import make_column_transformer
    >>> from fastml.preprocessing import MinMaxScaler, StandardScaler
    >>> each = make_column_transformer((StandardScaler(), [0]), (MinMaxScaler(), [1]))
    >>> [name for name, step, columns in each.transformers]
    ['standardscaler', 'minmaxscaler']
    """
    named = make_scikit_column_transformer(*transformers).transformers
    return ColumnTransformer(
        named,
        remainder=remainder,
        sparse_threshold=sparse_threshold,
        n_jobs=n_jobs,
        verbose=verbose,
        verbose_feature_names_out=verbose_feature_names_out,
        fold=fold,
    )


@dataclasses.dataclass(eq=False)
class make_column_selector(ScikitColumnSelector):  # noqa: N801  # scikit-learn's name
    """Columns of a frame of pandas by their names or their dtypes: all that is given must hold.

    Parameters
    ----------
    pattern : str, default=None
        A regular expression that is found in the name.
    dtype_include : dtype or list of dtypes, default=None
        Dtypes of the columns, as of `pandas.DataFrame.select_dtypes`.
    dtype_exclude : dtype or list of dtypes, default=None
        Dtypes that they do not have.

    Returns
    -------
    callable
        Given a frame, a list of the names.

    Examples
    --------
    >>> import pandas as pd
    >>> from fastml.compose import make_column_selector
    >>> X = pd.DataFrame({"size": [1.0, 3.0], "colour": ["red", "blue"]})
    >>> make_column_selector(dtype_include="number")(X)
    ['size']
    """

    pattern: Any = None
    _: dataclasses.KW_ONLY
    dtype_include: Any = None
    dtype_exclude: Any = None
