"""Sides: which rows of a table train and which test in each split of a cross-validation, by the numbers of rows.

Nothing here holds a list of row numbers: folds that follow from numbers alone are worked out where they are asked for,
others are kept in a byte or two a row.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from fastml.scale.labels import Labels, find_labels
from fastml.scale.parts import Parts

__all__ = ["ALL", "TEST", "TRAIN", "RandomFolds", "Sides", "Two", "codes_of", "folds_of", "sides_of"]

TRAIN, TEST = 1, 2  # flags of a row
ALL = -1  # the split in which every row trains
STRETCH = 2**16  # rows whose flags are looked at together
LISTED = 24  # bytes a row, while scikit-learn's splitters list row numbers
SEVERAL = 10  # splits, where a splitter does not tell
SPARED = 2**26  # bytes that lists may always take


class Sides(Protocol):
    """The splits of a table; what `between` gives goes to where rows are."""

    @property
    def n_splits(self) -> int: ...

    def flags(self, split: int, first: int, stop: int) -> np.ndarray:
        """(stop - first,) uint8 of the rows from `first` to before `stop`: TRAIN, TEST, both or neither."""

    def between(self, first: int, stop: int) -> "Sides":
        """What tells of these rows alone, by the same numbers."""


def folds_of(first: int, stop: int, n_folds: int, seed: int) -> np.ndarray:
    """(stop - first,) int64: the folds of rows by their numbers, as good as random: SplitMix64 (Steele et al. 2014).

    >>> np.bincount(folds_of(0, 30_000, 3, seed=0)).tolist()
    [10041, 9892, 10067]
    """
    with np.errstate(over="ignore"):
        z = (np.arange(first, stop, dtype=np.uint64) + np.uint64(seed << 40) + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) % np.uint64(n_folds)).astype(np.int64)


class RandomFolds:
    """Folds of a shuffled table that follow from the numbers of rows: as `cv` of tables of any size.

    scikit-learn's shuffling splitters make lists of row numbers, 8 bytes each and several at a time; this one asks the
    number of a row for its fold, wherever the row is. Folds are about of one size.

    Parameters
    ----------
    n_splits : int, default=5
        Folds, from 2 to 1000.
    random_state : int, default=0
        The seed, from 0 to 2**24 - 1.

    Examples
    --------
    >>> import fastml.scale
    >>> folds = fastml.scale.RandomFolds(2)
    >>> [test.tolist() for _, test in folds.split([[0]] * 8)]
    [[1, 3, 5, 7], [0, 2, 4, 6]]
    """

    def __init__(self, n_splits: int = 5, random_state: int = 0) -> None:
        if not 2 <= n_splits <= 1000 or not 0 <= random_state < 2**24:
            raise ValueError(
                f"n_splits={n_splits} must be from 2 to 1000, and random_state={random_state} from 0 to 2**24 - 1"
            )
        self.n_splits, self.random_state = int(n_splits), int(random_state)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of folds; X, y and groups are not looked at."""
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(training rows, test rows) of each fold of a table in memory, by their numbers."""
        folds = folds_of(0, X.shape[0] if hasattr(X, "shape") else len(X), self.n_splits, self.random_state)
        for fold in range(self.n_splits):
            yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)

    def flags(self, split: int, first: int, stop: int) -> np.ndarray:
        """TRAIN or TEST of the rows from `first` to before `stop`."""
        return told(folds_of(first, stop, self.n_splits, self.random_state) == split)

    def between(self, first: int, stop: int) -> "RandomFolds":
        """Itself: any row's number tells."""
        return self


def told(tests: np.ndarray) -> np.ndarray:
    return np.where(tests, np.uint8(TEST), np.uint8(TRAIN))


