"""Kernels from generated source: compiled as any other, and cached on disk under a name made from their content."""

import contextlib
import hashlib
import math
import os
import pathlib
import sys
from types import ModuleType

import numpy as np

from fastml_ext import jit
from fastml_ext.autodiff import machine, steps

__all__ = ["callbacks", "define", "load"]

KEPT = 500  # sources kept on disk; the oldest go first
_HELPERS = {name: getattr(machine, name) for name in ("annul", "product", "winner", "gather", "scatter")}
_HELPERS |= {
    f"{name}{bits}": getattr(machine, f"{name}{bits}")
    for name in ("exp", "tanh", "sigmoid", "softplus")
    for bits in (32, 64)
}
_HELPERS |= {name: getattr(steps, name) for name in ("sgd_step", "adagrad_step", "adam_step")}
_loaded = {}


def load(text, dtype):
    """The functions that `text` defines, compiled on their first call: {name: kernel}. `dtype` is what F(...) makes."""
    dtype = np.dtype(dtype)
    name = _name(text, dtype)
    if name not in _loaded:
        module = ModuleType(f"fastml_ext.autodiff.{name}")
        sys.modules[module.__name__] = (
            module  # where Numba looks for the globals of a kernel that it loads from the cache
        )
        _loaded[name] = _define(text, _write(name, text), dtype, module.__dict__)
    return _loaded[name]


def define(text, dtype, **known):
    """As `load`, for a text that uses the objects `known`; compiled in every process."""
    return _define(text, "<generated>", np.dtype(dtype), {"__name__": __name__, **known})


def _define(text, file, dtype, scope):
    scope.update(_HELPERS, math=math, np=np, F=dtype.type, ONE=dtype.type(1), ZERO=dtype.type(0))
    before = set(scope)
    exec(compile(text, file, "exec"), scope)
    functions = {}
    for key in [key for key in scope if key not in before and not key.startswith("__")]:
        functions[key] = scope[key] = jit.kernel(scope[key])
    return functions


def _name(text, dtype):
    """From the text, and from the helpers that are compiled into it: the cache does not see edits elsewhere."""
    helpers = b"".join(pathlib.Path(module.__file__).read_bytes() for module in (machine, steps))
    digest = hashlib.sha256(b"\0".join([text.encode(), dtype.char.encode(), helpers]))
    return f"graph_{digest.hexdigest()[:24]}"


def _folder():
    """Where the machine's own kernels are kept, or None where nothing can be written."""
    return machine._run.cache_folder()


def _write(name, text):
    """Path of the source on disk, where Numba looks for it; or a name without a file, compiled in every process."""
    folder = _folder()
    if folder is None:
        return f"<{name}>"
    file = pathlib.Path(folder, "graphs", f"{name}.source")  # not .py: tools that look for modules shall not find it
    try:
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            _forget_oldest(file.parent)
            part = file.with_suffix(f".{os.getpid()}")
            part.write_text(text)
            os.replace(part, file)
    except OSError:
        return f"<{name}>"
    return os.fspath(file)


def _forget_oldest(folder):
    sources = sorted(folder.glob("graph_*.source"), key=lambda f: f.stat().st_mtime)
    for source in sources[: max(0, len(sources) - KEPT)]:
        for file in [source, *folder.glob(f"**/{source.stem}*")]:
            with contextlib.suppress(OSError):
                file.unlink()


def callbacks(body, n_arguments, dtype):
    """(value, derivative) of body(*numbers) -> (value, derivative), as first-class functions of numbers.

    A kernel takes them as arguments without being compiled again: all functions of as many numbers have one type.
    """
    numba = jit.need_numba("a function that is compiled")
    number = numba.float64 if np.dtype(dtype) == np.float64 else numba.float32
    names = ", ".join(f"x{i}" for i in range(n_arguments))
    made = []
    for k, name in enumerate(("value", "derivative")):
        scope = {"body": body}
        exec(f"def {name}({names}):\n    return body({names})[{k}]\n", scope)
        made.append(numba.cfunc(number(*[number] * n_arguments))(scope[name]))
    return tuple(made)
