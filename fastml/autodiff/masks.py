"""What a choice leaves out: entries of a gradient that are zero whatever the slope behind them, an infinite one too.

A mask goes beside a gradient, or a tangent: a condition of its shape, or numbers that are zero where it does not hold;
None where every entry counts. Where it does not hold the gradient is zero, and the rules must not multiply that zero by
an infinity: 0 times infinity is NaN, and would reach the result from a branch that `where` did not take.
"""

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff import rules as r
from fastml.autodiff.functions import shape_of, where
from fastml.autodiff.node import Key, Node, apply
from fastml.autodiff.operations import forward_rule, reverse_rule

__all__ = ["either", "of_entries", "reverse_parts", "tangent_of"]

SIGN_ONLY = ("add", "subtract", "negative")  # hand a gradient on as it is, or with the other sign
CURVED = ("prod", "norm", "logsumexp", "softmax")  # reductions, and softmax, whose slopes may be NaN


def both(a, b):
    """The mask of what counts for both."""
    return b if a is None else a if b is None else ad.logical_and(a, b)


def either(a, b):
    """The mask of what counts for one or the other."""
    if a is None or b is None or _opposite(a, b) or _opposite(b, a):
        return None
    return a if a is b or (type(a) is Node and _same(a, b)) else ad.logical_or(a, b)


def _same(a, b):
    return type(b) is Node and a.graph is b.graph and a.index == b.index


def _opposite(a, b):
    """Whether b is written as the opposite of a, as for the branches of one `where`."""
    if type(a) is not Node or type(b) is not Node or a.graph is not b.graph:
        return False
    return b.graph.ops[b.index].name == "logical_not" and b.graph.args[b.index][0] == a.index


def of_entries(pieces, shape):
    """The mask of an array of which only the entries at some positions count: pieces are (mask, positions)."""
    if all(mask is None for mask, _ in pieces):
        taken = np.zeros(shape, bool)
        for _, positions in pieces:
            taken.reshape(-1)[positions] = True
        return None if taken.all() else taken
    flat = [np.ones(len(p)) if mask is None else ad.reshape(mask, (-1,)) for mask, p in pieces]
    index = Key(np.concatenate([positions for _, positions in pieces]))
    return apply("scatter", ad.concatenate(flat), params=(index, shape))


def reverse_parts(op, g, mask, y, args, params):
    """[(part of the gradient g of y for an argument, its mask)], each in the shape of that argument."""
    if mask is not None and op.name == "matmul":
        parts = r.matmul_reverse(g, y, *args, *params, absorb=True)
    else:
        parts = reverse_rule(op, g, y, args, params)
    masks = _reverse_masks(op, mask, y, args, params)
    if not op.elementwise:
        if mask is not None and op.name in CURVED:
            parts = [where(m, part, 0.0) for part, m in zip(parts, masks, strict=True)]
        return list(zip(parts, masks, strict=True))
    found = []
    for part, m, a in zip(parts, masks, args, strict=True):
        if part is None:
            found.append((None, None))
            continue
        if m is not None and op.chosen is None and op.name not in SIGN_ONLY:
            part = where(m, part, 0.0)
        shape = shape_of(a)
        m = None if m is None else r.unbroadcast(ad.broadcast_to(m, shape_of(part)), shape)
        found.append((r.unbroadcast(part, shape), m))
    return found


def _reverse_masks(op, mask, y, args, params):
    """The masks of the arguments, from that of the result."""
    if op.chosen is not None:
        if mask is not None and not op.elementwise:
            mask = r.spread(mask, args[0], params[0])
        return [None if c is None else both(mask, c) for c in op.chosen(y, *args, *params)]
    if mask is None:
        return [None] * len(args)
    if op.elementwise:
        return [mask] * len(args)
    if op.name in CURVED[:3]:
        return [r.spread(mask, args[0], params[0])]
    if op.name == "softmax":
        return [_any(mask, params[0])]
    if op.name == "matmul":
        n = len(shape_of(y))
        return [
            ad.broadcast_to(_some(mask, n - 1), shape_of(args[0])),
            ad.broadcast_to(_some(mask, n - 2), shape_of(args[1])),
        ]
    return op.reverse(mask, y, *args, *params)  # it adds, repeats and moves entries: no sum of a mask cancels


def _some(mask, axis):
    return r.total_of(mask, (axis,), True)


def _any(mask, axes):
    return ad.broadcast_to(r.total_of(mask, axes, True), shape_of(mask))


def tangent_of(op, tangents, masks, y, args, params):
    """(derivative of y along the tangents of the arguments, its mask); both None when it is zero.

    masks: of the tangents; a tangent that is None, zero everywhere, has none.
    """
    if op.elementwise and op.chosen is None:
        return _elementwise_tangent(op, tangents, masks, y, args, params)
    if op.name == "matmul":
        absorb = tuple(m is not None for m in masks)
        return r.matmul_tangent(tangents, y, *args, *params, absorb=absorb), _matmul_mask(tangents, masks, y)
    t = forward_rule(op, tangents, y, args, params)
    if t is None or all(m is None for m in masks):
        return t, None
    counted = [
        None if d is None else np.ones(shape_of(d)) if m is None else m for d, m in zip(tangents, masks, strict=True)
    ]
    if op.name in CURVED[:3]:
        return t, r.total_of(counted[0], *params)
    if op.name == "softmax":
        return t, _any(counted[0], params[0])
    return t, forward_rule(op, counted, y, args, params)


def _elementwise_tangent(op, tangents, masks, y, args, params):
    terms, counted = [], []
    for d, m, p in zip(tangents, masks, op.partials(y, *args), strict=True):
        if d is None or p is None:
            continue
        term = ad.multiply(d, p)
        terms.append(term if m is None else where(m, term, 0.0))
        counted.append(m)
    total = r.total(terms)
    if total is None:
        return None, None
    mask = counted[0]
    for m in counted[1:]:
        mask = either(mask, m)
    return ad.broadcast_to(total, shape_of(y)), None if mask is None else ad.broadcast_to(mask, shape_of(y))


def _matmul_mask(tangents, masks, y):
    n, mask, first = len(shape_of(y)), None, True
    for t, m, axis in zip(tangents, masks, (n - 1, n - 2), strict=True):
        if t is not None:
            part = None if m is None else ad.broadcast_to(_some(m, axis), shape_of(y))
            mask, first = (part if first else either(mask, part)), False
    return mask
