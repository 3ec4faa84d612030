"""Cross-validation of models on tables in parts: the fold of a row follows from its number, not from its file."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone

from fastml.scale.parts import Parts, Piece
from fastml.scale.scores import score
from fastml.scale.spreading import OnWorkers

__all__ = ["Fold", "cross_val_score", "folds_of"]

COPIED = "memory", "verbose", "codes", "once"


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


class Fold(Parts):
    """The rows of one fold of a table, or those of all the others."""

    def __init__(self, parts: Parts, fold: int, n_folds: int, seed: int, inside: bool):
        self.parts, self.fold, self.n_folds, self.seed, self.inside = parts, fold, n_folds, seed, inside
        self.which = f"{'' if inside else 'all but '}fold {fold}"
        self.what = f"{self.which} of {parts.what}"
        for name in (*COPIED, "names", "n_features", "dtype", "has_target", "has_weight", "texts", "kinds", "sparse"):
            setattr(self, name, copy.copy(getattr(parts, name)))

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        start, before = 0, Counter[str]()  # rows of the fold that each source has had
        for piece in self.parts.pieces(0, most):
            folds = folds_of(start, start + len(piece.X), self.n_folds, self.seed)
            start += len(piece.X)
            wanted = np.flatnonzero((folds == self.fold) == self.inside)
            kept, first = wanted[first:], max(0, first - len(wanted))
            source, number = piece.source, before[piece.source] + len(wanted) - len(kept)
            before[source] += len(wanted)
            if len(kept):
                y, weight = (None if each is None else each[kept] for each in (piece.y, piece.weight))
                yield Piece(piece.X[kept], y, f"{self.which} of {source}", number, weight)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        start = 0
        for y, source, first in self.parts.targets():
            folds = folds_of(start, start + len(y), self.n_folds, self.seed)
            start += len(y)
            yield y[(folds == self.fold) == self.inside], source, first


def cross_val_score(
    model: Any, parts: Parts, *, cv: int = 5, scoring: Any = None, random_state: int = 0
) -> np.ndarray | dict[str, np.ndarray]:
    """Fit a model on all folds of a table but one, and measure it on that one, for each fold.

    The fold of a row is drawn by its number and the seed: folds are the same whatever files the table stands in, and
    rows that are sorted do no harm. Each fold reads the table as often as a fit does, and once more.

    Parameters
    ----------
    model : estimator that learns from parts
        It is not changed.
    parts : Parts
        The table, with y, in files or in memory.
    cv : int, default=5
        Folds.
    scoring : str or list of str, default=None
        As for `score`.
    random_state : int, default=0
        The seed, from 0 to 2**24 - 1.

    Returns
    -------
    ndarray of shape (cv,), or dict of them
        Of a list the scores by each name.

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.naive_bayes import GaussianNB
    >>> X = np.arange(100.0)[:, None]
    >>> fastml.scale.cross_val_score(GaussianNB(), fastml.scale.arrays(X, X[:, 0] > 50), cv=2).round(2).tolist()
    [0.98, 0.98]
    """
    if isinstance(parts, OnWorkers):
        raise TypeError(
            f"cross_val_score reads files on this machine, and {parts!r} is read by workers: give its files"
        )
    if parts.once:
        raise ValueError("these chunks can be read once, and folds need several passes: give a list, or a function")
    if not 2 <= cv <= 1000 or not 0 <= random_state < 2**24:
        raise ValueError(f"cv={cv} must be from 2 to 1000, and random_state={random_state} from 0 to 2**24 - 1")
    found = []
    for fold in range(cv):
        fitted = clone(model).fit(Fold(parts, fold, cv, random_state, False))
        found.append(score(fitted, Fold(parts, fold, cv, random_state, True), scoring))
    if scoring is None or isinstance(scoring, str):
        return np.array(found)
    return {name: np.array([each[name] for each in found]) for name in scoring}
