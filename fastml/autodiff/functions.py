"""The functions to write expressions with, named as in NumPy; on plain arrays they compute as NumPy does."""

import builtins
import operator
from typing import Any

import numpy as np

from fastml.autodiff.node import TABLE_FUNCTIONS, Key, Node, apply, at_line

# fmt: off
__all__ = [
    "abs",
    "add",
    "arctan",
    "broadcast_to",
    "clip",
    "concatenate",
    "cos",
    "divide",
    "dot",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "named",
    "negative",
    "norm",
    "not_equal",
    "outer",
    "power",
    "prod",
    "relu",
    "reshape",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "stack",
    "step",
    "subtract",
    "sum",
    "tan",
    "tanh",
    "transpose",
    "where",
]
# fmt: on


VALUE = "number, array-like or traced value"


def _documented(function, name, sentence, parameters, returns):
    """Give a function its name and its docstring; parameters: (name, type, what it is) of each."""
    lines = [sentence, "", "Parameters", "----------"]
    for parameter, kind, meaning in parameters:
        lines += [f"{parameter} : {kind}", f"    {meaning}"]
    lines += ["", "Returns", "-------", "number, array or traced value", f"    {returns}"]
    function.__name__ = function.__qualname__ = name
    function.__doc__ = "\n".join(lines)
    return function


def _elementwise(name, doc, parameters="x"):
    def function(*args: Any) -> Any:
        return apply(name, *args)

    meanings = {"condition": "True where the first is chosen; numbers count as True where they are not 0."}
    table = [(p, VALUE, meanings.get(p, "Entries, repeated as NumPy's are.")) for p in parameters.split(", ")]
    returns = "Traced if an argument is, else as NumPy's function of that name."
    return _documented(function, name, f"{doc}, elementwise.", table, returns)


add = _elementwise("add", "a + b", "a, b")
subtract = _elementwise("subtract", "a - b", "a, b")
multiply = _elementwise("multiply", "a times b", "a, b")
divide = _elementwise("divide", "a / b", "a, b")
negative = _elementwise("negative", "-x")
power = _elementwise(
    "power", "a to the power b; its derivative towards b is that for positive a, and 0 at a = 0", "a, b"
)
exp = _elementwise("exp", "e to the power x")
log = _elementwise("log", "Natural logarithm")
log1p = _elementwise("log1p", "log(1 + x), exact for small x")
expm1 = _elementwise("expm1", "exp(x) - 1, exact for small x")
sqrt = _elementwise("sqrt", "Square root")
abs = _elementwise("abs", "Absolute value; its derivative at 0 is 0")
sign = _elementwise("sign", "-1, 0 or 1; its derivative is 0")
sin = _elementwise("sin", "Sine of radians")
cos = _elementwise("cos", "Cosine of radians")
tan = _elementwise("tan", "Tangent of radians")
tanh = _elementwise("tanh", "Hyperbolic tangent")
arctan = _elementwise("arctan", "Inverse tangent in radians")
sigmoid = _elementwise("sigmoid", "1 / (1 + exp(-x))")
softplus = _elementwise("softplus", "log(1 + exp(x)) without overflow")
relu = _elementwise("relu", "The larger of x and 0; its derivative at 0 is 0")
step = _elementwise("step", "1 where x >= 0, otherwise 0; its derivative is 0")
maximum = _elementwise(
    "maximum", "The larger of a and b; the gradient goes to the larger, at ties (and NaN) to a", "a, b"
)
minimum = _elementwise(
    "minimum", "The smaller of a and b; the gradient goes to the smaller, at ties (and NaN) to a", "a, b"
)
where = _elementwise(
    "where", "a where the condition holds, otherwise b; only the chosen one gets the gradient", "condition, a, b"
)
clip = _elementwise("clip", "x held between lo and hi; at the bounds themselves the gradient goes to x", "x, lo, hi")
less = _elementwise("less", "a < b", "a, b")
less_equal = _elementwise("less_equal", "a <= b", "a, b")
equal = _elementwise("equal", "a == b", "a, b")
not_equal = _elementwise("not_equal", "a != b", "a, b")
logical_and = _elementwise("logical_and", "Both conditions", "a, b")
logical_or = _elementwise("logical_or", "Either condition", "a, b")
logical_not = _elementwise("logical_not", "The opposite condition")


