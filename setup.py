"""The extensions: those written in Cython, and the kernels that are compiled ahead; all else stands in pyproject.toml.

FASTML_AOT says for which levels of the processor kernels are compiled ahead: `none`, `host` (this machine's, the
default), `common` (that without the kernels that are rarely called, which Numba then compiles when they are), `all`
(what a wheel holds), or levels by name, as in `v3` or `v2,v3`. Editable installations compile none by default: there
Numba compiles a kernel when it is first called, after every edit.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

os.chdir(Path(__file__).parent)
sys.path.insert(0, os.curdir)
from fastml_ext.ahead import compile as ahead  # noqa: E402

# One wheel serves CPython 3.11 and later; a free-threaded interpreter has no stable ABI and gets a wheel of its own.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")
# The kernels read floats as integers of the same size, which compilers may otherwise assume never happens.
COMPILER_FLAGS = ["/O2"] if sys.platform == "win32" else ["-O3", "-g0", "-fno-strict-aliasing", "-fno-math-errno"]
LINKER_FLAGS = ["-s"] if sys.platform == "linux" else []  # without the names of what nobody calls
# `make debug-test`: every index is checked, and the sanitizers watch memory and arithmetic. GCC or Clang only.
CHECKED = os.environ.get("FASTML_CHECKED") == "1"
BUILD = "build/checked" if CHECKED else "build"  # what is built with other options must not be taken for up to date
if CHECKED:
    SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    COMPILER_FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-strict-aliasing", *SANITIZERS]
    LINKER_FLAGS = SANITIZERS
HIDDEN = [] if sys.platform == "win32" else ["-fvisibility=hidden"]  # each level defines the same names
KERNELS = "fastml_ext._kernels_"
OBJECTS = Path("build", "ahead")  # kept between builds: see ahead/compile.py


def extension(name, source, **options):
    options.setdefault("extra_compile_args", COMPILER_FLAGS)
    options.setdefault("extra_link_args", LINKER_FLAGS)
    return Extension(
        name,
        [str(source)],
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
        py_limited_api=STABLE_ABI,
        **options,
    )


def kernels(level):
    return extension(
        KERNELS + level,
        OBJECTS / level / "table.c",
        include_dirs=["fastml_ext", "fastml_ext/ahead"],
        libraries=[] if sys.platform == "win32" else ["m"],
        extra_compile_args=COMPILER_FLAGS + HIDDEN,
    )


class BuildExtensions(build_ext):
    """First the extensions that the kernels' modules import, then, with those, the kernels."""

    def finalize_options(self):
        in_place = self.inplace or getattr(self, "editable_mode", False)
        self.wish = os.environ.get("FASTML_AOT") or ("none" if in_place else "host")
        self.levels = ahead.levels_of(self.wish)
        self.distribution.ext_modules += [kernels(level) for level in self.levels]
        super().finalize_options()

    def run(self):
        every, compiler = self.extensions, self.compiler
        self.extensions = [each for each in every if not each.name.startswith(KERNELS)]
        super().run()
        if self.levels:
            self.compile_ahead(os.curdir if self.inplace else self.build_lib)
            self.extensions, self.compiler = [each for each in every if each not in self.extensions], compiler
            for each in self.extensions:
                each.extra_objects = each.depends = sorted(map(str, Path(each.sources[0]).parent.glob("*.o")))
            super().run()
        self.extensions = every

    def compile_ahead(self, root):
        command = [sys.executable, "-m", "fastml_ext.ahead.compile", *self.levels, "--folder", str(OBJECTS.absolute())]
        command += ["--common"] if self.wish == "common" else []
        # Beside what PYTHONPATH says already: in pip's isolated builds that is where Numba is found.
        path = os.pathsep.join([os.path.abspath(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        subprocess.run(command, check=True, cwd=root, env=os.environ | {"PYTHONPATH": path})


launcher = extension(
    "fastml_ext._launch",
    "fastml_ext/_launch.c",
    depends=["fastml_ext/_launch.h", *map(str, Path("fastml_ext/launch").glob("*.h"))],
    include_dirs=[numpy.get_include()],
)
setup(
    ext_modules=[launcher]
    + cythonize(
        [extension(".".join(path.with_suffix("").parts), path) for path in sorted(Path("fastml_ext").rglob("*.pyx"))],
        compiler_directives={
            "language_level": 3,
            "boundscheck": CHECKED,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": CHECKED,
            "freethreading_compatible": True,
        },
        nthreads=os.cpu_count() if sys.platform == "linux" else 0,  # elsewhere processes would run this file again
        build_dir=BUILD if CHECKED else None,
    ),
    cmdclass={"build_ext": BuildExtensions},
    options={"build_ext": {"parallel": os.cpu_count()}, "build": {"build_base": BUILD}}
    | ({"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI else {}),
)
