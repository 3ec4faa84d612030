"""`fastml info`: what this installation consists of, what it may use, and whose each name is."""

import importlib
import os
import pkgutil
import platform
import sys
import tempfile
import textwrap
from importlib import metadata
from pathlib import Path

import fastml
import fastml_ext

__all__ = ["in_cache", "kernel_modules", "run"]

PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "scikit-learn", "threadpoolctl", "joblib")
OPTIONAL = dict.fromkeys(("numba", "llvmlite"), ': needed for your own functions only, pip install "fastml-learn[jit]"')
# What the kernels gain most from, widest last.
INSTRUCTIONS = "sse4.2 avx avx2 fma avx512f avx512vl avx512bw avx512vnni avx512bf16 neon sve".split()  # noqa: SIM905
PACKAGE = Path(fastml_ext.__file__).parent
SETTINGS = ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_DISABLE_JIT", "NUMBA_OPT")


def run(arguments):
    for heading, lines in (
        ("Versions", versions()),
        ("Threads", threads()),
        ("Instruction set", instructions()),
        ("BLAS", libraries()),
        ("Compiled", compiled()),
        ("Kernels", kernels()),
        ("Cache of Numba's kernels", cache()),
        ("Names", names()),
    ):
        print(heading)
        for label, value in lines:
            print(wrapped(f"  {label:<18} {value}"))
        print(flush=True)
    return 0


def wrapped(line):
    return textwrap.fill(line, 110, subsequent_indent=" " * 21, break_on_hyphens=False, break_long_words=False)


def versions():
    yield "fastml", f"{fastml.__version__} in {Path(fastml.__file__).parent}"
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "platform", platform.platform()
    for package in PACKAGES:
        yield package, version(package) or "not installed" + OPTIONAL.get(package, "")


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def threads():
    """How many, and each of the things that limit them."""
    from fastml_ext import pool

    yield "used", f"{pool.cpu_limit()} (n_jobs=None); the smallest of what follows"
    yield "processors", str(os.cpu_count())
    if hasattr(os, "sched_getaffinity"):
        yield "affinity", str(len(os.sched_getaffinity(0)))
    for name in pool.ENVIRONMENT:
        yield name, os.environ.get(name, "not set")
    yield "control group", "limits them" if pool.cpu_limit() < known_limit(pool.ENVIRONMENT) else "no tighter limit"


def known_limit(variables):
    limits = [os.cpu_count() or 1]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    limits += [int(v) for v in (os.environ.get(name, "") for name in variables) if v.isdecimal() and int(v) > 0]
    return min(limits)


def instructions():
    """Of this processor; its name and its single features, as LLVM sees them, where Numba is installed."""
    from fastml_ext import levels

    highest = levels.possible()[:1]
    yield "highest level", f"{' '.join(highest) or 'below v2'} ({platform.machine()})"
    if version("llvmlite"):
        from llvmlite import binding

        has = binding.get_host_cpu_features()
        yield "processor", binding.get_host_cpu_name()
        yield "Numba may use", " ".join(name for name in INSTRUCTIONS if has.get(name)) or "what every processor has"
    for name in SETTINGS:
        if name in os.environ:
            yield name, os.environ[name]


def libraries():
    from threadpoolctl import threadpool_info

    from fastml_ext import blas

    blas.threads()  # loads SciPy's library, which the kernels call
    for library in threadpool_info():
        kernels = ", which the kernels call" if {"scipy", "scipy.libs"} & set(Path(library["filepath"]).parts) else ""
        yield (
            library["internal_api"] + kernels,
            f"version {library.get('version') or 'unknown'}, {library['num_threads']} threads, "
            f"{library.get('architecture') or library.get('threading_layer') or ''} {library['filepath']}",
        )


def compiled():
    """The extensions that are written in Cython and C."""
    sources = [*PACKAGE.rglob("*.pyx"), PACKAGE / "_launch.c"]
    for module in sorted(".".join(source.relative_to(PACKAGE).with_suffix("").parts) for source in sources):
        yield module, f"{'C' if module == '_launch' else 'Cython'}, {built(f'fastml_ext.{module}')}"


