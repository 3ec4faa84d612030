"""The families of fastml_ext: their functions, the definitions, and the inputs on which both are tried."""

import importlib
import importlib.util
import inspect
import pkgutil
from typing import Any, NamedTuple

import numpy as np

import fastml_ext

__all__ = ["Family", "difference", "families"]


class Family(NamedTuple):
    name: str
    kernels: Any  # the package, or a module that stands alone
    reference: Any
    cases: Any  # its module of inputs, or None where it has none yet

    def functions(self):
        """The exported functions that are tried by themselves, in order."""
        names = getattr(self.kernels, "__all__", None) or self.reference.__all__  # a Cython module has no list
        exported = [name for name in names if inspect.isroutine(getattr(self.kernels, name, None))]
        return [name for name in exported if name not in getattr(self.cases, "WITHIN", {})]

    def case(self, name):
        """The function that tries `name` on an input, or None."""
        return getattr(self.cases, name, None)

    def differs(self, name, seed):
        """How kernel and definition differ on the input of that seed, in words, or None."""
        results = []
        for which, implementation in (("definition", self.reference), ("kernel", self.kernels)):
            try:
                with np.errstate(all="ignore"):
                    results.append(self.case(name)(implementation, np.random.default_rng(seed)))
            except Exception as error:
                return f"the {which} raises {type(error).__name__}: {error}"
        expected, found = results
        return difference(found, expected, self.cases.CLOSE.get(name, 0.0))


def families():
    """Every package of fastml_ext with a reference, and every module with a `<name>_reference` beside it."""
    found = []
    for module in pkgutil.iter_modules(fastml_ext.__path__, "fastml_ext."):
        beside = f"{module.name}." if module.ispkg else f"{module.name}_"
        if exists(f"{beside}reference"):
            cases = importlib.import_module(f"{beside}cases") if exists(f"{beside}cases") else None
            parts = importlib.import_module(module.name), importlib.import_module(f"{beside}reference"), cases
            found.append(Family(module.name.partition(".")[2], *parts))
    return found


def exists(module):
    return importlib.util.find_spec(module) is not None


def difference(found, expected, relative, where="the result"):
    """Where and how a result is not the expected one, in words, or None; relative: the error allowed, 0 for none."""
    if isinstance(expected, (list, tuple)) and not isinstance(found, np.ndarray):
        if not isinstance(found, (list, tuple)) or len(found) != len(expected):
            return f"{where} is {found!r}, by the definition {expected!r}"
        parts = [
            difference(f, e, relative, f"{where}[{i}]") for i, (f, e) in enumerate(zip(found, expected, strict=True))
        ]
        return next(filter(None, parts), None)
    if expected is None or found is None:
        return None if found is expected else f"{where} is {found!r}, by the definition {expected!r}"
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return f"{where} has the shape {found.shape}, by the definition {expected.shape}"
    unequal = ~equal(found, expected, relative)
    if not unequal.any():
        return None
    place = tuple(int(i) for i in np.argwhere(unequal)[0])
    return f"{where}{list(place) if place else ''} is {found[place]!r}, by the definition {expected[place]!r}"


def equal(found, expected, relative):
    if "f" in (found.dtype.kind, expected.dtype.kind):
        size = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        return np.isclose(found, expected, rtol=relative, atol=relative * size, equal_nan=True)
    return np.asarray(found == expected)