def shape_of(x):
    """Shape of a traced or plain value."""
    return x.shape if type(x) is Node else np.shape(x)


def greater(a: Any, b: Any) -> Any:
    """a > b, elementwise.

    Parameters
    ----------
    a : number, array-like or traced value
        Entries, repeated as NumPy's are.
    b : number, array-like or traced value
        Entries, repeated as NumPy's are.

    Returns
    -------
    bool, array or traced value
    """
    return apply("less", b, a)


def greater_equal(a: Any, b: Any) -> Any:
    """a >= b, elementwise.

    Parameters
    ----------
    a : number, array-like or traced value
        Entries, repeated as NumPy's are.
    b : number, array-like or traced value
        Entries, repeated as NumPy's are.

    Returns
    -------
    bool, array or traced value
    """
    return apply("less_equal", b, a)


def square(x: Any) -> Any:
    """x times x.

    Parameters
    ----------
    x : number, array-like or traced value
        Entries.

    Returns
    -------
    number, array or traced value
        Of the shape of x.
    """
    return apply("multiply", x, x)


def _reduction(name, doc):
    def function(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        shape = shape_of(x)
        return apply(name, x, params=(_axes(axis, len(shape)), bool(keepdims)))

    table = [
        ("x", VALUE, "Entries."),
        ("axis", "int, tuple of int or None, default=None", "Axes to reduce; None for all."),
        ("keepdims", "bool, default=False", "Whether the reduced axes stay, with length 1."),
    ]
    return _documented(function, name, doc, table, "Of the shape that is left.")


sum = _reduction("sum", "Sum of entries.")
mean = _reduction("mean", "Mean of entries.")
prod = _reduction("prod", "Product of entries; its derivative is exact where entries are zero.")
max = _reduction("max", "Largest entry; the gradient goes to the first entry that attains it.")
min = _reduction("min", "Smallest entry; the gradient goes to the first entry that attains it.")
norm = _reduction("norm", "Euclidean norm, the root of the sum of squares; its gradient at zero is zero.")
logsumexp = _reduction("logsumexp", "log(sum(exp(x))) without overflow.")


def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) divided by its sum along `axis`, without overflow.

    Parameters
    ----------
    x : number, array-like or traced value
        Entries; equal ones get equal shares, infinite ones too.
    axis : int, tuple of int or None, default=-1
        Along which the shares add up to 1; None for all axes.

    Returns
    -------
    array or traced value
        Of the shape of x.
    """
    return apply("softmax", x, params=(_axes(axis, len(shape_of(x))),))


def dot(a: Any, b: Any) -> Any:
    """Product of two vectors, of a matrix and a vector, or of two matrices; with a scalar, the plain product.

    Parameters
    ----------
    a : number, array-like or traced value
        The left factor.
    b : number, array-like or traced value
        The right factor.

    Returns
    -------
    number, array or traced value
        As numpy.dot of two axes at most.
    """
    return apply("multiply", a, b) if len(shape_of(a)) == 0 or len(shape_of(b)) == 0 else matmul(a, b)


def matmul(a: Any, b: Any) -> Any:
    """Matrix product as numpy.matmul.

    Parameters
    ----------
    a : array-like or traced value of shape (..., m, k) or (k,)
        A vector is a row.
    b : array-like or traced value of shape (..., k, n) or (k,)
        A vector is a column.

    Returns
    -------
    number, array or traced value
        Of shape (..., m, n), without the axis of a vector; leading axes are repeated as NumPy's are.
    """
    sa, sb = shape_of(a), shape_of(b)
    if not sa or not sb or sa[-1] != (sb[-2] if len(sb) > 1 else sb[0]):
        raise ValueError(f"matmul of shapes {sa} and {sb}: the last axis of the left must match the right{at_line()}")
    row, column = len(sa) == 1, len(sb) == 1
    a = reshape(a, (1, *sa)) if row else a
    b = reshape(b, (*sb, 1)) if column else b
    sa, sb = shape_of(a), shape_of(b)
    lead = broadcast_shapes(sa[:-2], sb[:-2])
    y = apply("matmul", broadcast_to(a, lead + sa[-2:]), broadcast_to(b, lead + sb[-2:]))
    if row or column:
        y = reshape(y, lead + (() if row else (sa[-2],)) + (() if column else (sb[-1],)))
    return y


def outer(a: Any, b: Any) -> Any:
    """Products of every entry of one vector with every entry of another.

    Parameters
    ----------
    a : array-like or traced value of shape (n,)
        The entries along the rows.
    b : array-like or traced value of shape (m,)
        The entries along the columns.

    Returns
    -------
    array or traced value
        Of shape (n, m).
    """
    return apply("multiply", reshape(a, (-1, 1)), reshape(b, (1, -1)))


def transpose(x: Any, axes: Any = None) -> Any:
    """Axes permuted.

    Parameters
    ----------
    x : number, array-like or traced value
        Entries.
    axes : sequence of int, default=None
        Which axis of x stands at each place; None reverses them.

    Returns
    -------
    array or traced value
    """
    n = len(shape_of(x))
    axes = tuple(range(n))[::-1] if axes is None else tuple(operator.index(a) % n for a in axes)
    if sorted(axes) != list(range(n)):
        raise ValueError(f"axes={axes} is no permutation of the {n} axes{at_line()}")
    return x if axes == tuple(range(n)) else apply("transpose", x, params=(axes,))


def reshape(x: Any, shape: Any) -> Any:
    """The same entries in row-major order under another shape.

    Parameters
    ----------
    x : number, array-like or traced value
        Entries.
    shape : int or tuple of int
        One length may be -1: it follows from the others.

    Returns
    -------
    array or traced value
    """
    shape = (shape,) if isinstance(shape, int | np.integer) else tuple(operator.index(s) for s in shape)
    size = int(np.prod(shape_of(x), dtype=np.int64))
    if shape.count(-1) == 1:
        known = -int(np.prod(shape, dtype=np.int64))
        shape = tuple((size // known if known else 0) if s == -1 else s for s in shape)
    if int(np.prod(shape, dtype=np.int64)) != size:
        raise ValueError(f"reshape of shape {shape_of(x)} to {shape}: {size} entries do not fit{at_line()}")
    return x if shape == shape_of(x) else apply("reshape", x, params=(shape,))


def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeated along new axes and axes of length 1, as numpy.broadcast_to.

    Parameters
    ----------
    x : number, array-like or traced value
        Entries.
    shape : tuple of int
        The shape of the result.

    Returns
    -------
    array or traced value
    """
    if broadcast_shapes(shape_of(x), shape) != tuple(shape):
        raise ValueError(f"broadcast of shape {shape_of(x)} to {tuple(shape)}{at_line()}")
    return x if tuple(shape) == shape_of(x) else apply("broadcast_to", x, params=(tuple(shape),))


