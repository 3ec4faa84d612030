"""A table in parts behind a fitted transformer: its rows are transformed when they are read, and never kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.scale.output import asked_of_none, asking
from fastml.scale.parts import Parts, Piece
from fastml.scale.sparse_rows import Dense, with_length

__all__ = ["Through", "through"]


def through(parts: Parts, transformer: Any) -> Parts:
    """The rows of a table as a fitted transformer gives them."""
    none = asked_of_none(transformer, parts, "transform", sparse=True)
    return parts.behind(asking(transformer, parts, "transform", sparse=True), none)


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
        for piece in self.parts.pieces(first, most):
            yield piece._replace(X=self.ask(piece.X) if len(piece.X) else self.none)

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        return self.parts.targets()

    def targets_of_rows(self, start: int, stop: int) -> np.ndarray:
        return self.parts.targets_of_rows(start, stop)
