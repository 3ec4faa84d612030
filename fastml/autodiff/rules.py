"""Values that NumPy lacks, and the rules too long for a line of the table; operations.py says what each is."""

import math

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.functions import exp, log, reshape, shape_of, where
from fastml.autodiff.node import DTYPES, Key, Node, apply

# --- values; complex arguments serve the complex-step check -----------------------------------------------------------


def inexact(x):
    """x, whole numbers and conditions as floats: small integers would wrap, and give floats of 16 bits."""
    x = np.asarray(x)
    return x.astype(float) if x.dtype.kind in "iub" else x


def sigmoid(x):
    x = inexact(x)
    positive = np.real(x) >= 0
    z = np.exp(np.where(positive, np.negative(x), x))
    return np.where(positive, 1.0, z) / (1.0 + z)


def softplus(x):
    x = inexact(x)
    positive = np.real(x) >= 0
    return np.where(positive, x, np.zeros_like(x)) + np.log1p(np.exp(np.where(positive, np.negative(x), x)))


def relu(x):
    return np.maximum(x, 0)


def step(x):
    return np.where(np.isnan(x), x, np.greater_equal(x, 0) * np.ones_like(x))


def along(function):
    """A reduction of NumPy with the parameters that reductions have here."""
    return lambda x, axes, keepdims: function(x, axis=axes, keepdims=keepdims)


def norm(x, axes, keepdims):
    x = inexact(x)
    return np.sqrt(np.sum(np.multiply(x, x), axis=axes, keepdims=keepdims))


def from_top(x, axes):
    """(x less its largest entry along `axes`, that entry): no exponential overflows, and infinite entries count alike.

    An entry equal to the largest lies at 0 from it, which inf - inf would not say.
    """
    x = inexact(x)
    top = np.max(np.real(x), axis=axes, keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.equal(x, top), 0.0, np.subtract(x, top)), top


def logsumexp(x, axes, keepdims):
    below, top = from_top(x, axes)
    y = np.log(np.sum(np.exp(below), axis=axes, keepdims=True)) + top
    return y if keepdims else np.reshape(y, reduced(np.shape(x), axes, False))


def softmax(x, axes):
    e = np.exp(from_top(x, axes)[0])
    return e / np.sum(e, axis=axes, keepdims=True)


def matmul(a, b, left=False, right=False):
    """The product of matrices. left, right: a factor of 0 in a, in b, annuls its term, even one with an infinity."""
    y = np.matmul(a, b)
    if not (left or right) or np.isfinite(y).all():
        return y
    with np.errstate(all="ignore"):
        for *lead, i, j in np.argwhere(~np.isfinite(y)):
            u, v = a[(*lead, i)], b[(*lead, slice(None), j)]
            annulled = (left & (u == 0)) | (right & (v == 0))
            y[(*lead, i, j)] = np.sum(np.where(annulled, 0, u * v), dtype=y.dtype)
    return y


def winner(x, axes):
    """True at the first largest entry (the first NaN, if any) along `axes`."""
    x = np.asarray(x)
    order = [a for a in range(x.ndim) if a not in axes] + list(axes)
    moved = np.transpose(x, order)
    rows = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
    mask = np.zeros(rows.shape, bool)
    np.put_along_axis(mask, np.argmax(rows, -1)[..., None], True, -1)
    return np.transpose(mask.reshape(moved.shape), np.argsort(order))


def getitem(x, index, shape):
    return np.asarray(x)[index.value]


def concatenate(*rest):
    return np.concatenate(rest[:-1], axis=rest[-1])


def astype(x, kind):
    return np.asarray(x, DTYPES[kind])


def gather(x, *index):
    return np.asarray(x)[tuple(index)]


def scatter(x, index, shape):
    """Zeros of `shape` with the entries of x added at flat positions."""
    out = np.zeros(math.prod(shape), np.asarray(x).dtype)
    np.add.at(out, index.value, np.asarray(x))
    return out.reshape(shape)


def scatter_at(x, *rest):
    """Zeros of `shape` with x added at the entries [i, j, ...]."""
    *index, shape = rest
    out = np.zeros(shape, np.asarray(x).dtype)
    np.add.at(out, tuple(index), x)
    return out


# --- shapes of results ------------------------------------------------------------------------------------------------


def reduced(shape, axes, keepdims=False):
    return tuple(1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes)


def same(shapes, *params):
    return shapes[0]


def given(shapes, *params):
    """The last parameter is the shape."""
    return params[-1]


def reduction_shape(shapes, axes, keepdims):
    return reduced(shapes[0], axes, keepdims)


def matmul_shape(shapes, *flags):
    return (*shapes[0][:-1], shapes[1][-1])


