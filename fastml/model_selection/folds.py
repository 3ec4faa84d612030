"""scikit-learn's splits, found and taken faster: train_test_split, StratifiedKFold; splitters.py has the others."""

import sys
import threading
import warnings
from typing import Any

import numpy as np
from sklearn import model_selection as scikit
from sklearn.utils import check_random_state, indexable

from fastml._sklearn import _num_samples, _safe_indexing, _validate_shuffle_split
from fastml.base import drawn_order, encode_labels, in_parts
from fastml.kinds.lazy import is_lazy
from fastml.model_selection.splitters import ByMasks, KFold, StratifiedShuffleSplit
from fastml.plain import is_plain_target
from fastml_ext import model_selection as kernels

__all__ = ["RepeatedStratifiedKFold", "StratifiedKFold", "train_test_split"]

_own = threading.local()


def train_test_split(
    *arrays: Any,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: Any = None,
    shuffle: bool = True,
    stratify: Any = None,
) -> list:
    """Rows split at random into a training and a test set: scikit-learn's function, the same rows for one random state.

    Parameters
    ----------
    *arrays : lists, arrays, sparse matrices or frames
        What is split, all of one length. Of collections of Dask both sides are lazy; one table in parts, of
        `fastml.scale`, gives two. There the rows are those that are drawn of rows in memory, in the order of the table.
    test_size, train_size : float or int, default=None
        Shares or numbers of rows; a quarter is the test set where neither is given.
    random_state : int, RandomState instance or None, default=None
        Of the shuffle.
    shuffle : bool, default=True
        Whether rows are drawn, or the last ones make the test set.
    stratify : array-like, default=None
        Labels, whose shares both sets keep; True for those of a table in parts.

    Returns
    -------
    splits : list
        The training and the test part of each of `arrays`, in their order.

    Examples
    --------
    >>> from fastml.model_selection import train_test_split
    >>> train, test = train_test_split(list(range(8)), random_state=0)
    >>> train, test
    ([1, 7, 3, 0, 5, 4], [6, 2])
    """
    options = {"test_size": test_size, "train_size": train_size, "random_state": random_state}
    if any(map(is_lazy, arrays)):
        from fastml.dask.splitting import split_collections

        return split_collections(arrays, options | {"shuffle": shuffle, "stratify": stratify})
    if arrays and isinstance(arrays[0], in_parts()):
        from fastml.scale.validation import split_alone

        return split_alone(arrays, options | {"shuffle": shuffle, "stratify": stratify})
    sizes = all(size is None or type(size) in (int, float) for size in (test_size, train_size))
    if not arrays or type(shuffle) is not bool or not sizes or not (shuffle or stratify is None):
        return scikit.train_test_split(*arrays, **options, shuffle=shuffle, stratify=stratify)
    plain = all(map(is_plain, arrays))
    if not plain:
        arrays = tuple(indexable(*arrays))
    n = _num_samples(arrays[0])
    if (
        n == 0
        or any(_num_samples(array) != n for array in arrays)
        or not legal(test_size, n)
        or not legal(train_size, n)
    ):
        return scikit.train_test_split(*arrays, **options, shuffle=shuffle, stratify=stratify)
    n_train, n_test = _validate_shuffle_split(n, test_size, train_size, default_test_size=0.25)
    if not shuffle:
        if plain:
            return [part.copy() for array in arrays for part in (array[:n_train], array[n_train : n_train + n_test])]
        train, test = np.arange(n_train), np.arange(n_train, n_train + n_test)
    elif stratify is not None:
        splitter = StratifiedShuffleSplit(test_size=n_test, train_size=n_train, random_state=drawn_by(random_state))
        train, test = next(splitter.split(np.empty(n), stratify))
    else:
        order = drawn_order(drawn_by(random_state), n)
        test, train = order[:n_test], order[n_test : n_test + n_train]
    return [part for array in arrays for part in (take(array, train), take(array, test))]


train_test_split.__test__ = False  # type: ignore[attr-defined]  # pytest's mark: not a test


def is_plain(array):
    return type(array) is np.ndarray and array.ndim > 0 and array.dtype.kind in "biufcSUMm"


def legal(size, n):
    """Whether a size is one that scikit-learn takes; its words say what is wrong with others."""
    return size is None or (0 < size < 1 if type(size) is float else 0 < size < n)


def take(array, rows):
    """array[rows] of distinct rows that are inside, on several threads; of what is no plain array by scikit-learn."""
    if type(array) is list:
        return list(map(array.__getitem__, rows.tolist()))
    if not is_plain(array):
        return of_frame(array, rows) if is_one_block(array) else _safe_indexing(array, rows)
    if not array.size or not (array.flags.c_contiguous or (array.ndim == 2 and array.flags.f_contiguous)):
        return array.take(rows, axis=0)
    return kernels.take_rows(array, rows)


