"""Functions and graphs as machine code: value and gradient without Python in between."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastml.autodiff.arguments import flatten
from fastml.autodiff.extending import _build_gradient, _build_value
from fastml.autodiff.graph import Graph
from fastml.autodiff.modes import _Transform
from fastml.autodiff.native import LIMIT, engine
from fastml.autodiff.node import DTYPES

__all__ = ["Compiled", "compile"]


def compile(function: Callable | Graph, *example: Any, argnums: int | tuple[int, ...] | None = None) -> "Compiled":
    """Compiled value and gradient of a Python function or a Graph.

    Parameters
    ----------
    function : callable or Graph
        As for `value_and_grad`, or a Graph with a scalar output.
    *example : numbers, arrays or containers of them
        Arguments like those it will be called with: compiles at once instead of at the first call.
    argnums : int or tuple of int, default=None
        Positions of the arguments to differentiate by; None for all that hold floats.

    Returns
    -------
    Compiled

    Notes
    -----
    Structures of more than 1,000 instructions (value and gradient, simplified) are run by an interpreter that is
    compiled once; `engine` says which. Kernels are cached on disk by structure. Both engines give the same bits, except
    that generated code may fuse a multiplication and an addition, keeps float32 sums in float64 up to their end, and
    computes float32 exponentials in float32. Large products of matrices run on the threads that BLAS has.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> c = ad.compile(lambda x, z: ad.exp(x * z) + x)
    >>> c.value_and_grad(0.0, 3.0)
    (1.0, (4.0, 0.0))
    """
    return Compiled(function, example, argnums)


class Compiled:
    """A function with its gradient, compiled for every set of shapes and dtypes it meets; see `compile`."""

    def __init__(
        self, function: Callable | Graph, example: Sequence = (), argnums: int | tuple[int, ...] | None = None
    ) -> None:
        self.function, self.argnums = function, argnums
        self._transforms: dict = {}
        self._bodies: dict = {}  # number of arguments -> machine code, for when all are Python floats
        self._last = None
        if isinstance(function, Graph) and not example:
            example = [np.zeros(function.shapes[k], DTYPES[function.kinds[k]])[()] for k in function.inputs]
        if example:
            self._variant(_build_gradient, tuple(example))

    def __call__(self, *args: Any) -> Any:
        """The value."""
        variant, leaves = self._variant(_build_value, args)
        return variant.values(variant.run(leaves))

    def grad(self, *args: Any) -> Any:
        """The gradient: a tuple over the arguments, or one part where argnums is an integer."""
        return self.value_and_grad(*args)[1]

    def value_and_grad(self, *args: Any) -> tuple[Any, Any]:
        """(value, gradient)."""
        body = self._bodies.get(len(args))
        if body is not None:
            for a in args:
                if type(a) is not float:
                    break
            else:
                result = body(*args)
                return result[0], result[1] if isinstance(self.argnums, int) else result[1:]
        variant, leaves = self._variant(_build_gradient, args)
        if body is None and len(args) in self._bodies:  # from the first call on the same types come back
            return self.value_and_grad(*args)
        outputs = variant.run(leaves)
        return variant.values(outputs), variant.arguments(outputs, 0 if isinstance(self.argnums, int) else ())

    def map(self, *columns: Any, n_jobs: int | None = None) -> tuple[Any, Any]:
        """(values, gradients) of a function of numbers at every row of arrays of equal length, over the thread pool.

        gradients: a tuple of arrays, or one array where argnums is an integer.
        """
        arrays = [np.asarray(c) for c in columns]
        if len({c.shape for c in arrays}) != 1 or arrays[0].ndim != 1:
            raise ValueError(
                f"columns of shapes {[c.shape for c in arrays]}: arrays of one axis and one length are needed"
            )
        variant, _ = self._variant(_build_gradient, tuple(c.dtype.type(0) for c in arrays))
        self._compiled()
        values, *parts = variant.program.map(arrays, n_jobs)
        return values, parts[0] if isinstance(self.argnums, int) else tuple(parts)

    @property
    def kernel(self) -> Any:
        """Value and gradient for other Numba code: (value, *gradients) from numbers or arrays as in the last call."""
        return self._compiled().kernel

    @property
    def source(self) -> str:
        """The generated Python source of the kernel of value and gradient."""
        return self._compiled().source.text

    @property
    def engine(self) -> str:
        """'compiled' or 'interpreted', for the last shapes it was called with."""
        return self._program().engine

    @property
    def compile_seconds(self) -> float:
        """Seconds it took to compile the last kernel, or to load it from the cache."""
        return self._compiled().compile_seconds

    def _variant(self, build, args):
        numbers = self._numbers(args)
        if (build, numbers) not in self._transforms:
            self._transforms[build, numbers] = _Transform(self.function, numbers, build, None, "compile", engine)
        variant, leaves = self._transforms[build, numbers].variant(args, {})
        if build is _build_gradient and variant is not self._last:
            self._last = variant
            numbers = {type(a) for a in args} == {float}
            if numbers and variant.program.engine == "compiled" and variant.program.source.scalars_only:
                self._bodies[len(args)] = variant.program.body
        return variant, leaves

    def _numbers(self, args):
        """Positions of the arguments to differentiate by."""
        if self.argnums is not None:
            return self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        return tuple([k for k, a in enumerate(args) if type(a) in (float, int) or _holds_floats(a)])

    def _program(self):
        if self._last is None:
            raise ValueError("nothing is compiled yet: pass an example to compile(), or call value_and_grad first")
        return self._last.program

    def _compiled(self):
        program = self._program()
        if program.engine != "compiled":
            raise ValueError(
                f"the graph has more than {LIMIT} instructions: it is interpreted and has no kernel of its own"
            )
        return program


def _holds_floats(tree):
    return any(leaf.dtype.kind == "f" if hasattr(leaf, "dtype") else True for leaf in flatten(tree)[0])
