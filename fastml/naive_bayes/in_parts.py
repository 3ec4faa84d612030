"""Naive Bayes over a table in parts: what is counted in each block of rows, joined as fastml_ext/blocks.py says."""

from typing import Any

import numpy as np

from fastml_ext.blocks import block_rows

__all__ = ["fit_in_parts"]


def like(model):
    """A model of the same attributes; `copy` would make derived ones again, for each block."""
    other = object.__new__(type(model))
    other.__dict__.update(model.__dict__)
    return other


class Counting:
    """A reduction (see `fastml.scale.Reduction`) whose state is what `_count` makes of rows."""

    def __init__(self, model: Any, entries: int):
        self.model, self.block = like(model), block_rows(entries)
        self.model.n_jobs = 1  # blocks are counted side by side

    def __getstate__(self) -> tuple:
        return type(self.model), self.model.__dict__, self.block  # a model half fitted cannot be pickled by itself

    def __setstate__(self, state: tuple) -> None:
        cls, attributes, self.block = state
        self.model = object.__new__(cls)
        self.model.__dict__.update(attributes)

    def partial(self, rows: Any) -> tuple:
        counted = like(self.model)
        counted._count(counted._rows_of_block(rows.X), rows.y, np.empty(0), True)
        return tuple(getattr(counted, name) for name in self.model._summed)

    def merge(self, first: tuple, second: tuple) -> tuple:
        return self.model._add_counts(first, second)


def fit_in_parts(model: Any, table: Any, reduce: Any, entries: int = 1) -> None:
    """Count the rows of a table in one pass; entries: of what is counted, a class and column."""
    model.classes_, model.class_count_ = table.labels.classes, table.labels.counts
    counted = reduce(Counting(model, entries * len(model.classes_)))
    for name, value in zip(model._summed, counted, strict=True):
        setattr(model, name, value)
    model._estimate()
    model._ready()
