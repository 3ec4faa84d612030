"""A table in parts behind a fitted transformer: its rows are transformed when they are read, and never kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.base import Estimator
from fastml.scale.fitting import fit_parts
from fastml.scale.output import asked_at, asked_of_none, asking
from fastml.scale.parts import Parts, Piece
from fastml.scale.sparse_rows import Dense, with_length

__all__ = ["Through", "learn_through", "through"]


def through(parts: Parts, transformer: Any) -> Parts:
    """The rows of a table as a fitted transformer gives them."""
    none = asked_of_none(transformer, parts, "transform", sparse=True)
    return parts.behind(asking(transformer, parts, "transform", sparse=True), none)


def learn_through(parts: Parts, step: Any) -> Parts:
    """The rows as a transformer gives them on the way to a model, after it has been fitted to them.

    A TargetEncoder gives each row the means of the other folds, as its `fit_transform` does; so does one that is a step
    of a ColumnTransformer.
    """
    crossed: list = []
    if isinstance(step, Estimator):
        fit_parts(step, "fit", (parts,), {}, crossed)
    else:
        step.fit(parts)
    found = crossed[0] if crossed else None
    if not getattr(found, "numbered", False):
        return through(parts, step)
    return parts.behind(found, asked_of_none(step, parts, "transform"))


class Through(Parts):
    """Parts whose rows go through a function of X."""

    def __init__(self, parts: Parts, ask: Any, none: Any):
        self.parts, self.ask, self.none = parts, ask, none
        self.what, self.once = parts.what, parts.once
        self.has_target, self.has_weight = parts.has_target, parts.has_weight
        self.memory, self.verbose, self.codes = parts.memory, parts.verbose, parts.codes
        self.sparse = issparse(none)
        self.texts = [True] * none.shape[1] if none.dtype.kind == "O" else None
        self.n_features, self.dtype, self.n_rows = none.shape[1], none.dtype, parts.n_rows

    def made_dense(self) -> Parts:
        return Through(self.parts, Dense(self.ask), with_length(self.none).toarray()) if self.sparse else self

    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        start = first
        for piece in self.parts.pieces(first, most):
            yield piece._replace(X=asked_at(self.ask, piece.X, start) if len(piece.X) else self.none)
            start += len(piece.X)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        return self.parts.targets()

    def targets_of_rows(self, start: int, stop: int) -> np.ndarray:
        return self.parts.targets_of_rows(start, stop)
