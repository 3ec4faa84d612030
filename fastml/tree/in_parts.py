"""Trees of tables in parts: their columns are coded in passes, and the codes are what a tree is grown from."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from fastml.table import Table, is_categorical
from fastml.tree.columns import check_monotonic
from fastml.tree.pruning import pruned
from fastml.tree.ranges import MOST, Coding, codes_of, find_codings, width_of
from fastml.tree.training import check_options, settings_of, weigh
from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column
from fastml_ext.tree.structure import NUMERIC

__all__ = ["fit_parts"]

BESIDE = 40  # bytes of a row that growing takes beside its codes


def fit_parts(model: Any, table: Any) -> None:
    """What `fit` of a tree does with a `fastml.scale.fitting.Table`."""
    take_target(model, table)
    check_options(model)
    parts = table.parts
    names = parts.names or [f"x{j}" for j in range(parts.n_features)]
    none = table_of_none(parts, names)
    categorical = is_categorical(none, model.categorical_features, names)
    monotonic = check_monotonic(none, categorical, model)
    codings = find_codings(table)
    for j in np.flatnonzero(categorical).tolist():
        if not codings[j].whole:
            raise ValueError(f"column {names[j]!r} has more than {MOST} distinct values: it is no category")
    check_memory(model, table, codings)
    codes, target, weight = collected(table, codings, model)
    target = target if isinstance(model, ClassifierMixin) else model._check_target(target)
    weight = weigh(model, target, weight)
    seen, kept = [], []
    for j, coding in enumerate(codings):
        column, values = described(coding, names[j], codes[j], model, parts, categorical[j])
        kept.append(column)
        seen.append(Coded(codes[j], values, column.split, int(monotonic[j])))
    model.columns_ = kept
    model.n_ranges_ = np.array([0 if each.whole else each.n_codes for each in codings])
    settings = settings_of(model, target, weight)
    model.max_features_ = settings.max_features or len(seen)
    tree = kernels.grow(seen, target, weight, settings, model.n_jobs)
    model._keep(pruned(with_ends(tree, codings), model))


def take_target(model: Any, table: Any) -> None:
    model.n_outputs_ = 1
    if isinstance(model, ClassifierMixin):
        model.classes_ = table.labels.classes
        model.n_classes_ = len(model.classes_)


def table_of_none(parts: Any, names: list[str]) -> Table:
    """What says of which kind the columns are."""
    from fastml.naive_bayes.mixed import table_of_block

    return table_of_block(np.empty((0, len(names)), parts.dtype), names, parts.texts)


def check_memory(model: Any, table: Any, codings: list[Coding]) -> None:
    """Refuse codes that the memory does not hold, before they are collected."""
    n, parts = table.n_rows, table.parts
    row = BESIDE + sum(width_of(each).itemsize for each in codings) + 8 * parts.has_weight
    if n * row > parts.memory:
        raise ValueError(
            f"{type(model).__name__} grows from codes in memory, {row} bytes a row with what stands beside them: of"
            f" {n:,} rows {n * row / 1e6:,.0f} MB, and memory={parts.memory} is {parts.memory / 1e6:,.0f} MB. Give"
            f" memory={n * row} where the parts are made, or fewer columns"
        )


class Collected:
    """The tally of codes: ([chunks] of each column, [chunks] of targets, [chunks] of weights)."""

    def __init__(self, codings: list[Coding], texts: list[bool], label: np.dtype):
        self.codings, self.texts, self.label = codings, texts, label

    def start(self) -> tuple:
        return [[] for _ in self.codings], [], []

    def add(self, state: tuple, rows: Any, n_jobs: int | None) -> tuple:
        for chunks, codes in zip(state[0], codes_of(self.codings, self.texts, rows, n_jobs), strict=True):
            chunks.append(codes)
        state[1].append(rows.y.astype(self.label))
        if rows.weight is not None:
            state[2].append(rows.weight)
        return state

    def merge(self, first: tuple, second: tuple) -> tuple:
        codes = [a + b for a, b in zip(first[0], second[0], strict=True)]
        return codes, first[1] + second[1], first[2] + second[2]


def collected(table: Any, codings: list[Coding], model: Any) -> tuple:
    """(codes of each column, targets, weights or None) of all rows."""
    texts = table.parts.texts or [False] * len(codings)
    label: np.dtype = np.dtype(float)
    if isinstance(model, ClassifierMixin):
        label = np.dtype(np.uint8 if model.n_classes_ <= 2**8 else np.uint32)
    columns, target, weight = table.tally(Collected(codings, texts, label))
    for j, chunks in enumerate(columns):  # one after the other, so that no more than one is held twice
        columns[j] = np.concatenate(chunks)
        chunks.clear()
    return columns, np.concatenate(target), np.concatenate(weight) if weight else None


def described(coding: Coding, name: str, codes: np.ndarray, model: Any, parts: Any, categorical: bool) -> tuple:
    """(the Column to keep, the values as growing sees them)."""
    n, missing = coding.n_codes, bool(codes.max() == coding.n_codes)
    if categorical:
        values = np.empty(n, object)
        values[:] = coding.values.tolist() if coding.texts is None else coding.texts
        return Column(name, model.categorical_split, np.dtype(object), values, missing), np.arange(n)
    dtype = np.dtype(np.float64) if parts.texts else parts.dtype
    spread = coding.spread if np.isfinite(coding.spread) else 0.0
    return Column(name, "numeric", dtype, None, missing, spread), (
        coding.values if coding.whole else np.arange(float(n))
    )


def with_ends(tree: Any, codings: list[Coding]) -> Any:
    """The tree with values as thresholds where it was grown on numbers of ranges: the ends of those on the left."""
    threshold = tree.threshold.copy()
    for j, coding in enumerate(codings):
        if not coding.whole:
            at = np.flatnonzero((tree.feature == j) & (tree.kind == NUMERIC) & (tree.threshold < np.inf))
            threshold[at] = coding.values[np.floor(threshold[at]).astype(int)]
    return tree._replace(threshold=threshold)
