"""Training, development and test set in one call; the splitters are scikit-learn's."""

from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.utils import check_random_state, indexable

from fastml._sklearn import _safe_indexing

__all__ = ["train_dev_test_split"]


def train_dev_test_split(
    *arrays: Any,
    dev_size: Any = 0.2,
    test_size: Any = 0.2,
    shuffle: Any = True,
    stratify: Any = None,
    groups: Any = None,
    random_state: int | np.random.RandomState | None = None,
) -> list[Any]:
    """Split rows into a set to train on, one to choose parameters on and one to test on once: 60:20:20.

    Parameters
    ----------
    *arrays : arrays, lists, frames or sparse matrices of n_samples rows each
    dev_size, test_size : float or int, default=0.2
        Share of all rows, or their number. dev_size=0 gives two sets: train and test, 80:20.
    shuffle : bool, default=True
        Draw at random; otherwise the first rows train and the last test.
    stratify : array-like of shape (n_samples,), default=None
        Labels whose shares are kept in every set.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group stay in one set; sizes then count groups.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    list
        For each array its training, development and test rows, in the type it had; without development rows where
        dev_size is 0.

    Raises
    ------
    ValueError
        Where a set would be empty, or stratify and groups are both given, or either without shuffling.

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.arange(20).reshape(10, 2), np.arange(10)
    >>> X_train, X_dev, X_test, y_train, y_dev, y_test = train_dev_test_split(X, y, random_state=0)
    >>> len(y_train), len(y_dev), len(y_test)
    (6, 2, 2)
    """
    if not arrays:
        raise ValueError("train_dev_test_split needs at least one array")
    if stratify is not None and groups is not None:
        raise ValueError("stratify and groups cannot both be given: a group's rows have one set, not a share in each")
    if not shuffle and (stratify is not None or groups is not None):
        raise ValueError("shuffle=False keeps the order of the rows, which stratify and groups cannot")
    arrays = indexable(*arrays)
    n = arrays[0].shape[0] if hasattr(arrays[0], "shape") else len(arrays[0])
    units, sets_of = (n, None) if groups is None else grouped(groups, n)
    n_dev, n_test = count_of("dev_size", dev_size, units), count_of("test_size", test_size, units)
    if n_test == 0 or n_dev + n_test >= units or (n_dev == 0 and dev_size != 0):
        raise ValueError(
            f"dev_size={dev_size} and test_size={test_size} of {units} {'rows' if groups is None else 'groups'} leave"
            f" {max(0, units - n_dev - n_test)} to train on, {n_dev} for development and {n_test} to test on"
        )
    random = check_random_state(random_state)
    parts = drawn(n, sets_of, n_dev, n_test, shuffle, stratify, random)
    return [_safe_indexing(array, part) for array in arrays for part in parts]


def drawn(n, groups, n_dev, n_test, shuffle, stratify, random):
    """Rows of the training, the development (if any) and the test set."""
    rest = np.arange(n)
    parts: list = []
    for size in (n_test, n_dev):
        if size == 0:
            continue
        if groups is not None:
            splitter = GroupShuffleSplit(1, test_size=size, random_state=random)
            keep, part = next(splitter.split(rest, groups=groups[rest]))
            keep, part = rest[keep], rest[part]
        else:
            labels = None if stratify is None else _safe_indexing(np.asarray(stratify), rest)
            options = {"shuffle": shuffle, "random_state": random if shuffle else None}
            keep, part = train_test_split(rest, test_size=size, stratify=labels, **options)
        rest = keep
        parts.insert(0, part)
    return [rest, *parts]


def grouped(groups, n):
    """(number of groups, group of each row)."""
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups has shape {groups.shape}, but there are {n} rows")
    names, codes = np.unique(groups, return_inverse=True)
    return len(names), codes


def count_of(name, size, n):
    """Rows that a share, or a number, stands for; a share is rounded up for the test set as scikit-learn does."""
    if isinstance(size, (int, np.integer)) and not isinstance(size, bool) and 0 <= size < n:
        return int(size)
    if isinstance(size, (float, np.floating)) and 0 <= size < 1:
        return int(np.ceil(size * n - 1e-9))
    raise ValueError(f"{name}={size!r} must be a share in [0, 1) or a number of rows below {n}")
