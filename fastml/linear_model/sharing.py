"""What models with a strength C share: each fit starts where that of the next smaller C ended."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from fastml.sharing import NotShared, rows_of, separate_fit

__all__ = ["SharedPath"]


class SharedPath:
    """The half of `fastml.sharing.SharesWork` that classifiers with a path of C inherit.

    Each fit starts where another one ended, and stops by the solver's tolerance as a separate fit does: the responses
    differ from those of separate fits by what the tolerance leaves.
    """

    shared_to_tolerance = True

    def fit_path(self: Any, X: Any, y: Any, Cs: Any, sample_weight: ArrayLike | None = None) -> list[Any]:
        """A fitted model for each of `Cs`, in order; where the solver can, each starts where the one before ended.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        Cs : array-like of float
            The values of C; they are fitted from the smallest to the largest.

        Returns
        -------
        list of fitted models
        """
        Cs = np.asarray(Cs, float)
        if Cs.ndim != 1 or not len(Cs) or not (Cs > 0).all():
            raise ValueError(f"Cs={Cs} must be a list of positive numbers")
        problem, order = self._problem(X, y, sample_weight), np.argsort(Cs)
        fitted = self._solve_each([copy.copy(self).set_params(C=float(C)) for C in Cs[order]], *problem)
        return [fitted[at] for at in np.argsort(order)]

    def _solve_each(self, models, *problem):
        """The models of one problem, fitted, each from where the one before it ended."""
        start = None
        for model in models:
            start = model._solve(*problem, start)._reached()
        return models

    def _reached(self):
        """Where the next fit of a path starts."""
        return self.coef_, self.intercept_

    @property
    def shared_parameters(self: Any) -> tuple[str, ...]:
        """C, where the solver goes to an optimum; an unfinished descent depends on its start."""
        return ("C",) if self._goes_to_the_optimum() else ()

    def shared_responses(self: Any, X: Any, y: Any, splits: Any, settings: Any, method: str) -> Iterator[Any]:
        """The response of every C for each split."""
        Cs = [setting["C"] for setting in settings]
        if not all(isinstance(C, (int, float, np.number)) and C > 0 for C in Cs):
            raise NotShared("only values of C that are numbers above 0 are shared")
        with separate_fit():
            classes = np.unique(y)
        for train, test in splits:
            if len(np.unique(rows_of(y, train))) < len(classes):
                raise NotShared("a class is missing from a fold, so its scores have fewer columns")
            with separate_fit():
                models = clone(self).fit_path(rows_of(X, train), rows_of(y, train), Cs)
                asked = rows_of(X, test)
                responses = [getattr(model, method)(asked) for model in models]
            yield responses