class Stretches(NamedTuple):
    """KFold without shuffling: adjacent rows test."""

    edges: np.ndarray  # (n_splits + 1,)

    @property
    def n_splits(self) -> int:
        return len(self.edges) - 1

    def flags(self, split: int, first: int, stop: int) -> np.ndarray:
        found = np.full(stop - first, TRAIN, np.uint8)
        begin, end = np.clip(self.edges[split : split + 2], first, stop) - first
        found[begin:end] = TEST
        return found

    def between(self, first: int, stop: int) -> "Stretches":
        return self


class Two(NamedTuple):
    """One split: the first rows train, those behind them test."""

    n_train: int
    n_test: int
    n_splits: int = 1

    def flags(self, split: int, first: int, stop: int) -> np.ndarray:
        rows, ends = np.arange(first, stop), (self.n_train, self.n_train + self.n_test)
        return np.array([TRAIN, TEST, 0], np.uint8)[np.searchsorted(ends, rows, side="right")]

    def between(self, first: int, stop: int) -> "Two":
        return self


class Numbered(NamedTuple):
    """Folds that part the table: the number of each row's."""

    n_splits: int
    folds: np.ndarray  # of rows from `start` on
    start: int = 0

    def flags(self, split: int, first: int, stop: int) -> np.ndarray:
        return told(self.folds[first - self.start : stop - self.start] == split)

    def between(self, first: int, stop: int) -> "Numbered":
        return Numbered(self.n_splits, self.folds[first - self.start : stop - self.start].copy(), first)


class Flags(NamedTuple):
    """Any splits: a byte for each row and split."""

    rows: list  # of (n,) uint8, of rows from `start` on
    start: int = 0

    @property
    def n_splits(self) -> int:
        return len(self.rows)

    def flags(self, split: int, first: int, stop: int) -> np.ndarray:
        return self.rows[split][first - self.start : stop - self.start]

    def between(self, first: int, stop: int) -> "Flags":
        return Flags([rows[first - self.start : stop - self.start].copy() for rows in self.rows], first)


