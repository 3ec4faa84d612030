"""Cross-validation of tables in parts, by the numbers of their rows: scores of folds, and the folds as tables."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from fastml._sklearn import _validate_shuffle_split
from fastml.model_selection.folds import checked_folds
from fastml.scale.fitting import rows_of_piece
from fastml.scale.folding import Settings, Validation, checked_scoring, grouped
from fastml.scale.parts import Parts
from fastml.scale.searching import fitted_on_each
from fastml.scale.sides import TEST, TRAIN, RandomFolds, Sides, Two, sides_of
from fastml.scale.views import Splits, View

__all__ = ["cross_val_score", "folds", "split_alone", "two_sides"]


def cross_val_score(
    model: Any, parts: Parts, *, cv: Any = 5, scoring: Any = None, random_state: int = 0
) -> np.ndarray | dict[str, np.ndarray]:
    """Fit a model on all folds of a table but one, and measure it on that one, for each fold.

    The fold of a row is drawn by its number and the seed: folds are the same whatever files the table stands in, and
    rows that are sorted do no harm. All fits share the passes over the table: naive Bayes, LinearRegression and Ridge
    read it twice, and y for the classes, whatever the number of folds.

    Parameters
    ----------
    model : estimator that learns from parts
        It is not changed.
    parts : Parts
        The table, with y.
    cv : int or splitter, default=5
        Folds, `RandomFolds(cv, random_state)`; or how rows are split, as in `fastml.model_selection`.
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
    if isinstance(cv, int | np.integer) and not 2 <= cv <= 1000:
        raise ValueError(f"cv={cv} must be from 2 to 1000")
    scoring = checked_scoring(scoring)
    splitter = RandomFolds(int(cv), random_state) if isinstance(cv, int | np.integer) else cv
    validation = Validation(model, parts, splitter)
    found = [
        each["test_scores"] for each in fitted_on_each(validation, model, Settings(scoring, error_score="raise"), False)
    ]
    if isinstance(scoring, dict):
        return {name: np.array([scores[name] for scores in found]) for name in scoring}
    return np.array(found)


def folds(parts: Parts, cv: Any = 5, *, groups: Any = None) -> Iterator[tuple[Parts, Parts]]:
    """The training and the test rows of each split of a table, as tables in parts.

    Parameters
    ----------
    parts : Parts
        The table.
    cv : int or splitter, default=5
        A number stands for `KFold`; `StratifiedKFold` and its like look at y; `RandomFolds` shuffles tables of any
        size.
    groups : array-like of shape (n_samples,), default=None
        For splitters by groups.

    Yields
    ------
    (train, test) : tuple of Parts
        Their rows are numbered from 0, in the order of the table.

    Examples
    --------
    >>> import fastml.scale
    >>> table = fastml.scale.arrays([[1.0], [2.0], [3.0], [4.0]])
    >>> [(train.n_rows, test.rows(0, 2)[0].ravel().tolist()) for train, test in fastml.scale.folds(table, 2)]
    [(2, [1.0, 2.0]), (2, [3.0, 4.0])]
    """
    n = known_rows(parts)
    splitter = checked_folds(cv, None, False)
    splits = Splits(parts, sides_of(splitter, parts, n, None, grouped(groups, n)), n)
    for split in range(splits.sides.n_splits):
        yield View(splits, split, TRAIN, f"all but fold {split}"), View(splits, split, TEST, f"fold {split}")


def known_rows(parts: Parts) -> int:
    """The number of rows; where nobody knows it, by a pass."""
    if parts.once:
        raise ValueError("these chunks can be read once, and splits are read several times: give a list, or a function")
    if parts.n_rows is None:
        counted = parts.map_targets(rows_of_piece) if parts.has_target else (len(piece.X) for piece in parts.pieces())
        parts.n_rows = sum(counted)
    return parts.n_rows


def split_alone(arrays: tuple, options: dict) -> list[Parts]:
    """[training rows, test rows]: `train_test_split` of a table in parts."""
    if len(arrays) > 1:
        raise TypeError("train_test_split takes a table in parts alone: y and weights come with it")
    parts = arrays[0]
    if options["stratify"] is not None and options["stratify"] is not True:
        raise TypeError("stratify must be True for a table in parts: by its own y")
    n = known_rows(parts)
    splits = Splits(parts, two_sides(parts, n, options), n)
    return [View(splits, 0, TRAIN, "the training rows"), View(splits, 0, TEST, "the test rows")]


def two_sides(parts: Parts, n: int, options: dict) -> Sides:
    """The rows that `train_test_split` draws of rows in memory for the same random state; stratify: whether by y."""
    sizes = {name: options[name] for name in ("test_size", "train_size")}
    n_train, n_test = _validate_shuffle_split(n, *sizes.values(), default_test_size=0.25)
    if not options["shuffle"]:
        if options["stratify"]:
            raise ValueError("Stratified train/test split is not implemented for shuffle=False")
        return Two(n_train, n_test)
    kind = StratifiedShuffleSplit if options["stratify"] else ShuffleSplit
    splitter = kind(1, test_size=n_test, train_size=n_train, random_state=options["random_state"])
    return sides_of(splitter, parts, n, None)
