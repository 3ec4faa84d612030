"""Reductions that several families make of a table: products of columns about means, and moments, of classes or all."""

from typing import Any, NamedTuple

import numpy as np

from fastml.preprocessing.in_parts import Moments
from fastml.scale.labels import find_labels
from fastml.scale.reduction import Rows
from fastml_ext import linear as kernels
from fastml_ext import naive_bayes as counting
from fastml_ext.blocks import block_rows

__all__ = ["ClassMoments", "Correlations", "Scatter", "Scattered", "refuse_wide", "take_target"]

EACH = np.empty(0)  # weights of one each
WIDEST = 2000  # columns of which products are made


class Scattered(NamedTuple):
    """Rows (k,), means (k, d), and products of the columns about them, (d, d) of each class, or of all together."""

    counts: np.ndarray
    means: np.ndarray
    products: np.ndarray  # (d, d), or (k, d, d)


class Scatter:
    """The reduction of products about the means of classes; one class where there is no y.

    each : whether the products of each class are kept for themselves
    """

    def __init__(self, d: int, n_classes: int = 1, each: bool = False):
        self.d, self.n_classes, self.each = d, n_classes, each
        self.block = block_rows(d * (n_classes if each else 1))

    def partial(self, rows: Rows) -> Scattered:
        k, d = self.n_classes, self.d
        counts, means = np.zeros(k), np.zeros((k, d))
        products = np.zeros((k, d, d) if self.each else (d, d))
        for c in range(k):
            X = rows.X if k == 1 else rows.X[rows.y == c]
            if not len(X):
                continue
            counts[c], (means[c], found) = len(X), about_mean(X)
            if self.each:
                products[c] = found
            else:
                products += found
        return Scattered(counts, means, products)

    def merge(self, first: Scattered, second: Scattered) -> Scattered:
        """Chan, Golub and LeVeque 1983, equation 1.5, of products."""
        counts = first.counts + second.counts
        share = np.divide(second.counts, counts, out=np.zeros_like(counts), where=counts > 0)
        both = (first.counts > 0) & (second.counts > 0)
        apart = np.where(both[:, None], second.means - first.means, 0.0)
        means = np.where((first.counts > 0)[:, None], first.means + share[:, None] * apart, second.means)
        products = first.products + second.products
        for c in np.flatnonzero(both):
            outer = first.counts[c] * share[c] * np.multiply.outer(apart[c], apart[c])
            products[c if self.each else slice(None)] += outer
        return Scattered(counts, means, products)


def about_mean(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mean (d,), products (d, d) about it) of some rows, by products about a number near it."""
    n, d = X.shape
    with np.errstate(over="ignore", invalid="ignore"):
        shift = np.mean(X, axis=0, dtype=float).astype(X.dtype).astype(float)
        total = kernels.moments(X, np.empty((n, 0)), EACH, shift, EACH, 1)
        off = total[d, :d] / n
        return shift + off, total[:d, :d] - n * np.multiply.outer(off, off)


class ClassMoments(Moments):
    """Rows, mean and squared distances from it, (k, d) each, of the columns in each class."""

    def __init__(self, n_classes: int):
        self.n_classes = n_classes

    def partial(self, rows: Rows) -> tuple:
        return counting.moments(rows.X, rows.y, EACH, self.n_classes)


class Correlations:
    """Rows, means of [X, y], squares about them, and products of the columns with y about them."""

    def partial(self, rows: Rows) -> tuple:
        X = np.column_stack([rows.X.astype(float), rows.y])
        mean = X.mean(axis=0)
        X -= mean
        return len(X), mean, (X * X).sum(axis=0), (X[:, :-1] * X[:, -1:]).sum(axis=0)

    def merge(self, first: tuple, second: tuple) -> tuple:
        n, apart = first[0] + second[0], second[1] - first[1]
        share = second[0] / n
        factor = first[0] * share
        squares = first[2] + second[2] + factor * apart**2
        return n, first[1] + share * apart, squares, first[3] + second[3] + factor * apart[:-1] * apart[-1]


def take_target(table: Any, numbers: bool) -> None:
    """Let a transformer of a table in parts have its y: as numbers, or as codes of labels."""
    parts, who = table.parts, table.who
    if not parts.has_target:
        raise ValueError(f"{parts!r} has no target, and {who} needs one: name it where the parts are made")
    table.checks.numbers = numbers
    if not numbers:
        table.checks.labels = find_labels(parts)


def refuse_wide(table: Any, entries: int) -> None:
    """Refuse more columns than products are made of."""
    if table.parts.n_features > WIDEST or entries > WIDEST**2:
        raise ValueError(
            f"{table.who} makes products of {table.parts.n_features} × {table.parts.n_features} of a table in parts,"
            f" {entries:,} in all, and up to {WIDEST**2:,} are taken: choose fewer columns"
        )