def expand_dims(x: Any, axis: Any) -> Any:
    """A new axis of length 1.

    Parameters
    ----------
    x : number, array-like or traced value
        Entries.
    axis : int or tuple of int
        Its place in the result.

    Returns
    -------
    array or traced value
    """
    shape = list(shape_of(x))
    for a in sorted(_axes(axis, len(shape) + (len(axis) if isinstance(axis, tuple) else 1))):
        shape.insert(a, 1)
    return reshape(x, shape)


def concatenate(arrays: Any, axis: Any = 0) -> Any:
    """Arrays joined along an existing axis.

    Parameters
    ----------
    arrays : sequence of array-likes or traced values
        Of equal lengths along all other axes.
    axis : int, default=0
        Along which they are joined.

    Returns
    -------
    array or traced value
    """
    arrays = list(arrays)
    shapes = [shape_of(a) for a in arrays]
    axis = _axes(axis, len(shapes[0]))[0] if shapes and shapes[0] else None
    if axis is None or any(s[:axis] + s[axis + 1 :] != shapes[0][:axis] + shapes[0][axis + 1 :] for s in shapes):
        raise ValueError(f"concatenate of shapes {shapes}: they may differ along the joined axis only{at_line()}")
    return arrays[0] if len(arrays) == 1 else apply("concatenate", *arrays, params=(axis,))


