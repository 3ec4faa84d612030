"""Numba's cache of compiled kernels on disk, where whatever goes wrong means compiling and never an error.

Numba's own `cache=True` raises at import in a read-only installation, and at every start after a truncated file. Here a
cache that cannot be read is compiled anew, and one that cannot be written is left out.
"""

import contextlib
import functools
import os

from numba.core.caching import FunctionCache

from fastml_ext import jit

__all__ = ["Cache"]

ROOT = os.path.dirname(os.path.abspath(__file__))
DEVICE = os.path.join(ROOT, "device")


class Cache(FunctionCache):
    """The cache of one function: beside its source, or in the user's cache folder where that is read-only.

    A change of any module that it may inline makes it stale: those of its family and of the ground floor, device/; for
    a function that is none of fastml's own, those beside it and of the ground floor.
    """

    def __init__(self, py_func):
        super().__init__(py_func)
        with contextlib.suppress(AttributeError):  # Numba's own affair: without it the function's file alone counts
            index = self._cache_file
            index._source_stamp = index._source_stamp, *sources_of(os.path.dirname(py_func.__code__.co_filename))

    def _index_key(self, sig, codegen):
        return *super()._index_key(sig, codegen), jit.LANES  # a constant of some kernels that Numba does not see

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


def sources_of(folder):
    """(name, time of change, size) of each module that a kernel in this folder may inline."""
    folder = os.path.abspath(folder)
    if not folder.startswith(ROOT + os.sep):
        return *modules_in(folder), *modules_below(DEVICE)
    family = folder.removeprefix(ROOT + os.sep).split(os.sep)[0]
    return *modules_below(os.path.join(ROOT, family)), *modules_below(DEVICE)


@functools.cache
def modules_below(folder):
    """`modules_in` of a folder and of the folders in it, but for references, which are never inlined."""
    folders = sorted(each for each, _, _ in os.walk(folder) if not each.endswith(("__pycache__", "reference")))
    return tuple(module for each in folders for module in modules_in(each))


@functools.cache
def modules_in(folder):
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".py")]
        return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in found))
    return ()
