"""Trees of tables in parts: their columns are coded in passes, and the codes are what a tree is grown from."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from fastml.table import Table, is_categorical
from fastml.tree.columns import check_monotonic
from fastml.tree.levels import bytes_of_counters, grow_by_levels, reason_against, values_of
from fastml.tree.pruning import pruned
from fastml.tree.ranges import MOST, Coding, codes_of, find_codings, width_of
from fastml.tree.training import check_options, settings_of, weigh
from fastml_ext import tree as kernels
from fastml_ext.tree import Coded, Column
from fastml_ext.tree.structure import NUMERIC

__all__ = ["fit_parts"]

LEAST = 2**24  # bytes that counters may take, however little the memory is
LOGS = 24  # bytes of a row that the table of n log n takes while it is made
BESIDE = 32  # bytes of a row that growing takes beside its codes


def fit_parts(model: Any, table: Any) -> None:
    """What `fit` of a tree does with a `fastml.scale.fitting.Table`."""
    take_target(model, table)
    check_options(model)
    parts = table.parts
    names = parts.names or [f"x{j}" for j in range(parts.n_features)]
    none = table_of_none(parts, names)
    categorical = is_categorical(none, model.categorical_features, names)
    monotonic = check_monotonic(none, categorical, model)
    reason = reason_against(model, parts, categorical)
    if reason and parts.n_rows is not None:
        refuse_beyond(model, parts, reason, BESIDE + 16 + parts.n_features, 2 * parts.n_features)
    codings = find_codings(table)
    for j in np.flatnonzero(categorical).tolist():
        if not codings[j].whole:
            raise ValueError(f"column {names[j]!r} has more than {MOST} distinct values: it is no category")
    model.n_ranges_ = np.array([0 if each.whole else each.n_codes for each in codings])
    columns = [described(*each, model, parts) for each in zip(codings, names, categorical.tolist(), strict=True)]
    model.columns_ = columns
    if fits(model, table, codings, reason):
        tree = grow_from_codes(model, table, codings, monotonic)
    else:
        settings = settings_of(model, range(table.n_rows), None)
        model.max_features_ = len(codings)
        tree = grow_by_levels(table, codings, settings, model.n_jobs)
    model._keep(pruned(with_ends(tree, codings), model))


def grow_from_codes(model: Any, table: Any, codings: list[Coding], monotonic: np.ndarray) -> Any:
    """The tree of codes that are held in memory."""
    codes, target, weight = collected(table, codings, model)
    target = target if isinstance(model, ClassifierMixin) else model._check_target(target)
    weight = weigh(model, target, weight)
    seen = []
    for own, coding, column, sign in zip(codes, codings, model.columns_, monotonic.tolist(), strict=True):
        values = values_of(coding) if column.categories is None else np.arange(coding.n_codes)
        seen.append(Coded(own, values, column.split, sign))
    settings = settings_of(model, target, weight)
    model.max_features_ = settings.max_features or len(seen)
    return kernels.grow(seen, target, weight, settings, model.n_jobs)


def take_target(model: Any, table: Any) -> None:
    model.n_outputs_ = 1
    if isinstance(model, ClassifierMixin):
        model.classes_ = table.labels.classes
        model.n_classes_ = len(model.classes_)


def table_of_none(parts: Any, names: list[str]) -> Table:
    """What says of which kind the columns are."""
    from fastml.naive_bayes.mixed import table_of_block

    return table_of_block(np.empty((0, len(names)), parts.dtype), names, parts.texts)


def fits(model: Any, table: Any, codings: list[Coding], reason: str) -> bool:
    """Whether the memory holds the codes of all rows; an error where not, and they are needed for a reason."""
    n, parts = table.n_rows, table.parts
    row = BESIDE + sum(width_of(each).itemsize for each in codings) + 16 * bool(reason)
    if n * row <= parts.memory:
        return True
    if not reason and model.criterion != "gini" and LOGS * n > parts.memory:
        reason = f"criterion={model.criterion!r} of so many rows"
    if not reason and bytes_of_counters(codings, model.n_classes_) > max(parts.memory, LEAST):
        reason = "so many distinct values and classes"
    if reason:
        refuse_beyond(model, parts, reason, row, 0)
    return False


def refuse_beyond(model: Any, parts: Any, reason: str, row: int, more: int) -> None:
    """Refuse rows of so many bytes each that the memory does not hold; more: bytes that some may take beside."""
    n = parts.n_rows
    if n * row > parts.memory:
        raise ValueError(
            f"{type(model).__name__} with {reason} grows from codes in memory, {row} bytes a row with what stands"
            f" beside them: of {n:,} rows {n * row / 1e6:,.0f} MB, and memory={parts.memory} allows"
            f" {parts.memory / 1e6:,.0f} MB. Give memory={n * (row + more)} where the parts are made, or fewer columns"
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


def described(coding: Coding, name: str, categorical: bool, model: Any, parts: Any) -> Column:
    """What the tree keeps of a column."""
    if categorical:
        values = np.empty(coding.n_codes, object)
        values[:] = coding.values.tolist() if coding.texts is None else coding.texts
        return Column(name, model.categorical_split, np.dtype(object), values, coding.missing)
    dtype = np.dtype(np.float64) if parts.texts else parts.dtype
    return Column(name, "numeric", dtype, None, coding.missing, coding.spread if np.isfinite(coding.spread) else 0.0)


def with_ends(tree: Any, codings: list[Coding]) -> Any:
    """The tree with values as thresholds where it was grown on numbers of ranges: the ends of those on the left."""
    threshold = tree.threshold.copy()
    for j, coding in enumerate(codings):
        if not coding.whole:
            at = np.flatnonzero((tree.feature == j) & (tree.kind == NUMERIC) & (tree.threshold < np.inf))
            threshold[at] = coding.values[np.floor(threshold[at]).astype(int)]
    return tree._replace(threshold=threshold)