def sides_of(cv: Any, parts: Parts, n: int, labels: Labels | None, groups: Any = None) -> Sides:
    """The splits of a table of n rows by a splitter of scikit-learn's; labels: of a classifier's y."""
    if isinstance(cv, RandomFolds):
        return cv
    if labels is None and "Stratified" in type(cv).__name__:
        labels = find_labels(parts)
    if type(cv).__name__ == "KFold" and isinstance(cv, KFold) and not cv.shuffle:
        check_folds(cv.n_splits, n)
        sizes = np.full(cv.n_splits, n // cv.n_splits)
        sizes[: n % cv.n_splits] += 1
        return Stretches(np.append(0, np.cumsum(sizes)))
    if type(cv).__name__ == "StratifiedKFold" and isinstance(cv, StratifiedKFold) and not cv.shuffle and labels:
        return stratified(cv.n_splits, codes_of(parts, labels), labels)
    return listed(cv, parts, n, labels, groups)


def check_folds(n_folds: int, n: int) -> None:
    if n_folds > n:
        raise ValueError(
            f"Cannot have number of splits n_splits={n_folds} greater than the number of samples: n_samples={n}."
        )


def codes_of(parts: Parts, labels: Labels) -> np.ndarray:
    """(n,) codes of the labels of all rows, a byte each or as few as hold them: a pass over y."""
    dtype = np.min_scalar_type(max(len(labels.classes) - 1, 0))
    found = list(parts.map_targets(Coding(labels, dtype)))
    return np.concatenate(found) if found else np.empty(0, dtype)


class Coding(NamedTuple):
    """The codes of the targets of a piece."""

    labels: Labels
    dtype: np.dtype

    def __call__(self, y: np.ndarray, source: str, first: int) -> np.ndarray:
        codes, strange = self.labels.codes(y) if len(y) else (np.empty(0, np.int64), -1)
        if strange >= 0:
            raise ValueError(f"y is {y[strange]!r} in row {first + strange} of {source}: the table has changed")
        return codes.astype(self.dtype)


def stratified(n_folds: int, codes: np.ndarray, labels: Labels) -> Numbered:
    """StratifiedKFold without shuffling: a class has its rows in stretches of folds."""
    n, counts = len(codes), labels.counts.astype(np.int64)
    check_folds(n_folds, n)
    if (counts < n_folds).all():
        raise ValueError(f"n_splits={n_folds} cannot be greater than the number of members in each class.")
    if n_folds > counts.min():
        warn_of_few(int(counts.min()), n_folds)
    ends = np.empty((len(counts), n_folds), np.int64)  # rows of a class in a fold and those before it
    begin = 0
    for c in order_of_appearance(codes, len(counts)):
        places = np.arange(begin, min(begin + n_folds, begin + counts[c])) % n_folds
        own = np.full(n_folds, counts[c] // n_folds)
        own[places[: counts[c] % n_folds]] += 1
        ends[c], begin = np.cumsum(own), begin + counts[c]
    folds, seen = np.empty(n, np.min_scalar_type(n_folds - 1)), np.zeros(len(counts), np.int64)
    for start in range(0, n, STRETCH):
        part = codes[start : start + STRETCH]
        order = np.argsort(part, kind="stable")
        own = np.bincount(part, minlength=len(counts))
        stops = np.cumsum(own)
        for c in np.flatnonzero(own):
            rank = np.arange(seen[c], seen[c] + own[c])
            folds[start + order[stops[c] - own[c] : stops[c]]] = np.searchsorted(ends[c], rank, side="right")
        seen += own
    return Numbered(n_folds, folds)


def warn_of_few(members: int, n_folds: int) -> None:
    from fastml.warning import warn

    told = f"The least populated class in y has only {members} members, which is less than n_splits={n_folds}."
    warn(told, UserWarning)


def order_of_appearance(codes: np.ndarray, k: int) -> np.ndarray:
    """Codes in the order in which rows first have them."""
    first = np.full(k, len(codes))
    for start in range(0, len(codes), STRETCH):
        values, places = np.unique(codes[start : start + STRETCH], return_index=True)
        first[values] = np.minimum(first[values], start + places)
        if (first < len(codes)).all():
            break
    return np.argsort(first, kind="stable")


def listed(cv: Any, parts: Parts, n: int, labels: Labels | None, groups: Any) -> Sides:
    """The splits of a splitter that lists row numbers, where these fit into memory, as flags."""
    who = type(getattr(cv, "base_cv", cv)).__name__  # a search by halving has a splitter of its own about it
    splits = cv.get_n_splits(np.empty((n, 0)), None, groups) if hasattr(cv, "get_n_splits") else SEVERAL
    need = n * (LISTED + splits)
    if need > max(parts.memory, SPARED):
        raise ValueError(
            f"cv={who} lists the numbers of {n:,} rows in memory, about {need / 1e6:,.0f} MB, and memory= of the parts"
            f" is {parts.memory / 1e6:,.0f} MB: take KFold or StratifiedKFold without shuffling, or"
            " fastml.scale.RandomFolds(5), whose folds are shuffled; or raise memory="
        )
    y = None if labels is None else codes_of(parts, labels)
    rows: list = []
    given_groups = {} if groups is None else {"groups": groups}
    for train, test in cv.split(np.empty((n, 0)), y, **given_groups):
        flags = np.zeros(n, np.uint8)
        for given, flag, name in ((train, TRAIN, "training"), (test, TEST, "test")):
            numbers = np.asarray(given)
            numbers = np.flatnonzero(numbers) if numbers.dtype == bool else numbers
            flags[numbers] |= flag
            if np.count_nonzero(flags & flag) != len(numbers):
                raise ValueError(
                    f"split {len(rows)} of cv={who} has a row several times among its {name} rows, and a table in parts"
                    " is read row by row, each once: take weights of the rows for that"
                )
        rows.append(flags)
    if not rows:
        raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
    return Flags(rows)