def kernels():
    """Those written in Numba's Python: which were compiled when fastml was built, and what is left to Numba."""
    from fastml_ext import jit, levels

    wanted = os.environ.get("FASTML_LEVEL")
    held = [level for level in levels.possible() if levels.built(level)]
    why = f"FASTML_LEVEL={wanted}" if wanted else "the highest there is" if held else "none was built"
    yield "level", f"{jit.LEVEL} ({why}); built for this processor: {', '.join(held) or 'none'}"
    if jit.LEVEL != levels.JIT and (age := staleness(levels.module(jit.LEVEL))):
        yield "sources", age
    families: dict[str, list] = {}
    for kernel in jit.load_all(kernel_modules()):
        families.setdefault(kernel.py_func.__module__.split(".")[1], []).append(kernel)
    for family, found in sorted(families.items()):
        ahead = f"{sum(kernel.variants for kernel in found)} variants compiled ahead"
        cached = (
            f"{sum(in_cache(kernel) for kernel in found)} of them in Numba's cache" if version("numba") else "no Numba"
        )
        yield family, f"{len(found)} kernels, {ahead}, {cached}"
    missed = [f"{name} {code or '(no code)'}" for name, code in sorted(jit.fallbacks(), key=str)]
    yield "left to Numba", f"by this process: {'; '.join(missed) or 'nothing'}"


def staleness(module):
    """What to do where the sources have changed since the kernels were compiled; nothing where they have not."""
    from fastml_ext.ahead.compile import digest_of_sources

    if module.sources == digest_of_sources():
        return ""
    return "changed since these kernels were compiled, which run as they were: build again, or set FASTML_LEVEL=jit"


def built(module):
    try:
        return f"built: {Path(str(importlib.import_module(module).__file__)).name}"
    except ImportError as error:
        return f"NOT built ({error}): reinstall fastml, or run python setup.py build_ext --inplace"


def kernel_modules():
    """The names of all modules of fastml_ext that may define kernels."""
    found = (module.name for module in pkgutil.walk_packages(fastml_ext.__path__, "fastml_ext."))
    other = ("fastml_ext.ahead", "fastml_ext.numba_cache", "fastml_ext._")  # which need Numba, or are no Python
    return [name for name in found if not name.endswith("reference") and not name.startswith(other)]


def in_cache(kernel):
    """Whether a compiled signature of a kernel lies in the cache of Numba."""
    function = kernel.py_func
    folder = kernel.cache_folder()
    module, line = function.__module__.rpartition(".")[2], function.__code__.co_firstlineno
    return folder is not None and any(Path(folder).glob(f"{module}.{function.__qualname__}-{line}.*.nbc"))


def cache():
    from fastml_ext import jit

    if not version("numba"):
        yield "folder", "none: without Numba nothing is compiled"
        return
    folder, wanted = jit.cache_folder(), os.environ.get("NUMBA_CACHE_DIR")
    if wanted and (folder is None or Path(wanted) not in Path(folder).parents):
        yield "NUMBA_CACHE_DIR", f"{wanted}, which cannot be written and is NOT used"
    if folder is None:
        yield "folder", "none can be written: every process compiles; set NUMBA_CACHE_DIR to a folder that can"
        return
    beside = " (the first family's; each has one beside its source)" if PACKAGE in Path(folder).parents else ""
    yield "folder", f"{folder}{beside}"
    yield "can be written", "yes" if writable(Path(folder)) else "NO: new kernels are compiled in every process"


def writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def names():
    """Of each module that follows one of scikit-learn's: which names fastml wrote, which it hands through."""
    for module in pkgutil.iter_modules(fastml.__path__, "fastml."):
        if module.name in ("fastml.cli", "fastml.__main__", "fastml.base"):
            continue
        loaded = importlib.import_module(module.name)
        own = sorted(getattr(loaded, "__all__", ()))
        yield module.name, f"fastml's own: {', '.join(own) or 'none'}"
        handed = handed_through(loaded)
        if handed:
            yield "", f"handed through from scikit-learn: {', '.join(handed)}"


def handed_through(module):
    """The names of scikit-learn's module of the same name that are not fastml's."""
    if not callable(vars(module).get("__getattr__")):
        return []
    try:
        original = importlib.import_module(module.__name__.replace("fastml.", "sklearn.", 1))
    except ImportError:
        return []
    return sorted(name for name in original.__all__ if getattr(module, name) is getattr(original, name))
