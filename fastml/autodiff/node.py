"""A traced value and how it is recorded: every operator and function on a Node adds a line to its graph."""

import contextlib
import gc
import os
import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

__all__ = ["TABLE", "Key", "Node", "Operation", "apply", "user_line"]

# What a value is made of, in the order of promotion: the kind of a result is the largest kind of its arguments.
# Integers, booleans and Python numbers take the precision of the floats beside them, so that float32 stays float32.
BOOL, INT, WEAK, FLOAT32, FLOAT64 = range(5)
DTYPES = tuple(np.dtype(d) for d in ("bool", "int64", "float64", "float32", "float64"))

TABLE: dict[str, "Operation"] = {}  # name -> Operation: filled by operations.py

_HERE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")  # all of fastml
_NUMPY = os.path.dirname(np.__file__)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One line of the table of operations; operations.py says what each column means."""

    name: str
    forward: Any
    reverse: Any = None
    tangent: Any = None
    partials: Any = None
    chosen: Any = None
    shape: Any = None  # of the result, from the arguments' shapes and the parameters; None: elementwise, broadcast
    lower: Any = None  # the same in terms of simpler operations, for the machine
    sympy: Any = None
    domain: tuple = ()
    kind: int = WEAK  # the least kind of the result; BOOL for conditions
    cost: int = 1  # arithmetic operations an element, for elementwise operations
    analytic: bool = True  # forward holds for complex arguments too
    label: str = ""

    @property
    def elementwise(self):
        return self.shape is None


class Key:
    """A parameter that NumPy or Python cannot hash, compared by content: an index, or an array of integers."""

    __slots__ = ("_identity", "value")

    def __init__(self, value):
        self.value = value
        self._identity = _identity(value)

    def __eq__(self, other):
        return type(other) is Key and self._identity == other._identity

    def __hash__(self):
        return hash(self._identity)

    def __repr__(self):
        parts = self.value if isinstance(self.value, tuple) else (self.value,)
        return ", ".join(_index_text(p) for p in parts)


def _identity(value):
    if isinstance(value, tuple):
        return tuple(_identity(v) for v in value)
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.char, value.tobytes())
    return value


def _index_text(part):
    if isinstance(part, slice):
        ends = ["" if e is None else str(e) for e in (part.start, part.stop, part.step)]
        return ":".join(ends if part.step is not None else ends[:2])
    if isinstance(part, np.ndarray):
        return f"[{part.size} indices]"
    return "..." if part is Ellipsis else str(part)


_inner: dict[str, bool] = {}  # file -> whether it belongs to fastml or to NumPy


def user_line():
    """(file, line) of the innermost caller outside fastml and NumPy."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        inner = _inner.get(file)
        if inner is None:
            inner = _inner[file] = file.startswith((_HERE, _NUMPY))
        if not inner:
            return file, frame.f_lineno
        frame = frame.f_back
    return "<unknown>", 0


