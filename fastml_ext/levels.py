"""Which of the kernels that were compiled ahead of time this process uses.

An installation holds them for some levels of instruction sets: v2, v3 and v4 of x86-64, native on other machines. The
highest that the processor has is taken; FASTML_LEVEL names another, or jit: Numba compiles every kernel for this host.
"""

import importlib
import os
import platform

from fastml_ext import _launch

__all__ = ["JIT", "built", "choose", "lanes", "module", "possible"]

JIT = "jit"
LANES = {"v4": 16, "v3": 8}  # float32 values in a register; 4 at the other levels
VARIABLE = "FASTML_LEVEL"


def possible():
    """The levels whose kernels this machine can run, highest first."""
    highest = _launch.level()
    if highest == 0:
        return ("native",)
    return tuple(f"v{k}" for k in range(highest, 1, -1))


def module(level):
    """The extension that holds the kernels of a level, or None where it was not built."""
    name = f"fastml_ext._kernels_{level}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def built(level):
    """The kernels of a level as the launcher takes them, or None where they were not built."""
    found = module(level)
    return found and found.table


def choose():
    """(level, table of its kernels): by FASTML_LEVEL, or the best there is; (JIT, None) where there is none."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted == JIT:
        return JIT, None
    if wanted:
        return wanted, _wanted(wanted)
    found = ((level, built(level)) for level in possible())
    return next(((level, kernels) for level, kernels in found if kernels), (JIT, None))


def _wanted(level):
    can = possible()
    choice = f"set {VARIABLE} to one of {', '.join([*can, JIT])}, or leave it unset"
    if level not in {"v2", "v3", "v4", "native"}:
        raise ValueError(f"{VARIABLE}={level!r} is no level: {choice}")
    if level not in can:
        raise ValueError(f"{VARIABLE}={level!r} is not for this processor ({platform.machine()}): {choice}")
    kernels = built(level)
    if kernels is None:
        raise ValueError(
            f"{VARIABLE}={level!r}, but no kernels were compiled for it when this copy of fastml was built: set"
            f" {VARIABLE}={JIT} to compile them now, or leave it unset"
        )
    return kernels


def lanes(level):
    """How many float32 values the kernels of a level hold in a register."""
    return LANES.get(possible()[0] if level == JIT and possible() else level, 4)
