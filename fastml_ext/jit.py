"""The kernels that are written in Numba's Python, and how they are compiled. The only module that states Numba options.

    kernel        for results: releases the GIL, vectorises, may fuse a multiply and an add, never reorders a sum
    kernel_exact  for orders: fuses nothing either, so that every kernel, and NumPy, rounds one formula in one way
    kernel_bound  for bounds: may reorder sums too; only where a stated error bound covers the rounding
    kernel_inline as kernel, but written into each kernel that calls it: for what is handed arrays in an inner loop

Most calls reach a variant that was compiled when fastml was built (levels.py), through the launcher (_launch.c). For
the others, Numba compiles what is called and keeps it on disk (numba_cache.py). Numba takes a third of a second to
import: nothing here imports it before that, and the modules of kernels take `intrinsic`, `types`, `ir` and `cgutils`
from here, which stand for Numba's own and load it when used.
"""

import contextlib
import functools
import importlib
import os

from fastml_ext import _launch, levels

__all__ = [
    "LANES",
    "LEVEL",
    "Kernel",
    "cache_folder",
    "cgutils",
    "compilations",
    "fallbacks",
    "intrinsic",
    "ir",
    "kernel",
    "kernel_bound",
    "kernel_exact",
    "kernel_inline",
    "load_all",
    "loaded",
    "name_of",
    "need_numba",
    "types",
]

# NumPy's rule for division: Python's adds a branch that stops vectorisation (23 against 184 us for one Adam step).
_OPTIONS = {"nogil": True, "error_model": "numpy"}
_REPRODUCIBLE = {"contract"}
_REORDERED = {"contract", "reassoc"}

LEVEL, _table = levels.choose()
LANES = levels.lanes(LEVEL)  # float32 values in a register
RECORD = "FASTML_RECORD"  # variable: every call that Numba serves is noted, and written down (ahead/record.py)
RECORDING = LEVEL != levels.JIT or RECORD in os.environ  # whether such calls are noted in this process
_kernels = []


def kernel(function):
    """Compile `function` on its first call; the same result whatever the loop around it looks like."""
    return _compile(function, _REPRODUCIBLE)


def kernel_exact(function):
    """Compile `function` so that each operation rounds by itself: ties between results are the same in every kernel."""
    return _compile(function, set())


def kernel_bound(function):
    """Compile `function`, letting sums be reordered: its result is an estimate with an error bound, never an answer."""
    return _compile(function, _REORDERED)


def kernel_inline(function):
    """As `kernel`, but Numba writes the function into its callers: no references to arrays are counted, 10 ns each."""
    return _compile(function, _REPRODUCIBLE, inline="always")


def _compile(function, fastmath, **options):
    made = Kernel(function, fastmath, options)
    _kernels.append(made)
    return made


class Kernel(_launch.Launcher):
    """A function to be called, or inlined by another kernel, as machine code."""

    def __init__(self, function, fastmath, options):
        functools.update_wrapper(self, function)
        self.py_func, self.fastmath, self.options, self.name = function, fastmath, options, name_of(function)
        self.variants = self._bind(_table, self.name) if _table and self.name else 0
        self.missed = set()  # codes of the calls that no variant served

    def _fall_back(self, *args, **options):
        """What the launcher calls where it has no variant."""
        if RECORDING:
            self.missed.add(_launch.code_of(*args))
        else:
            self._fallback = self.dispatcher  # the next call goes there directly
        return self.dispatcher(*args, **options)

    @property
    def dispatcher(self):
        """Numba's own object for the function, which compiles it for the types of its arguments."""
        made = self.__dict__.get("_dispatcher")
        # Two threads may both make one, and the first one kept serves both: a lock here could wait for Numba's, whose
        # holder may wait for this one.
        return made or self.__dict__.setdefault("_dispatcher", self._make_dispatcher())

    def _make_dispatcher(self):
        numba = need_numba(f"the kernel {self.__name__}")
        import scipy.linalg  # noqa: F401  np.dot calls SciPy's BLAS, which must be loaded for blas.single() to find it

        from fastml_ext.numba_cache import Cache

        made = numba.njit(fastmath=self.fastmath, **_OPTIONS, **self.options)(self.py_func)
        with contextlib.suppress(Exception):  # no folder can be written: the kernel is compiled once a process
            made._cache = Cache(made.py_func)
        return made

    def cache_folder(self):
        """Where the compiled function is kept on disk, or None."""
        return getattr(self.dispatcher._cache, "cache_path", None)

    @property
    def _numba_type_(self):  # how Numba sees it, where another function of Numba's calls it
        return self.dispatcher._numba_type_

    def __getattr__(self, name):
        if name.startswith("__"):  # a question whether it is an array, or the like: not worth loading Numba
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.dispatcher, name)

    def __get__(self, instance, owner=None):
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self):
        return f"<kernel {self.name or getattr(self.py_func, '__qualname__', self.py_func)}>"

    def __reduce__(self):
        return self.__qualname__  # by its name, as a function


