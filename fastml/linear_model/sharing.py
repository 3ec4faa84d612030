"""What models with a strength C share: each fit starts where that of the next smaller C ended."""

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

__all__ = ["SharedPath"]


class SharedPath:
    """The half of `fastml.sharing.SharesWork` that classifiers with a path of C inherit.

    All fits go to the optimum, each from another start: the responses are those of separate fits to the tolerance of
    the solver. Of a small table it is reached to the last digits.
    """

    shared_to_tolerance = True

    @property
    def shared_parameters(self):
        """C, where the solver goes to an optimum; an unfinished descent depends on its start."""
        return ("C",) if self._goes_to_the_optimum() else ()

    def shared_responses(self, X, y, splits, settings, method):
        """The response of every C for each split."""
        Cs = [setting["C"] for setting in settings]
        if not all(isinstance(C, (int, float, np.number)) and C > 0 for C in Cs):
            raise ValueError("only values of C that are numbers above 0 are shared")
        classes = np.unique(y)
        for train, test in splits:
            if len(np.unique(_safe_indexing(y, train))) < len(classes):
                raise ValueError("a class is missing from a fold, so its scores have fewer columns")
            models = clone(self).fit_path(_safe_indexing(X, train), _safe_indexing(y, train), Cs)
            asked = _safe_indexing(X, test)
            yield [getattr(model, method)(asked) for model in models]