@contextlib.contextmanager
def uncollected():
    """Hold Python's garbage collector back: a large graph is many small objects, and none of them is garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def at_line(line=None):
    """The words " (line 12 of loss.py)" that end every error of a trace."""
    file, number = line or user_line()
    return f" (line {number} of {os.path.basename(file)})"


def apply(name, *args, params=()):
    """Record operation `name` on traced arguments; on plain ones compute it."""
    graph = None
    for a in args:
        if type(a) is Node and (graph is None or a.graph.level > graph.level):
            graph = a.graph
    operation = TABLE[name]
    if graph is None:
        return operation.forward(*args, *params)
    return graph.record(operation, args, params)


def _binary(name):
    def method(self, other):
        return apply(name, self, other)

    return method


def _reflected(name):
    def method(self, other):
        return apply(name, other, self)

    return method


def _unary(name):
    def method(self):
        return apply(name, self)

    return method


def _refuse(what, cure):
    def method(self, *args, **kwargs):
        raise TypeError(f"{what} of the traced value {self._short()}: {cure}{at_line()}")

    return method


class Node:
    """A value of a graph while it is written: an array of known shape and dtype whose entries are not known."""

    __slots__ = ("graph", "index")
    __array_priority__ = 1000

    def __init__(self, graph, index):
        self.graph, self.index = graph, index

    shape = property(lambda self: self.graph.shapes[self.index])
    dtype = property(lambda self: DTYPES[self.graph.kinds[self.index]])
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape, dtype=np.int64)))
    T = property(lambda self: apply("transpose", self, params=(tuple(range(self.ndim))[::-1],)))

    def named(self, name):
        """Give the value a name, under which the graph's values, gradients and pictures show it."""
        return self.graph.name(name, self)

    def _short(self):
        return self.graph.label(self.index)

    def __repr__(self):
        return f"<traced {self._short()}: {self.dtype}{list(self.shape)}>"

    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _binary("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _reflected("divide")
    __pow__, __rpow__ = _binary("power"), _reflected("power")
    __lt__, __le__, __gt__, __ge__ = (
        _binary("less"),
        _binary("less_equal"),
        _reflected("less"),
        _reflected("less_equal"),
    )
    __eq__, __ne__, __hash__ = _binary("equal"), _binary("not_equal"), object.__hash__
    __and__, __rand__ = _binary("logical_and"), _reflected("logical_and")
    __or__, __ror__ = _binary("logical_or"), _reflected("logical_or")
    __neg__, __abs__, __invert__ = _unary("negative"), _unary("abs"), _unary("logical_not")

    def __pos__(self):
        return self

    def __matmul__(self, other):
        return TABLE_FUNCTIONS["matmul"](self, other)

    def __rmatmul__(self, other):
        return TABLE_FUNCTIONS["matmul"](other, self)

    def __getitem__(self, index):
        return TABLE_FUNCTIONS["getitem"](self, index)

    def __len__(self):
        if not self.shape:
            raise TypeError(f"len() of the traced scalar {self._short()}{at_line()}")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape):
        return TABLE_FUNCTIONS["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def sum(self, axis=None, keepdims=False):
        return TABLE_FUNCTIONS["sum"](self, axis, keepdims)

    def mean(self, axis=None, keepdims=False):
        return TABLE_FUNCTIONS["mean"](self, axis, keepdims)

    def max(self, axis=None, keepdims=False):
        return TABLE_FUNCTIONS["max"](self, axis, keepdims)

    def min(self, axis=None, keepdims=False):
        return TABLE_FUNCTIONS["min"](self, axis, keepdims)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        name = {"absolute": "abs", "true_divide": "divide"}.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or name not in TABLE_FUNCTIONS or kwargs:
            use = f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
            use += f" with {', '.join(kwargs)}=" if kwargs else ""
            raise TypeError(f"{use} of a traced value has no rule for its derivative; see fastml.autodiff{at_line()}")
        return TABLE_FUNCTIONS[name](*inputs)

    def __array_function__(self, function, types, args, kwargs):
        name = {"amax": "max", "amin": "min", "absolute": "abs"}.get(function.__name__, function.__name__)
        name = "norm" if function is np.linalg.norm else name
        if name not in TABLE_FUNCTIONS:
            raise TypeError(
                f"numpy.{function.__name__} of a traced value has no rule for its derivative; "
                f"see fastml.autodiff for those that have{at_line()}"
            )
        return TABLE_FUNCTIONS[name](*args, **kwargs)

    __bool__ = _refuse(
        "a branch on the value", "it is not known while the function is traced; use where(condition, a, b)"
    )
    __float__ = __int__ = __index__ = __complex__ = _refuse(
        "a Python or math function", "it needs a number; use this module's functions, such as autodiff.exp for math.exp"
    )
    __array__ = _refuse("a NumPy array", "it has no entries yet; use autodiff.stack to build arrays of traced values")
    __setitem__ = __delitem__ = _refuse(
        "an in-place assignment to entries", "build a new array with where or concatenate"
    )


TABLE_FUNCTIONS: dict = {}  # NumPy's name -> function of this module: filled by functions.py
for _name in ("floordiv", "mod", "lshift", "rshift", "xor"):
    setattr(Node, f"__{_name}__", _refuse(f"operator {_name}", "it has no rule for its derivative"))
