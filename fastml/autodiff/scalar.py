"""A user's loss or activation, written in Python for numbers, as machine code that models call for every sample."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from fastml.autodiff.check import check_gradient
from fastml.autodiff.extending import _build_gradient
from fastml.autodiff.native import NativeProgram
from fastml.autodiff.node import DTYPES
from fastml.autodiff.plan import plan
from fastml.autodiff.rewrite import rewrite
from fastml.autodiff.tracing import trace

__all__ = ["ScalarFunction", "scalar_function"]

POINTS = (-2.3, -0.7, 0.4, 1.9)  # where the derivative is checked; loss(score, y) at y = -1, 1 and 2.5 too
OTHERS = (-1.0, 1.0, 2.5)


@dataclass(frozen=True)
class ScalarFunction:
    """A function of numbers and its derivative with respect to the first, compiled; see `scalar_function`."""

    both: object  # Numba function (x, ...) -> (value, derivative), to be called from other Numba functions
    value: object  # Numba callbacks (x, ...) -> number: arguments of kernels that are compiled once for every loss
    derivative: object
    n_arguments: int
    dtype: np.dtype


def scalar_function(
    function: Callable, n_arguments: int = 1, dtype: DTypeLike = np.float64, check: bool = True
) -> ScalarFunction:
    """Compile a Python function of numbers and its derivative with respect to the first of them.

    Parameters
    ----------
    function : callable
        Such as activation(z) or loss(score, y), written with this module's functions; a branch is where(...).
    n_arguments : int, default=1
        How many numbers it takes: 1 for an activation, 2 for a loss.
    dtype : dtype, default=float64
        float64 or float32.
    check : bool, default=True
        Compare the derivative with differences at a few points, and raise ValueError if they disagree.

    Returns
    -------
    ScalarFunction

    Notes
    -----
    `both` serves Numba code that is compiled for this function; `value` and `derivative` are first-class callbacks that
    one cached kernel can take as arguments, whatever function they stand for.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> loss = ad.scalar_function(lambda score, y: ad.softplus(-y * score), 2)
    >>> loss.both(0.0, 1.0)
    (0.6931471805599453, -0.5)
    """
    from fastml_ext.autodiff.generated import callbacks

    dtype = np.dtype(dtype)
    if dtype not in DTYPES[3:]:
        raise ValueError(f"dtype={dtype} is neither float64 nor float32")
    graph = trace(function, *[dtype.type(1)] * n_arguments)
    if len(graph.outputs) != 1 or graph.shapes[graph.outputs[0]] != ():
        raise ValueError(f"the function must return one number, not shapes {[graph.shapes[k] for k in graph.outputs]}")
    if check:
        for x in POINTS:
            for y in OTHERS if n_arguments > 1 else OTHERS[:1]:
                report = check_gradient(graph, *[x, *[y] * (n_arguments - 1)], argnums=0)
                if not report and np.isfinite(report.numeric[graph.label(graph.inputs[0])]):
                    raise ValueError(f"the derivative {report}")
    extended = rewrite(_build_gradient(graph, graph.inputs[:1]))
    program = NativeProgram(plan(extended))
    value, derivative = callbacks(program.body, n_arguments, dtype)
    return ScalarFunction(program.body, value, derivative, n_arguments, dtype)
