"""The Cython extensions; everything else stands in pyproject.toml."""

import os
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# One wheel serves CPython 3.11 and later; a free-threaded interpreter has no stable ABI and gets a wheel of its own.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")
# The kernels read floats as integers of the same size, which compilers may otherwise assume never happens.
COMPILER_FLAGS = ["/O2"] if sys.platform == "win32" else ["-O3", "-fno-strict-aliasing", "-fno-math-errno"]
LINKER_FLAGS = []
# `make debug-test`: every index is checked, and the sanitizers watch memory and arithmetic. GCC or Clang only.
CHECKED = os.environ.get("FASTML_CHECKED") == "1"
BUILD = "build/checked" if CHECKED else "build"  # what is built with other options must not be taken for up to date
if CHECKED:
    SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    COMPILER_FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-strict-aliasing", *SANITIZERS]
    LINKER_FLAGS = SANITIZERS


def extension(source):
    return Extension(
        ".".join(source.with_suffix("").parts),
        [str(source)],
        extra_compile_args=COMPILER_FLAGS,
        extra_link_args=LINKER_FLAGS,
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
        py_limited_api=STABLE_ABI,
    )


os.chdir(Path(__file__).parent)
setup(
    ext_modules=cythonize(
        [extension(source) for source in sorted(Path("fastml_ext").rglob("*.pyx"))],
        compiler_directives={
            "language_level": 3,
            "boundscheck": CHECKED,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": CHECKED,
            "freethreading_compatible": True,
        },
        nthreads=0,
        build_dir=BUILD if CHECKED else None,
    ),
    options={"build_ext": {"parallel": os.cpu_count()}, "build": {"build_base": BUILD}}
    | ({"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI else {}),
)
