"""Is a gradient right, and if not, whose fault is it; where does a NaN come from."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fastml.autodiff.arguments import flatten
from fastml.autodiff.evaluate import feed, forward_values
from fastml.autodiff.graph import CONSTANT, INPUT, Graph, short
from fastml.autodiff.modes import value_and_grad
from fastml.autodiff.node import FLOAT32, INT
from fastml.autodiff.operations import forward_rule, reverse_rule
from fastml.autodiff.rules import unbroadcast
from fastml.autodiff.tracing import trace

__all__ = ["GradientCheck", "Nonfinite", "check_gradient", "trace_nonfinite"]

EPSILON = np.finfo(float).eps
STEP = EPSILON ** (1 / 3)  # balances the error of the formula, h^2, against that of rounding, eps/h
TOLERANCE = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 2e-3}


@dataclass
class GradientCheck:
    """The result of `check_gradient`: true when every entry agrees."""

    ok: bool
    method: str  # "complex step" or "central differences"
    tolerance: float  # allowed error, relative to the largest entry of the argument's gradient
    gradient: dict  # argument -> gradient by reverse mode
    numeric: dict  # argument -> gradient by differences; NaN where an entry was not drawn
    error: dict  # argument -> relative error of each entry; 0 at kinks where the gradient lies between both slopes
    kinks: dict  # argument -> True where the slopes to the left and to the right differ
    culprit: str | None  # the first node whose own rule disagrees with differences

    def __bool__(self):
        return self.ok

    def __str__(self):
        lines = [f"{'agrees' if self.ok else 'DISAGREES'} with {self.method} (tolerance {self.tolerance:.0e})"]
        for name, error in self.error.items():
            seen = ~np.isnan(self.numeric[name])
            at = np.unravel_index(np.argmax(np.where(seen, error, -1)), error.shape) if error.size else ()
            place = f"[{', '.join(map(str, at))}]" if at else ""
            lines.append(
                f"  {name}{place}: gradient {self.gradient[name][at]:.9g}, numeric {self.numeric[name][at]:.9g}, "
                f"error {error[at]:.1e} (largest of {int(seen.sum())}; {int(self.kinks[name].sum())} at kinks)"
            )
        return "\n".join(lines + ([f"  first wrong rule: {self.culprit}"] if self.culprit else []))


def check_gradient(
    function: Callable | Graph,
    *args: Any,
    argnums: int | tuple[int, ...] | None = None,
    max_entries: int | None = None,
    random_state: int | None = 0,
) -> GradientCheck:
    """Compare the gradient of a scalar function, or of a Graph, with differences.

    Parameters
    ----------
    function : callable or Graph
        Of one scalar value.
    *args : numbers, arrays or containers of them
        Where the gradient is checked.
    argnums : int or tuple of int, default=None
        Positions of the arguments to check; None for all that hold floats.
    max_entries : int, default=None
        At most so many entries of each argument are checked, drawn at random; None for all.
    random_state : int, default=0
        Seed of that draw.

    Returns
    -------
    GradientCheck
        True where all entries agree; printed, it says where they do not.

    Notes
    -----
    The complex step (exact to rounding) where every operation is analytic, otherwise central differences with step
    6e-6 (1 + |x|), both in float64. Tolerance 1e-6 for float64 gradients and 2e-3 for float32, relative to the largest
    entry. When something disagrees, every node's rules are checked by themselves and the first wrong one is named.
    Source: Squire and Trapp, Using complex variables to estimate derivatives of real functions, 1998.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> bool(ad.check_gradient(lambda x: ad.sum(ad.tanh(x) ** 2), np.array([0.5, -1.0])))
    True
    """
    graph = function if isinstance(function, Graph) else trace(function, *args)
    values = [np.asarray(a) for a in _leaves(args)]
    chosen = [p for p, k in enumerate(graph.inputs) if graph.kinds[k] > INT]
    if argnums is not None:
        wanted = argnums if isinstance(argnums, tuple) else (argnums,)
        chosen = [p for p in chosen if _owner(args, p) in wanted]
    if graph.shapes[graph.result] != ():
        raise ValueError(f"the value has shape {graph.shapes[graph.result]}: only a scalar has one gradient to check")
    gradients = value_and_grad(graph, tuple(chosen))(*[v if v.ndim else v[()] for v in values])[1]
    analytic = all(op.analytic for op, args_ in zip(graph.ops, graph.args, strict=True) if args_)
    single = FLOAT32 in {graph.kinds[k] for k in graph.inputs}
    report = GradientCheck(True, "complex step" if analytic else "central differences", 0.0, {}, {}, {}, {}, None)
    report.tolerance = TOLERANCE[np.dtype(np.float32 if single else np.float64)]
    rng = np.random.default_rng(random_state)
    rounding = 100 * np.finfo(np.float32 if single else np.float64).eps * abs(_moved(graph, values, 0, None, 0.0))
    for p, gradient in zip(chosen, gradients, strict=True):
        drawn = np.arange(values[p].size)
        if max_entries is not None and max_entries < drawn.size:
            drawn = np.sort(rng.choice(drawn.size, max_entries, replace=False))
        by = _complex_step if analytic else _differences
        numeric, left, right, noise = by(graph, values, p, drawn)
        name = graph.label(graph.inputs[p])
        _judge(report, name, np.asarray(gradient), drawn, numeric, left, right, noise + rounding)
    if not report.ok:
        report.culprit = _first_wrong(graph, values)
    return report


def _leaves(args):
    return flatten(tuple(float(a) if type(a) is int else a for a in args))[0]


def _owner(args, position):
    """The argument that leaf number `position` belongs to."""
    for k, a in enumerate(args):
        n = len(_leaves((a,)))
        if position < n:
            return k
        position -= n
    raise IndexError(position)


def _judge(report, name, gradient, drawn, numeric, left, right, noise):
    """Enter one argument into the report. left, right: one-sided slopes; noise: what rounding may do to either."""
    flat = gradient.reshape(-1)[drawn].astype(float)
    scale = np.max(np.abs(numeric), initial=0.0)
    kink = np.abs(left - right) > 0.01 * (np.abs(left) + np.abs(right)) + 100 * noise
    between = (flat >= np.minimum(left, right) - noise) & (flat <= np.maximum(left, right) + noise)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.maximum(np.abs(flat - numeric) - noise, 0) / scale
    error = np.where(np.abs(flat - numeric) <= noise, 0.0, error)
    error = np.where(kink & between, 0.0, error)
    full = {"numeric": np.nan, "error": 0.0, "kinks": False}
    for field, part in (("numeric", numeric), ("error", error), ("kinks", kink)):
        whole = np.full(gradient.size, full[field])
        whole[drawn] = part
        getattr(report, field)[name] = whole.reshape(gradient.shape)
    report.gradient[name] = gradient
    report.ok = report.ok and bool(np.all(error <= report.tolerance))


def _complex_step(graph, values, p, drawn):
    """Slope at each drawn entry from the imaginary part: no difference is taken, so none is rounded."""
    h, slopes = 1e-30, np.empty(drawn.size)
    for j, i in enumerate(drawn):
        slopes[j] = _moved(graph, values, p, i, 1j * h).imag / h
    return slopes, slopes, slopes, 1e-13 * np.max(np.abs(slopes), initial=0.0) + 1e-50  # h^2 times the third derivative


def _differences(graph, values, p, drawn):
    middle = _moved(graph, values, p, None, 0.0)
    left, right, both, noise = (np.empty(drawn.size) for _ in range(4))
    for j, i in enumerate(drawn):
        x = float(values[p].reshape(-1)[i])
        h = (x + STEP * (1 + abs(x))) - x  # a step that x can take exactly
        up, down = _moved(graph, values, p, i, h), _moved(graph, values, p, i, -h)
        left[j], right[j], both[j] = (middle - down) / h, (up - middle) / h, (up - down) / (2 * h)
        noise[j] = 8 * EPSILON * (abs(up) + abs(down)) / h
    return both, left, right, noise


def _moved(graph, values, p, entry, step):
    """The output with one entry of input p moved."""
    dtype = np.complex128 if isinstance(step, complex) else np.float64
    inputs = [v.astype(dtype) if v.dtype.kind == "f" else v for v in values]
    if entry is not None:
        inputs[p] = inputs[p].copy()
        inputs[p].reshape(-1)[entry] += step
    return forward_values(graph, [v if v.ndim else v[()] for v in inputs], dtype)[graph.result]


def _first_wrong(graph, values):
    """The first node whose reverse or forward rule, by itself, disagrees with differences of its own function."""
    inputs = [v.astype(float) if v.dtype.kind == "f" else v for v in values]
    found = forward_values(graph, inputs, np.float64)
    rng = np.random.default_rng(0)
    for k, op in enumerate(graph.ops):
        if op is INPUT or op is CONSTANT:
            continue
        args, params = [np.asarray(found[i]) for i in graph.args[k]], graph.params[k]
        weight = rng.uniform(0.5, 1.5, graph.shapes[k])
        with np.errstate(all="ignore"):
            wrong = _wrong_rule(op, args, params, np.asarray(found[k]), weight, rng)
        if wrong:
            return f"{wrong} rule of {op.name} at {graph.label(k)}{_line(graph, k)}"
    return None


def _wrong_rule(op, args, params, y, weight, rng):
    parts = reverse_rule(op, weight, y, args, params)
    for p, part in enumerate(parts):
        if args[p].dtype.kind != "f":
            continue
        way = rng.uniform(0.5, 1.0, args[p].shape) * rng.choice([-1.0, 1.0], args[p].shape)
        h = STEP * (1 + np.max(np.abs(args[p]), initial=0.0))
        up, down, middle = (
            np.sum(weight * op.forward(*args[:p], args[p] + s * way, *args[p + 1 :], *params)) for s in (h, -h, 0.0)
        )
        slope, left, right = (up - down) / (2 * h), (middle - down) / h, (up - middle) / h
        allowed = 1e-5 * (abs(left) + abs(right)) + 16 * EPSILON * (abs(up) + abs(down)) / h + 100 * h * h
        if not np.isfinite(slope) or abs(left - right) > 100 * allowed:  # a kink or a pole: no slope to compare with
            continue
        part = np.zeros(args[p].shape) if part is None else unbroadcast(part, args[p].shape) if op.elementwise else part
        if abs(np.sum(part * way) - slope) > allowed:
            return "reverse"
        tangents = [way if q == p else None for q in range(len(args))]
        t = forward_rule(op, tangents, y, args, params)
        if abs((0.0 if t is None else np.sum(weight * t)) - slope) > allowed:
            return "forward"
    return None


def _line(graph, k):
    file, number = graph.lines[k]
    return f" (line {number} of {os.path.basename(file)})"


class Nonfinite(NamedTuple):
    """The node that first gave NaN or infinity: its place in the graph, and the values it was computed from."""

    node: int
    name: str
    operation: str
    value: object
    arguments: dict  # name -> value
    line: tuple  # (file, line) of the user's function

    def __str__(self):
        given = ", ".join(f"{name} = {short(value)}" for name, value in self.arguments.items())
        where = f" (line {self.line[1]} of {os.path.basename(self.line[0])})"
        return (
            f"{self.name} = {self.operation}({', '.join(self.arguments)}) gave {short(self.value)} from {given}{where}"
        )


def trace_nonfinite(function: Callable | Graph, *args: Any) -> Nonfinite | None:
    """The first node of a Graph or function that gives NaN or infinity.

    Parameters
    ----------
    function : callable or Graph
    *args : numbers, arrays or containers of them
        Values of the inputs in order, or for a Graph one dictionary of them by name.

    Returns
    -------
    Nonfinite or None
        The node and what it was computed from; None where all are finite.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> found = ad.trace_nonfinite(lambda x: ad.exp(ad.log(x)), -1.0)
    >>> found.operation, found.arguments
    ('log', {'x': np.float64(-1.0)})
    """
    if isinstance(function, Graph):
        graph, inputs = function, feed(function, args[0] if len(args) == 1 else args, {})
    else:
        graph = trace(function, *args)
        inputs = [np.asarray(a) for a in _leaves(args)]
    values = forward_values(graph, inputs)
    for k, value in enumerate(values):
        if np.asarray(value).dtype.kind == "f" and not np.all(np.isfinite(value)) and graph.ops[k] is not CONSTANT:
            given = {graph.label(i): values[i] for i in graph.args[k]}
            name = graph.ops[k].name
            return Nonfinite(k, graph.label(k), name, value, given, graph.lines[k])
    return None
