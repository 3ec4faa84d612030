"""How the Numba kernels are compiled and cached. The only module that states Numba options.

    kernel        for results: releases the GIL, vectorises, may fuse a multiply and an add, never reorders a sum
    kernel_exact  for orders: fuses nothing either, so that every kernel, and NumPy, rounds one formula in one way
    kernel_bound  for bounds: may reorder sums too; only where a stated error bound covers the rounding

Every kernel is cached on disk beside its source, or in the user's cache folder where that is read-only. A cache that
cannot be read is compiled anew, one that cannot be written is left out: neither is ever an error. Numba's own
`cache=True` raises at import in a read-only installation, and at every start after a truncated file.

Numba is imported by this module, so nothing that must start fast may import it before its first use.
"""

import contextlib
import functools
import importlib
import os

import scipy.linalg  # noqa: F401  np.dot in a kernel calls SciPy's BLAS, which must be loaded for blas.single() to find it
from numba import njit
from numba.core.caching import FunctionCache

__all__ = ["Cache", "cache_folder", "compilations", "kernel", "kernel_bound", "kernel_exact"]

# NumPy's rule for division: Python's adds a branch that stops vectorisation (23 against 184 us for one Adam step).
_OPTIONS = {"nogil": True, "error_model": "numpy"}
_REPRODUCIBLE = {"contract"}
_REORDERED = {"contract", "reassoc"}

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


def _compile(function, fastmath):
    compiled = njit(fastmath=fastmath, **_OPTIONS)(function)
    with contextlib.suppress(Exception):  # no folder can be written: the kernel is compiled once a process
        compiled._cache = Cache(compiled.py_func)
    _kernels.append(compiled)
    return compiled


class Cache(FunctionCache):
    """Numba's cache of one function on disk, where whatever goes wrong means compiling and never an error.

    A change of any module in the folder makes it stale, not of the function's own only: helpers may stand beside it.
    """

    def __init__(self, py_func):
        super().__init__(py_func)
        with contextlib.suppress(AttributeError):  # Numba's own affair: without it the function's file alone counts
            index = self._cache_file
            index._source_stamp = index._source_stamp, modules_beside(os.path.dirname(py_func.__code__.co_filename))

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            with contextlib.suppress(Exception):
                self.flush()  # an index that cannot be read would never be written again
            return None

    def save_overload(self, sig, data):
        with contextlib.suppress(Exception):
            super().save_overload(sig, data)


@functools.cache
def modules_beside(folder):
    """(name, time of change, size) of each Python module in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".py")]
        return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in found))
    return ()


def cache_folder():
    """Where this process keeps compiled kernels, or None where no folder can be written."""
    probe = next((k for k in _kernels if isinstance(k._cache, Cache)), None)
    return os.fspath(probe._cache.cache_path) if probe else None


def compilations():
    """Number of kernel signatures compiled by this process, as opposed to loaded from the cache."""
    return sum(sum(k.stats.cache_misses.values()) for k in _kernels)


def load_all(modules):
    """Import `modules`, so that every kernel they define is known here."""
    for module in modules:
        importlib.import_module(module)
    return list(_kernels)
