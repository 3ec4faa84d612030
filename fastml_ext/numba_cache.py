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


class Cache(FunctionCache):
    """The cache of one function: beside its source, or in the user's cache folder where that is read-only.

    A change of any module in the folder makes it stale, not of the function's own only: helpers may stand beside it.
    """

    def __init__(self, py_func):
        super().__init__(py_func)
        with contextlib.suppress(AttributeError):  # Numba's own affair: without it the function's file alone counts
            index = self._cache_file
            index._source_stamp = index._source_stamp, modules_beside(os.path.dirname(py_func.__code__.co_filename))

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


@functools.cache
def modules_beside(folder):
    """(name, time of change, size) of each Python module in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".py")]
        return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in found))
    return ()
