"""scikit-learn's splitters, the same splits for one random state: rows are found from masks, and labels counted."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn import model_selection as scikit
from sklearn.utils import check_random_state, indexable

from fastml._sklearn import _approximate_mode, _num_samples, _validate_shuffle_split
from fastml.base import encode_labels
from fastml.plain import is_plain_target

__all__ = [
    "GroupKFold", "KFold", "LeaveOneOut", "RepeatedKFold", "StratifiedGroupKFold", "StratifiedShuffleSplit",
]  # fmt: skip


class ByMasks(scikit.BaseCrossValidator):
    """How a splitter by masks of the test rows finds the rows: a pass over bytes for each set."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """scikit-learn's step, which others call when they have checked what they are given."""
        X, y, groups = indexable(X, y, groups)
        for test in self._iter_test_masks(X, y, groups):
            yield np.flatnonzero(~test), np.flatnonzero(test)


class KFold(scikit.KFold, ByMasks):
    """scikit-learn's KFold, the same folds for one random state.

    Parameters
    ----------
    n_splits : int, default=5
        Folds.
    shuffle : bool, default=False
        Whether rows are shuffled first.
    random_state : int, RandomState instance or None, default=None
        Of the shuffle.

    Examples
    --------
    >>> from fastml.model_selection import KFold
    >>> [test.tolist() for _, test in KFold(2).split([[0]] * 4)]
    [[0, 1], [2, 3]]
    """


class GroupKFold(scikit.GroupKFold, ByMasks):
    """scikit-learn's GroupKFold: rows of one group are in one fold.

    Parameters
    ----------
    n_splits : int, default=5
        Folds.
    shuffle : bool, default=False
        Whether groups are shuffled first; otherwise the largest are dealt out first.
    random_state : int, RandomState instance or None, default=None
        Of the shuffle.

    Examples
    --------
    >>> from fastml.model_selection import GroupKFold
    >>> [test.tolist() for _, test in GroupKFold(2).split([[0]] * 4, groups=[0, 1, 1, 0])]
    [[1, 2], [0, 3]]
    """


class StratifiedGroupKFold(scikit.StratifiedGroupKFold, ByMasks):
    """scikit-learn's StratifiedGroupKFold: rows of one group are in one fold, and folds are alike in their labels.

    Parameters
    ----------
    n_splits : int, default=5
        Folds.
    shuffle : bool, default=False
        Whether groups are shuffled first.
    random_state : int, RandomState instance or None, default=None
        Of the shuffle.

    Examples
    --------
    >>> from fastml.model_selection import StratifiedGroupKFold
    >>> folds = StratifiedGroupKFold(2).split([[0]] * 4, [0, 1, 0, 1], groups=[0, 0, 1, 1])
    >>> [test.tolist() for _, test in folds]
    [[0, 1], [2, 3]]
    """


class LeaveOneOut(scikit.LeaveOneOut, ByMasks):
    """scikit-learn's LeaveOneOut: each row is a test set.

    Examples
    --------
    >>> from fastml.model_selection import LeaveOneOut
    >>> [test.tolist() for _, test in LeaveOneOut().split([[0]] * 3)]
    [[0], [1], [2]]
    """


class RepeatedKFold(scikit.RepeatedKFold):
    """scikit-learn's RepeatedKFold: `KFold` several times, each time shuffled anew.

    Parameters
    ----------
    n_splits : int, default=5
        Folds.
    n_repeats : int, default=10
        How often.
    random_state : int, RandomState instance or None, default=None
        Of the shuffles.

    Examples
    --------
    >>> from fastml.model_selection import RepeatedKFold
    >>> len(list(RepeatedKFold(n_splits=2, n_repeats=3).split([[0]] * 4)))
    6
    """

    def __init__(self, *, n_splits: int = 5, n_repeats: int = 10, random_state: Any = None) -> None:
        super().__init__(n_splits=n_splits, n_repeats=n_repeats, random_state=random_state)
        self.cv = KFold


class StratifiedShuffleSplit(scikit.StratifiedShuffleSplit):
    """scikit-learn's StratifiedShuffleSplit, the same sets for one random state: labels are counted, not sorted.

    Parameters
    ----------
    n_splits : int, default=10
        How often rows are drawn.
    test_size, train_size : float or int, default=None
        Shares or numbers of rows; a tenth is the test set where neither is given.
    random_state : int, RandomState instance or None, default=None
        Of the draws.

    Examples
    --------
    >>> from fastml.model_selection import StratifiedShuffleSplit
    >>> splits = StratifiedShuffleSplit(1, test_size=2, random_state=0)
    >>> [test.tolist() for _, test in splits.split([[0]] * 6, [0, 0, 0, 1, 1, 1])]
    [[0, 4]]
    """

    def _iter_indices(self, X, y, groups=None):
        """scikit-learn's step: the rows of each pair of sets."""
        n, sizes = _num_samples(X), (self.test_size, self.train_size)
        if not is_plain_target(y, n) or y.dtype.kind not in "iub":
            yield from super()._iter_indices(X, y, groups)
            return
        n_train, n_test = _validate_shuffle_split(n, *sizes, default_test_size=self._default_test_size)
        classes, codes = encode_labels(y.astype(np.uint8) if y.dtype.kind == "b" else y)
        counts = np.bincount(codes, minlength=len(classes))
        if counts.min() < 2 or min(n_train, n_test) < len(classes):
            yield from super()._iter_indices(X, y, groups)  # which says why that cannot be
            return
        narrow = codes.astype(np.uint16) if len(classes) < 2**16 else codes  # which NumPy sorts by counting
        of_class = np.split(np.argsort(narrow, kind="stable"), np.cumsum(counts)[:-1])
        random = check_random_state(self.random_state)
        for _ in range(self.n_splits):
            taken = _approximate_mode(counts, n_train, random)
            tested = _approximate_mode(counts - taken, n_test, random)
            train, test = [], []
            for rows, some, more in zip(of_class, taken, tested, strict=True):
                drawn = rows.take(random.permutation(len(rows)), mode="clip")
                train.append(drawn[:some])
                test.append(drawn[some : some + more])
            yield random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))
