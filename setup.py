"""The Cython extensions; everything else stands in pyproject.toml."""

import os
import sys
import sysconfig
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

# One wheel serves CPython 3.11 and later; a free-threaded interpreter has no stable ABI and gets a wheel of its own.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")
# The kernels read floats as integers of the same size, which compilers may otherwise assume never happens.
COMPILER_FLAGS = ["/O2"] if sys.platform == "win32" else ["-O3", "-fno-strict-aliasing", "-fno-math-errno"]


def extension(source):
    return Extension(
        ".".join(source.with_suffix("").parts),
        [str(source)],
        extra_compile_args=COMPILER_FLAGS,
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
        py_limited_api=STABLE_ABI,
    )


def launcher():
    return Extension(
        "fastml_ext._launch",
        ["fastml_ext/_launch.c"],
        depends=["fastml_ext/_launch.h"],
        include_dirs=[numpy.get_include()],
        extra_compile_args=COMPILER_FLAGS,
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
        py_limited_api=STABLE_ABI,
    )


os.chdir(Path(__file__).parent)
setup(
    ext_modules=[launcher()]
    + cythonize(
        [extension(source) for source in sorted(Path("fastml_ext").rglob("*.pyx"))],
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "freethreading_compatible": True,
        },
        nthreads=0,
    ),
    options={"build_ext": {"parallel": os.cpu_count()}}
    | ({"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI else {}),
)
