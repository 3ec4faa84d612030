"""The helpers of runtime.c, which stand for Numba's: tried through a library that is compiled here."""

import ctypes
import math
import shutil
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastml_ext

FOLDER = Path(fastml_ext.__path__[0])
SOURCE = FOLDER / "ahead" / "runtime.c"
SIZE = ctypes.c_ssize_t


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    compiler = shutil.which("cc")
    if compiler is None or not SOURCE.exists():
        pytest.skip("needs a C compiler and the sources")
    library = tmp_path_factory.mktemp("runtime") / "runtime.so"
    include = [f"-I{FOLDER}", f"-I{sysconfig.get_path('include')}"]
    flags = (
        ["-shared", "-fPIC", "-undefined", "dynamic_lookup"]
        if "darwin" in sysconfig.get_platform()
        else ["-shared", "-fPIC"]
    )
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
    done = subprocess.run([compiler, *flags, *warnings, *include, str(SOURCE), "-o", str(library), "-lm"], text=True)
    assert done.returncode == 0
    return ctypes.PyDLL(str(library))


def strided(random):
    """An array of up to four axes, some of one item, some read in steps or backwards, and now and then permuted."""
    shape = [
        int(random.choice([0, 1, 2, 3, 4, 6], p=[0.04, 0.16, 0.2, 0.2, 0.2, 0.2])) for _ in range(random.integers(1, 5))
    ]
    steps = [int(random.choice([1, 1, 1, 2, -1])) for _ in shape]
    base = np.arange(np.prod([n * abs(s) for n, s in zip(shape, steps, strict=True)]), dtype=np.float64)
    whole = base.reshape([n * abs(s) for n, s in zip(shape, steps, strict=True)])
    part = whole[tuple(slice(None, None, s) for s in steps)]
    return part.transpose(random.permutation(part.ndim)) if random.integers(3) == 0 else part


def another_shape(random, size):
    """Some way to write `size` as a product, with ones between."""
    left, shape = size, [] if size else [0, 3]
    while left > 1:
        shape.append(int(random.choice([d for d in range(2, left + 1) if left % d == 0])))
        left //= shape[-1]
    for _ in range(random.integers(0, 3)):
        shape.insert(random.integers(len(shape) + 1), 1)
    return shape or [1]


@given(st.integers(0, 2**32 - 1))
def test_reshaping_without_a_copy_is_numpys(runtime, seed):
    random = np.random.default_rng(seed)
    array = strided(random)
    shape = another_shape(random, array.size)
    strides = (SIZE * len(shape))()
    possible = runtime.numba_attempt_nocopy_reshape(
        SIZE(array.ndim),
        (SIZE * array.ndim)(*array.shape),
        (SIZE * array.ndim)(*array.strides),
        SIZE(len(shape)),
        (SIZE * len(shape))(*shape),
        strides,
        SIZE(array.itemsize),
        0,
    )
    view = array.view()
    try:
        view = np.reshape(array, shape, copy=False)
    except ValueError:
        assert not possible
    else:
        assert possible
        assert [s for s, n in zip(strides, shape, strict=True) if n > 1] == [
            s for s, n in zip(view.strides, shape, strict=True) if n > 1
        ]


@pytest.mark.parametrize("x", [0.0, 1.0, -3.5, 1e-310, math.inf, -math.inf, math.nan])
def test_numbers_are_parted_and_put_together_as_by_numpy(runtime, x):
    exponent = ctypes.c_int(7)
    runtime.numba_frexp.restype = runtime.numba_ldexp.restype = ctypes.c_double
    part = runtime.numba_frexp(ctypes.c_double(x), ctypes.byref(exponent))
    expected, power = np.frexp(x)
    assert np.array_equal(part, expected, equal_nan=True)
    assert exponent.value == (power if np.isfinite(x) else 0)
    assert np.array_equal(runtime.numba_ldexp(ctypes.c_double(part), exponent), x, equal_nan=True)


@pytest.mark.parametrize("size", [0, 1, 100])
@pytest.mark.parametrize("align", [0, 1, 32, 64])
def test_memory_is_aligned_and_too_much_is_refused(runtime, size, align):
    for name in ("NRT_MemInfo_alloc_aligned", "NRT_MemInfo_data_fast"):
        getattr(runtime, name).restype = ctypes.c_void_p
    owner = ctypes.c_void_p(runtime.NRT_MemInfo_alloc_aligned(ctypes.c_size_t(size), ctypes.c_uint32(align)))
    data = runtime.NRT_MemInfo_data_fast(owner)
    assert data % max(align, 1) == 0
    ctypes.memset(data, 1, size)
    runtime.NRT_MemInfo_call_dtor(owner)
    assert runtime.NRT_MemInfo_alloc_aligned(ctypes.c_size_t(2**64 - 8), ctypes.c_uint32(align)) is None


def test_products_are_blas(runtime):
    random = np.random.default_rng(0)
    for kind, dtype in (("d", np.float64), ("f", np.float32)):
        x, y = random.random(7).astype(dtype), random.random(7).astype(dtype)
        result = np.zeros(1, dtype)
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, y, result)]
        letter = ctypes.c_char(kind.encode())
        assert runtime.numba_xxdot(letter, ctypes.c_char(b"0"), SIZE(7), *pointers) == 0
        assert result[0] == pytest.approx(x @ y, rel=1e-6)
