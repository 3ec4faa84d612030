"""Derivatives of plain Python functions, by reverse and forward mode."""

import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from fastml.autodiff import functions as ad
from fastml.autodiff.arguments import flatten, floats, signature, unflatten
from fastml.autodiff.extending import (
    _build_gradient,
    _build_masked_pullback,
    _build_masked_pushforward,
    _build_pullback,
    _build_pushforward,
    _build_value,
)
from fastml.autodiff.node import INT, Node, uncollected
from fastml.autodiff.program import Program
from fastml.autodiff.rewrite import rewrite
from fastml.autodiff.tracing import graft, trace_call

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


def value_and_grad(function: Any, argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Function that returns (value, gradient) of a scalar function, by reverse mode.

    Parameters
    ----------
    function : callable or Graph
        Of numbers, arrays or containers of them, written with this module's functions or NumPy's ufuncs. It is traced
        once for every set of shapes and dtypes, so what it reads besides its arguments must not change.
    argnums : int or tuple of int, default=0
        Positions of the arguments to differentiate by; the gradient has their structure.

    Returns
    -------
    callable
        Of the arguments of `function`. It raises TypeError, at tracing, for what has no derivative rule or needs a
        number, and ValueError if the value is no scalar.

    Notes
    -----
    What a choice leaves out, as the branch that `where` does not take, adds nothing, however infinite its slope. A.
    Griewank and A. Walther, Evaluating Derivatives, 2008, chapter 3.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> ad.value_and_grad(lambda w: ad.sum(w * w))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    return _Transform(function, argnums, _build_gradient, _value_and_gradient, "value_and_grad")


def grad(function: Any, argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Function that returns the gradient of a scalar function, by reverse mode.

    Parameters
    ----------
    function, argnums
        As for `value_and_grad`.

    Returns
    -------
    callable
        Of the arguments of `function`.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> ad.grad(ad.grad(lambda x: x**3))(2.0)                  # the second derivative, 6 x
    np.float64(12.0)
    """
    return _Transform(function, argnums, _build_gradient, _gradient, "grad")


def vjp(function: Any, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(value, pullback) of a function: pullback(g) is g times the Jacobian, one part an argument, by reverse mode.

    Parameters
    ----------
    function : callable
        As for `value_and_grad`, of any value.
    *primals : numbers, arrays or containers of them
        Its arguments, all of them floats.

    Returns
    -------
    value
        What the function returns.
    pullback : callable
        Of g, in the shape or structure of the value; entries where g is 0 are left out, even those of infinite slope.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> y, pullback = ad.vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    argnums = tuple(range(len(primals)))
    value = _cached(function, argnums, _build_value, _value)(*primals)
    transforms = [_cached(function, argnums, build, _gradient) for build in (_build_pullback, _build_masked_pullback)]
    return value, lambda g: _finite_first(transforms, primals, {}, flatten(_seeds(g))[0])


def jvp(function: Any, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """(value, derivative along `tangents`) of a function at `primals`, by forward mode.

    Parameters
    ----------
    function : callable
        As for `value_and_grad`, of any value.
    primals, tangents : tuple
        The arguments, all of them floats, and a direction for each. Along 0 an argument stays as it is.

    Returns
    -------
    value, tangent
        What the function returns, and its derivative, in the same structure.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> ad.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (np.float64(6.0), np.float64(3.0))
    """
    if len(primals) != len(tangents):
        raise ValueError(f"{len(tangents)} tangents for {len(primals)} arguments: one is needed for each")
    argnums = tuple(range(len(primals)))
    builds = (_build_pushforward, _build_masked_pushforward)
    transforms = [_cached(function, argnums, build, _value_and_tangent) for build in builds]
    return _finite_first(transforms, tuple(primals), {}, flatten(_seeds(tuple(tangents)))[0])


def jacobian(function: Any, argnums: int | tuple[int, ...] = 0, layout: str = "numerator") -> Callable[..., Any]:
    """Function that returns the matrix of derivatives of an array by an array; by the mode that needs fewer passes.

    Parameters
    ----------
    function, argnums
        As for `value_and_grad`, of one array for a value.
    layout : {"numerator", "denominator"}, default="numerator"
        Whose axes come first: those of the value, shape y.shape + x.shape, or those of the argument.

    Returns
    -------
    callable
        Of the arguments of `function`.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> ad.jacobian(lambda x: ad.stack([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    """
    if layout not in ("numerator", "denominator"):
        raise ValueError(f"layout={layout!r} is neither 'numerator' nor 'denominator'")
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    pullbacks = [
        _Transform(function, numbers, b, _gradient, "jacobian") for b in (_build_pullback, _build_masked_pullback)
    ]
    builds = (_build_pushforward, _build_masked_pushforward)
    pushforwards = [_Transform(function, numbers, build, _tangent, "jacobian") for build in builds]

    def run(*args, **kwargs):
        args = _floats(args, numbers)
        traced = pullbacks[0].trace(args, kwargs)
        if len(traced.graph.outputs) != 1:
            raise ValueError("jacobian needs a function with one array for a value; stack or concatenate its results")
        shape = traced.graph.shapes[traced.graph.outputs[0]]
        leaves, structure = flatten(tuple(args[k] for k in numbers))
        shapes = [ad.shape_of(leaf) for leaf in leaves]
        if math.prod(shape) <= sum(math.prod(s) for s in shapes):
            found = _by_rows(pullbacks, args, kwargs, shape, shapes)
        else:
            found = _by_columns(pushforwards, args, kwargs, shape, shapes)
        if layout == "denominator":
            found = [_axes_swapped(j, len(shape)) for j in found]
        found = unflatten(structure, iter(found))
        return found if isinstance(argnums, tuple) else found[0]

    return _titled(run, "jacobian", function)


def hessian(function: Any, argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Function that returns the matrix of second derivatives of a scalar function, of shape x.shape + x.shape.

    Parameters
    ----------
    function, argnums
        As for `value_and_grad`.

    Returns
    -------
    callable
        Of the arguments of `function`.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    return _titled(jacobian(grad(function, argnums), argnums), "hessian", function)


def hvp(function: Any, x: Any, v: Any, *args: Any) -> Any:
    """Second derivatives of a scalar function at x times v, for about the cost of a gradient: forward over reverse.

    Parameters
    ----------
    function : callable
        As for `value_and_grad`.
    x, v : number, array or containers of them
        The first argument, and the direction, of its structure.
    *args
        The other arguments, which stay as they are.

    Returns
    -------
    number, array or container
        In the structure of x.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> ad.hvp(lambda x: x[0] ** 2 * x[1], np.array([2.0, 3.0]), np.array([1.0, 0.0]))
    array([6., 4.])
    """
    slope = _cached(function, 0, _build_gradient, _gradient)
    transforms = [_cached(slope, (0,), b, _tangent) for b in (_build_pushforward, _build_masked_pushforward)]
    return _finite_first(transforms, (x, *args), {}, flatten(_seeds(v))[0])


# --- transforms: a function, how its graph is extended, and the graphs already made -----------------------------------


class _Transform:
    """Callable that traces a function, extends its graph by `build`, and runs the result; one graph a signature."""

    def __init__(self, function, argnums, build, pick, title, engine=Program):
        self.function, self.argnums, self.build, self.pick, self.engine = function, argnums, build, pick, engine
        self.numbers = argnums if isinstance(argnums, tuple) else (argnums,)
        self._variants = {}
        _titled(self, title, function)

    def __call__(self, *args, **kwargs):
        return self.run(args, kwargs, ())

    def run(self, args, kwargs, seeds):
        """The outputs at these arguments; seeds: weights or tangents, as further inputs of the extended graph."""
        variant, leaves = self.variant(args, kwargs)
        variant.check_seeds(seeds, len(leaves))
        return self.pick(variant, variant.run([*leaves, *seeds]), self.argnums)

    def variant(self, args, kwargs):
        """(the graph for arguments like these, the numbers and arrays among them)."""
        args = _floats(args, self.numbers)
        leaves, structure = flatten((args, kwargs))
        key = (structure, signature(leaves))
        variant = self._variants.get(key)
        if variant is None:
            with uncollected():
                variant = _Variant(self, args, kwargs)
            if not variant.graph.captured:  # what it captured belongs to a trace that will end
                self._variants[key] = variant
        return variant, leaves

    def trace(self, args, kwargs):
        return trace_call(self.function, args, kwargs)


class _Variant:
    """The extended graph of one signature."""

    def __init__(self, transform, args, kwargs):
        traced = transform.trace(args, kwargs)
        flat = [flatten(a)[0] for a in args]
        starts = np.cumsum([0] + [len(f) for f in flat])
        wrt = [i for k in transform.numbers for i in range(starts[k], starts[k + 1])]
        inputs = traced.graph.inputs
        self.wrt = [inputs[i] for i in wrt if traced.graph.kinds[inputs[i]] > INT]
        if len(self.wrt) != len(wrt) and transform.build is not _build_value:
            i = next(i for i in wrt if traced.graph.kinds[inputs[i]] <= INT)
            name = traced.graph.label(inputs[i])
            held = "integers" if traced.graph.kinds[inputs[i]] == INT else "truth values"
            raise TypeError(f"argument {name} holds {held}, which have no derivative; pass floats, or choose argnums")
        self.value_structure = traced.structure
        self.argument_structures = [flatten(args[k])[1] for k in transform.numbers]
        self.n_values = len(traced.graph.outputs)
        self.graph = rewrite(transform.build(traced.graph, [inputs[i] for i in wrt]))
        self.engine, self._program = transform.engine, None

    @property
    def program(self):
        if self._program is None:
            with uncollected():
                self._program = self.engine(self.graph)
        return self._program

    def check_seeds(self, seeds, n_arguments):
        wanted = self.graph.inputs[n_arguments:]
        if len(seeds) != len(wanted):
            raise ValueError(f"{len(seeds)} arrays were given as weights or tangents where {len(wanted)} are needed")
        for seed, k in zip(seeds, wanted, strict=True):
            if ad.shape_of(seed) != self.graph.shapes[k]:
                raise ValueError(
                    f"a weight or tangent of shape {ad.shape_of(seed)} where {self.graph.shapes[k]} is needed"
                )

    def run(self, values):
        if self.graph.captured or any(type(v) is Node for v in values):
            nodes = graft(self.graph, values)
            return [nodes[k] for k in self.graph.outputs]
        return self.program.run(values)

    def values(self, outputs):
        return unflatten(self.value_structure, iter(outputs[: self.n_values]))

    def arguments(self, outputs, argnums):
        """Outputs after the values, in the structure of the arguments differentiated by."""
        leaves = iter(outputs[self.n_values :])
        parts = tuple(unflatten(s, leaves) for s in self.argument_structures)
        return parts if isinstance(argnums, tuple) else parts[0]


def _value(variant, outputs, argnums):
    return variant.values(outputs)


def _value_and_gradient(variant, outputs, argnums):
    return variant.values(outputs), variant.arguments(outputs, argnums)


def _gradient(variant, outputs, argnums):
    return variant.arguments(outputs, argnums)


def _tangent(variant, outputs, argnums):
    return unflatten(variant.value_structure, iter(outputs[variant.n_values :]))


def _value_and_tangent(variant, outputs, argnums):
    return variant.values(outputs), _tangent(variant, outputs, argnums)


# --- seeds of zero ----------------------------------------------------------------------------------------------------


def _finite_first(transforms, args, kwargs, seeds):
    """The outputs of the plain transform if they are finite, of the masked one (which costs more) if not or if traced.

    Weights and tangents of 0 say what to leave out. The plain rules multiply by them, which gives NaN beside an
    infinite slope and the same everywhere else.
    """
    plain, masked = transforms
    if not any(type(v) is Node for v in (*flatten((args, kwargs))[0], *seeds)):
        found = plain.run(args, kwargs, seeds)
        if all(type(v) is not Node and np.isfinite(v).all() for v in flatten(found)[0]):
            return found
    return masked.run(args, kwargs, seeds)


# --- jacobians: one pass for every row or column ----------------------------------------------------------------------


def _by_rows(pullbacks, args, kwargs, shape, shapes):
    rows = [flatten(_finite_first(pullbacks, args, kwargs, (one,)))[0] for one in _one_hot(shape)]
    return [_stacked([row[p] for row in rows], shape, s, 0) for p, s in enumerate(shapes)]


def _by_columns(pushforwards, args, kwargs, shape, shapes):
    found = []
    for p, s in enumerate(shapes):
        others = [np.zeros(other) for other in shapes]
        seeds = [(*others[:p], one, *others[p + 1 :]) for one in _one_hot(s)]
        columns = [_finite_first(pushforwards, args, kwargs, seed) for seed in seeds]
        found.append(_stacked(columns, s, shape, -1))
    return found


def _one_hot(shape):
    for k in range(math.prod(shape)):
        one = np.zeros(math.prod(shape))
        one[k] = 1.0
        yield one.reshape(shape)


def _stacked(parts, outer, inner, axis):
    """Parts of shape `inner`, one for each entry of `outer`, as outer + inner (axis 0) or inner + outer (axis -1)."""
    whole = ad.stack(parts) if any(type(p) is Node for p in parts) else np.stack(parts)
    whole = ad.reshape(whole, (*outer, *inner))
    return whole if axis == 0 else _axes_swapped(whole, len(outer))


def _axes_swapped(j, first):
    n = len(ad.shape_of(j))
    return ad.transpose(j, (*range(first, n), *range(first)))


# --- small things -----------------------------------------------------------------------------------------------------


def _floats(args, numbers):
    """The arguments, with Python integers among those to differentiate by as floats."""
    for k in numbers:
        if not -len(args) <= k < len(args):
            raise ValueError(f"argnums={numbers} but {len(args)} arguments were given")
        kind = type(args[k])
        if kind is not float and kind is not np.ndarray and kind is not Node and kind is not np.float64:
            at = k % len(args)
            args = (*args[:at], floats(args[k], at), *args[at + 1 :])
    return args


def _seeds(tree):
    """Weights or tangents with Python integers as floats."""
    if isinstance(tree, int):
        return float(tree)
    return type(tree)(_seeds(t) for t in tree) if type(tree) in (tuple, list) else tree


def _titled(target, title, function):
    target.__name__ = f"{title}({getattr(function, '__name__', 'function')})"
    target.__doc__ = getattr(function, "__doc__", None)
    return target


_transforms: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _cached(function, argnums, build, pick):
    """The transform of a function, made once for as long as the function lives."""
    try:
        transforms = _transforms.setdefault(function, {})
    except TypeError:  # neither hashable nor weakly referable
        return _Transform(function, argnums, build, pick, build.__name__)
    key = (argnums, build, pick)
    if key not in transforms:
        transforms[key] = _Transform(function, argnums, build, pick, build.__name__)
    return transforms[key]