def stack(arrays: Any, axis: Any = 0) -> Any:
    """Arrays of one shape joined along a new axis.

    Parameters
    ----------
    arrays : sequence of array-likes or traced values
        Of one shape.
    axis : int, default=0
        The place of the new axis in the result.

    Returns
    -------
    array or traced value
    """
    return concatenate([expand_dims(a, axis) for a in arrays], axis)


def named(x: Any, name: str) -> Any:
    """Give a traced value a name for tables, pictures and reports; a plain value passes through.

    Parameters
    ----------
    x : number, array-like or traced value
        What is named.
    name : str
        Of its own in the graph.

    Returns
    -------
    x
    """
    return x.named(name) if type(x) is Node else x


def getitem(x, index):
    """x[index] for integers, slices, None, `...`, arrays of integers known at tracing, or traced integer arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(type(p) is Node for p in parts):
        return _gather(x, parts)
    parts = tuple(np.asarray(p) if isinstance(p, list) else p for p in parts)
    if any(isinstance(p, np.ndarray) and p.dtype.kind not in "iu" for p in parts):
        raise TypeError(f"indices must be integers; for a mask use where(mask, a, b){at_line()}")
    try:
        shape = np.broadcast_to(np.int8(0), x.shape)[parts].shape
    except IndexError as error:
        raise IndexError(f"{error}{at_line()}") from None
    return apply("getitem", x, params=(Key(parts), shape))


def _gather(x, parts):
    """x[i, j, ...] where some of i, j are traced: integers along the leading axes, whole axes after them."""
    parts = [
        np.arange(n) if isinstance(p, slice) and p == slice(None) else p for p, n in zip(parts, x.shape, strict=False)
    ]
    for p in parts:
        if np.asarray(0 if type(p) is Node else p).dtype.kind not in "iu" or (type(p) is Node and p.dtype.kind != "i"):
            raise TypeError(f"x[i] with a traced i needs integer arrays, given as arguments of the function{at_line()}")
    if type(x) is not Node:
        x = next(p for p in parts if type(p) is Node).graph.constant(x)
    return apply("gather", x, *parts)


def _axes(axis, ndim):
    """Sorted tuple of non-negative axes."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    if any(not -ndim <= a < ndim for a in axes):
        raise ValueError(f"axis={axis} of an array with {ndim} axes{at_line()}")
    return tuple(sorted({operator.index(a) % ndim for a in axes}))


def broadcast_shapes(*shapes):
    """The shape that `shapes` broadcast to, by the rules of NumPy."""
    first = shapes[0]
    if all(s == first for s in shapes):
        return first
    n = builtins.max(len(s) for s in shapes)
    lengths = [{s[k - n + len(s)] for s in shapes if k - n + len(s) >= 0} - {1} for k in range(n)]
    if any(len(length) > 1 for length in lengths):
        raise ValueError(f"shapes {', '.join(map(str, shapes))} do not broadcast{at_line()}")
    return tuple(length.pop() if length else 1 for length in lengths)


TABLE_FUNCTIONS.update({name: globals()[name] for name in __all__}, getitem=getitem, shape=shape_of)