def transposed(shapes, axes):
    return tuple(shapes[0][a] for a in axes)


def gathered(shapes):
    x, *index = shapes
    return ad.broadcast_shapes(*index) + tuple(x[len(index) :])


def joined(shapes, axis):
    return (*shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :])


# --- parts of rules ---------------------------------------------------------------------------------------------------


def total(terms):
    """Sum of the terms that are not None; None when there is none."""
    added = None
    for term in terms:
        if term is not None:
            added = term if added is None else added + term
    return added


def total_of(x, axes, keepdims=False):
    return apply("sum", x, params=(axes, keepdims))


def count(x, axes):
    return math.prod(shape_of(x)[a] for a in axes)


def kept(g, x, axes):
    """g of a reduction of x, with the reduced axes put back as axes of length 1."""
    return reshape(g, reduced(shape_of(x), axes, True))


def spread(g, x, axes):
    """g of a reduction of x, repeated to the shape of x."""
    return ad.broadcast_to(kept(g, x, axes), shape_of(x))


def unbroadcast(g, shape):
    """Sum over the axes along which a value of `shape` was repeated."""
    have = shape_of(g)
    if have == shape:
        return g
    extra = len(have) - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 and have[i + extra] != 1)
    return reshape(total_of(g, axes), shape)


def flat_index(index, shape):
    """Positions, in row-major order, of the entries that `index` takes from an array of `shape`."""
    parts = index.value
    if len(parts) == len(shape) == 1 and isinstance(parts[0], int):
        return np.array([parts[0] % shape[0]])
    return np.arange(math.prod(shape)).reshape(shape)[parts].reshape(-1)


def last_swapped(x):
    n = len(shape_of(x))
    return ad.transpose(x, (*range(n - 2), n - 1, n - 2))


# --- elementwise ------------------------------------------------------------------------------------------------------


def power_partials(y, a, b):
    """b a^(b-1), which is 0 at 0^0 as everywhere at b = 0, and y log a, which is 0 at a = 0."""
    c = b.graph.scalar(b) if type(b) is Node else None
    if c is not None:
        return (2.0 * a if c == 2 else c * a ** (c - 1) if c != 0 else None), None
    zero = apply("equal", a, 0.0)
    base = where(ad.logical_and(zero, apply("equal", b, 0.0)), 1.0, a)  # 0 times 0^-1 would be NaN
    return b * base ** (b - 1.0), y * log(where(zero, 1.0, a))


def divide_reverse(g, y, a, b):
    q = g / b
    return q, -(q * y)


def choice(chosen):
    """The columns of an operation that passes one of its arguments on, entry by entry.

    chosen(y, *args) -> for each argument the condition under which it is the one, None for what is never passed on.
    An argument that is not chosen gets nothing, however infinite its slope: the rules select, they do not multiply.
    """

    def reverse(g, y, *args):
        return [None if c is None else where(c, g, 0.0) for c in chosen(y, *args)]

    def tangent(t, y, *args):
        found = None
        for c, part in zip(chosen(y, *args), t, strict=True):
            if c is not None and not (part is None and found is None):
                found = where(c, 0.0 if part is None else part, 0.0 if found is None else found)
        return found if found is None else ad.broadcast_to(found, shape_of(y))

    return {"reverse": reverse, "tangent": tangent, "chosen": chosen}


def first_unless(second):
    """Chooses the second argument where second(a, b) holds and the first elsewhere."""

    def chosen(y, a, b):
        c = second(a, b)
        return ad.logical_not(c), c

    return choice(chosen)


def passes(holds):
    """Lets x through where holds(x), and is constant elsewhere."""
    return choice(lambda y, x: (holds(x),))


def either_branch(y, condition, a, b):
    return None, condition, ad.logical_not(condition)


def clip_bounds(y, x, low, high):
    return apply("equal", y, x), apply("less", x, low), apply("less", high, x)


def clip_lowered(x, low, high):
    return ad.minimum(ad.maximum(x, low), high)


FLAT = {"reverse": lambda g, y, x, axes: (None,), "tangent": lambda t, y, x, axes: None}


def minus(sympy, a, b):
    return a - b


def over(sympy, a, b):
    return a / b


# --- reductions -------------------------------------------------------------------------------------------------------


def sum_reverse(g, y, x, axes, keepdims):
    return (spread(g, x, axes),)


def mean_reverse(g, y, x, axes, keepdims):
    return (spread(g / float(count(x, axes)), x, axes),)


def mean_lowered(x, axes, keepdims):
    return total_of(x, axes, keepdims) / float(count(x, axes))