def name_of(function):
    """The name under which a kernel is compiled ahead of time, or None where its name does not tell what it is.

    Module below fastml_ext and qualified name, of a closure with its values, which must be integers:
    "neighbors.kd_tree.search.within_kernel.within[D=2,FILL=0,LEAF=16,METRIC=0]".
    """
    package, _, module = (getattr(function, "__module__", None) or "").partition(".")
    code = getattr(function, "__code__", None)
    if package != "fastml_ext" or code is None or not code.co_filename.endswith(".py"):  # a user's, or made from text
        return None
    name = f"{module}.{function.__qualname__.replace('<locals>.', '')}"
    if not function.__closure__:
        return name
    try:
        values = [cell.cell_contents for cell in function.__closure__]
    except ValueError:  # a variable that has no value yet
        return None
    if not all(isinstance(value, int) for value in values):
        return None
    return f"{name}[{','.join(f'{n}={int(v)}' for n, v in zip(code.co_freevars, values, strict=True))}]"


def need_numba(what):
    """Numba, or an ImportError that says what needs it and how it is installed."""
    try:
        import numba
    except ModuleNotFoundError as error:
        raise ImportError(
            f'{what} must be compiled by Numba, which is not installed: pip install "fastml-learn[jit]"'
        ) from error
    return numba


class _Late:
    """A module that is imported when one of its names is used."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        return getattr(importlib.import_module(self._name), attribute)


types, cgutils, ir = _Late("numba.core.types"), _Late("numba.core.cgutils"), _Late("llvmlite.ir")


def intrinsic(function=None, **options):
    """Numba's decorator of functions that write code for LLVM, which loads Numba when a kernel is compiled."""
    return _Intrinsic(function, options) if function else functools.partial(intrinsic, **options)


class _Intrinsic:
    def __init__(self, function, options):
        functools.update_wrapper(self, function)
        self._function, self._options = function, options

    @property
    def _numba_type_(self):
        if "_type" not in self.__dict__:
            from numba.core.registry import cpu_target
            from numba.extending import intrinsic

            context = cpu_target.typing_context
            made = (intrinsic(**self._options) if self._options else intrinsic)(self._function)
            context.refresh()  # or it does not know of what was made just now
            self.__dict__.setdefault("_type", context.resolve_value_type(made))
        return self._type

    def __call__(self, *args, **options):
        raise NotImplementedError(f"{self.__name__} can be called in a kernel only")


def _used():
    """The dispatchers of the kernels that Numba has been asked for in this process."""
    return [k.__dict__["_dispatcher"] for k in _kernels if "_dispatcher" in k.__dict__]


def fallbacks():
    """{(kernel, code of its arguments)} that Numba had to serve in this process; a code None is of no type of these."""
    return {(k.name or f"{k.__module__}.{k.__qualname__}", code) for k in _kernels for code in k.missed}


def cache_folder():
    """Where this process keeps compiled kernels, or None where no folder can be written."""
    return next((folder for k in _kernels if (folder := k.cache_folder())), None)


def compilations():
    """Number of kernel signatures compiled by this process, as opposed to loaded from the cache."""
    return sum(sum(k.stats.cache_misses.values()) for k in _used())


def loaded():
    """Number of kernel signatures that this process has loaded from the cache."""
    return sum(sum(k.stats.cache_hits.values()) for k in _used())


def load_all(modules):
    """Import `modules`, so that every kernel they define is known here."""
    for module in modules:
        importlib.import_module(module)
    return list(_kernels)


if RECORD in os.environ:
    importlib.import_module("fastml_ext.ahead.record").start()
