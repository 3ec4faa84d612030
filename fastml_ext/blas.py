"""BLAS held to one thread while the pool's threads call it: `with blas.single(): pool.run(...)`.

BLAS threads inside the pool's threads wait for one another: two halves of a batch then take as long as the whole. The
setting belongs to the process, so nested and concurrent uses are counted and the last one to leave restores it.
"""

import contextlib
import ctypes
import threading

from scipy.linalg import cython_blas  # loads the library that np.dot of a kernel calls; an earlier limit would miss it
from threadpoolctl import ThreadpoolController

__all__ = ["address", "single", "single_for", "single_unless_long", "single_unless_small", "threads"]

SHARED = 2**13  # OpenBLAS: a vector's product from 10,000 on, a matrix and a vector's from 9,216, later those of two
SHARED_PRODUCT = 2**17  # of two tables; OpenBLAS: twice that
LONG = 1e9  # multiplications, from which on threads gain more than they wait

_nothing = contextlib.nullcontext()
_lock = threading.Lock()
_depth = 0
_restore = []
_libraries = None


@contextlib.contextmanager
def single():
    """Hold every BLAS library of this process to one thread; the last of nested or concurrent uses restores them."""
    _enter()
    try:
        yield
    finally:
        _leave()


def single_for(multiplications):
    """`single` for products of so many multiplications, nothing where BLAS would not share them (10 us less)."""
    return single() if multiplications > SHARED else _nothing


def single_unless_long(multiplications):
    """`single` for a decomposition of so many multiplications, nothing where it is too small to be shared, or long.

    NumPy and SciPy bring a BLAS each. Where their calls take turns, the threads of one wait, busy, in the way of the
    other's: on two processors a QR of 180 x 64 takes 8 ms instead of 0.2.
    """
    return single() if SHARED < multiplications < LONG else _nothing


def single_unless_small(shape):
    """As `single_unless_long`, for a decomposition of a table of that shape; also nothing (10 us less) for a small one.

    That is one whose products with vectors, and with another table, are both below what OpenBLAS would share.
    """
    n, d = shape
    small = n * d < SHARED and n * d * min(shape) < SHARED_PRODUCT
    return _nothing if small else single_unless_long(n * d * min(shape))


def threads():
    """Threads that each BLAS library of this process would use now."""
    return [library.get_num_threads() for library in _loaded()]


def address(name):
    """Where SciPy's function stands, such as "dgemm", for kernels that call it: `single` holds its library too."""
    capsule, api = cython_blas.__pyx_capi__[name], ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))


def _enter():
    global _depth, _restore
    with _lock:
        if _depth == 0:
            _restore = [(library, library.get_num_threads()) for library in _loaded()]
            for library, _ in _restore:
                _set(library, 1)
        _depth += 1
        still = [library.internal_api for library, _ in _restore if library.get_num_threads() != 1]
    if still:
        _leave()
        raise RuntimeError(f"BLAS ({', '.join(still)}) does not accept a limit of one thread")


def _leave():
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0:
            for library, before in _restore:
                _set(library, before)


def _set(library, threads):
    """Set the limit, whichever thread set one last: threadpoolctl lets only that one, and the others do nothing.

    That rule keeps two threads from undoing each other's limits; here the lock and the count of users do.
    """
    release = getattr(library, "clear_controlling_thread", lambda force: None)  # OpenBLAS only
    release(force=True)
    library.set_num_threads(threads)
    release(force=True)


def _loaded():
    """The BLAS libraries; looked up once, because a look-up reads the list of every library of the process (700 us)."""
    global _libraries
    if _libraries is None:
        _libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    return _libraries
