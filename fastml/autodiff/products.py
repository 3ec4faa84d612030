"""The product of entries and its rules, by halves as a tree: dividing the product by an entry would fail at zeros."""

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.functions import reshape, shape_of
from fastml.autodiff.rules import count, reduced

__all__ = ["product_reverse", "product_tangent", "product_tree"]


def product_rows(x, axes):
    """(what is multiplied as rows, the order into which axes were moved, the shape before they were joined)."""
    shape = shape_of(x)
    order = (*axes, *(a for a in range(len(shape)) if a not in axes))
    moved = ad.transpose(x, order)
    return reshape(moved, (count(x, axes), *reduced(shape, axes))), order, shape_of(moved)


def product_step(x):
    """Two halves of the rows, and the row that an odd number leaves over, if any."""
    n = shape_of(x)[0]
    half = n // 2
    over = [ad.getitem(x, slice(2 * half, n))] if n % 2 else []
    return ad.getitem(x, slice(0, half)), ad.getitem(x, slice(half, 2 * half)), over


def product_tree(x, axes, keepdims=False):
    """Product by halves: n - 1 multiplications, each of whose gradients is exact at zeros."""
    shape = shape_of(x)
    rows, _, _ = product_rows(x, axes)
    while shape_of(rows)[0] > 1:
        a, b, over = product_step(rows)
        rows = ad.concatenate([a * b, *over])
    rows = np.ones((1, *reduced(shape, axes)), np.float32) if shape_of(rows)[0] == 0 else rows
    return reshape(rows, reduced(shape, axes, keepdims))


def product_reverse(g, y, x, axes, keepdims):
    """Down the tree: each half gets the gradient of the product times the other half."""
    rows, order, moved = product_rows(x, axes)
    if shape_of(rows)[0] == 0:
        return (x * 0.0,)  # no entries
    steps = []
    while shape_of(rows)[0] > 1:
        steps.append(product_step(rows))
        a, b, over = steps[-1]
        rows = ad.concatenate([a * b, *over])
    g = reshape(g, shape_of(rows))
    for a, b, over in reversed(steps):
        half = shape_of(a)[0]
        pairs = ad.getitem(g, slice(0, half)) if over else g
        rest = [ad.getitem(g, slice(half, half + 1))] if over else []
        g = ad.concatenate([pairs * b, pairs * a, *rest])
    return (ad.transpose(reshape(g, moved), tuple(np.argsort(order))),)


def product_tangent(t, y, x, axes, keepdims):
    """Up the tree, by the rule for a product of two."""
    (rows, _, _), (tangents, _, _) = product_rows(x, axes), product_rows(t[0], axes)
    if shape_of(rows)[0] == 0:
        return None
    while shape_of(rows)[0] > 1:
        (a, b, over), (ta, tb, t_over) = product_step(rows), product_step(tangents)
        rows, tangents = ad.concatenate([a * b, *over]), ad.concatenate([ta * b + a * tb, *t_over])
    return reshape(tangents, reduced(shape_of(x), axes, keepdims))