def extreme(sign):
    """The columns of max (sign 1) and min (sign -1)."""

    def first(x, axes):
        return apply("winner", x if sign > 0 else -x, params=(axes,))

    def chosen(y, x, axes, keepdims):
        return (first(x, axes),)

    def reverse(g, y, x, axes, keepdims):
        return (where(first(x, axes), kept(g, x, axes), 0.0),)

    def tangent(t, y, x, axes, keepdims):
        return total_of(where(first(x, axes), t[0], 0.0), axes, keepdims)

    return {"reverse": reverse, "tangent": tangent, "chosen": chosen}


def norm_ratio(x, y, axes):
    """x / |x|, and 0 where |x| = 0."""
    y = kept(y, x, axes)
    zero = apply("equal", y, 0.0)
    return where(zero, 0.0, x / where(zero, 1.0, y))


def norm_reverse(g, y, x, axes, keepdims):
    return (kept(g, x, axes) * norm_ratio(x, y, axes),)


def norm_tangent(t, y, x, axes, keepdims):
    return total_of(t[0] * norm_ratio(x, y, axes), axes, keepdims)


def norm_lowered(x, axes, keepdims):
    return ad.sqrt(total_of(x * x, axes, keepdims))


def logsumexp_reverse(g, y, x, axes, keepdims):
    return (kept(g, x, axes) * apply("softmax", x, params=(axes,)),)


def logsumexp_tangent(t, y, x, axes, keepdims):
    return total_of(t[0] * apply("softmax", x, params=(axes,)), axes, keepdims)


def exponentials(x, axes):
    """(exp of x less its largest entry, their sum, that entry), for the machine; see from_top."""
    top = apply("max", x, params=(axes, True))
    e = exp(where(apply("equal", x, top), 0.0, x - top))
    return e, total_of(e, axes, True), top


def logsumexp_lowered(x, axes, keepdims):
    _, added, top = exponentials(x, axes)
    return reshape(log(added) + top, reduced(shape_of(x), axes, keepdims))


def softmax_reverse(g, y, x, axes):
    return (y * (g - total_of(g * y, axes, True)),)


def softmax_tangent(t, y, x, axes):
    return softmax_reverse(t[0], y, x, axes)[0]  # the matrix of derivatives is symmetric


def softmax_lowered(x, axes):
    e, added, _ = exponentials(x, axes)
    return e / added


# --- products and rearrangements --------------------------------------------------------------------------------------


def matmul_reverse(g, y, a, b, left=False, right=False, *, absorb=False):
    """absorb: entries of g that are 0 stand for what was not chosen, and annul their terms."""
    to_a = apply("matmul", g, last_swapped(b), params=flags(absorb, right))
    return to_a, apply("matmul", last_swapped(a), g, params=flags(left, absorb))


def matmul_tangent(t, y, a, b, left=False, right=False, *, absorb=(False, False)):
    to_a = None if t[0] is None else apply("matmul", t[0], b, params=flags(left or absorb[0], right))
    to_b = None if t[1] is None else apply("matmul", a, t[1], params=flags(left, right or absorb[1]))
    return total([to_a, to_b])


def flags(left, right):
    return (left, right) if left or right else ()


def transpose_reverse(g, y, x, axes):
    return (ad.transpose(g, tuple(int(i) for i in np.argsort(axes))),)


def reshape_reverse(g, y, x, shape):
    return (reshape(g, shape_of(x)),)


def broadcast_reverse(g, y, x, shape):
    return (unbroadcast(g, shape_of(x)),)


def getitem_reverse(g, y, x, index, shape):
    taken = Key(flat_index(index, shape_of(x)))
    return (apply("scatter", reshape(g, (-1,)), params=(taken, shape_of(x))),)


def scatter_reverse(g, y, x, index, shape):
    return (ad.getitem(reshape(g, (-1,)), index.value),)


def gather_tangent(t, y, x, *index):
    return apply("gather", t[0], *index)


def gather_reverse(g, y, x, *index):
    return (apply("scatter_at", g, *index, params=(shape_of(x),)), *[None] * len(index))


def scatter_at_tangent(t, y, x, *rest):
    return apply("scatter_at", t[0], *rest[:-1], params=rest[-1:])


def scatter_at_reverse(g, y, x, *rest):
    return (apply("gather", g, *rest[:-1]), *[None] * (len(rest) - 1))


def concatenate_reverse(g, y, *rest):
    *args, axis = rest
    pieces, start = [], 0
    for a in args:
        stop = start + shape_of(a)[axis]
        pieces.append(ad.getitem(g, (slice(None),) * axis + (slice(start, stop),)))
        start = stop
    return pieces


def concatenate_tangent(t, y, *rest):
    *args, axis = rest
    filled = [np.zeros(shape_of(a), np.float32) if d is None else d for d, a in zip(t, args, strict=True)]
    return ad.concatenate(filled, axis)