def is_one_block(X):
    """Whether X is a frame of pandas of nothing but numbers of one dtype, in one table."""
    pandas = sys.modules.get("pandas")
    if pandas is None or type(X) is not pandas.DataFrame or not len(X) or not X.shape[1] or X.attrs:
        return False
    return len(set(X.dtypes)) == 1 and isinstance(X.dtypes.iloc[0], np.dtype) and X.dtypes.iloc[0].kind in "biuf"


def of_frame(X, rows):
    values = X.to_numpy()
    if values.flags.f_contiguous:
        found = kernels.take_columns(values.T, rows).T
    elif values.flags.c_contiguous:
        found = kernels.take_rows(values, rows)
    else:
        return _safe_indexing(X, rows)
    return type(X)(found, index=X.index.take(rows), columns=X.columns, copy=False)


def drawn_by(random_state):
    """The RandomState that scikit-learn's `check_random_state` gives; one for each thread where a seed is given, for
    a new one asks the system for random bits before it is seeded."""
    if type(random_state) is not int:
        return check_random_state(random_state)
    random = getattr(_own, "random", None)
    if random is None:
        random = _own.random = np.random.RandomState(random_state)
    else:
        random.seed(random_state)
    return random


class StratifiedKFold(scikit.StratifiedKFold, ByMasks):
    """scikit-learn's StratifiedKFold, the same folds for one random state, without sorting the labels.

    Parameters
    ----------
    n_splits : int, default=5
        Folds.
    shuffle : bool, default=False
        Whether the rows of each class are shuffled first.
    random_state : int, RandomState instance or None, default=None
        Of the shuffle.

    Examples
    --------
    >>> from fastml.model_selection import StratifiedKFold
    >>> [test.tolist() for _, test in StratifiedKFold(2).split([[0]] * 4, [0, 0, 1, 1])]
    [[0, 2], [1, 3]]
    """

    def _make_test_folds(self, X, y=None):
        """scikit-learn's step: the fold of each row."""
        if not is_plain_target(y, len(y)) or y.dtype.kind not in "iub":
            return super()._make_test_folds(X, y)
        random, n = check_random_state(self.random_state), len(y)
        classes, codes = encode_labels(y.astype(np.uint8) if y.dtype.kind == "b" else y)
        k = len(classes)
        first = np.empty(k, np.int64)
        first[codes[::-1]] = np.arange(n - 1, -1, -1)
        place = np.empty(k, np.int64)
        place[np.argsort(first)] = np.arange(k)  # classes are numbered as they appear
        codes = place[codes]
        counts = np.bincount(codes, minlength=k)
        if (counts < self.n_splits).all():
            raise ValueError(f"n_splits={self.n_splits} cannot be greater than the number of members in each class.")
        if self.n_splits > counts.min():
            warnings.warn(
                f"The least populated class in y has only {counts.min()} members, which is less than"
                f" n_splits={self.n_splits}.",
                UserWarning,
                stacklevel=4,
            )
        ends = np.cumsum(counts)
        folds = np.empty(n, np.int32)
        for c, (begin, end) in enumerate(zip(ends - counts, ends, strict=True)):
            # Row i of the sorted labels goes to fold i modulo n_splits; a class has its rows in blocks of folds.
            own = np.bincount(np.arange(begin, end) % self.n_splits, minlength=self.n_splits)
            of_class = np.arange(self.n_splits).repeat(own)
            if self.shuffle:
                random.shuffle(of_class)
            folds[codes == c] = of_class
        return folds


class RepeatedStratifiedKFold(scikit.RepeatedStratifiedKFold):
    """scikit-learn's RepeatedStratifiedKFold: `StratifiedKFold` several times, each time shuffled anew.

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
    >>> from fastml.model_selection import RepeatedStratifiedKFold
    >>> len(list(RepeatedStratifiedKFold(n_splits=2, n_repeats=3).split([[0]] * 4, [0, 1, 0, 1])))
    6
    """

    def __init__(self, *, n_splits: int = 5, n_repeats: int = 10, random_state: Any = None) -> None:
        super().__init__(n_splits=n_splits, n_repeats=n_repeats, random_state=random_state)
        self.cv = StratifiedKFold


def checked_folds(cv, y, classifier):
    """The splitter that `cv` stands for, as scikit-learn's check_cv has it; what a number stands for is of fastml."""
    found = scikit.check_cv(cv, y, classifier=classifier)
    own = {scikit.KFold: KFold, scikit.StratifiedKFold: StratifiedKFold}.get(type(found))
    return found if own is None or found is cv else own(found.n_splits)
