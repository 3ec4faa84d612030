"""Codes: how the launcher spells the types of a call, and what Numba calls them. The grammar stands in _launch.h.

l i f d ? ...           a number, by NumPy's kind and size; n for None
Ad2Cw                   an array: letter of its dtype, dimensions, layout C, F or A (any), written or only read
(...)                   a tuple
Nlinear.codes.Task{...} a named tuple, by its class's module below fastml_ext
"""

import functools
import importlib

from numba.core import types

__all__ = ["code_of", "types_of"]

LETTERS = {
    types.boolean: "?",
    types.int8: "b",
    types.uint8: "B",
    types.int16: "h",
    types.uint16: "H",
    types.int32: "i",
    types.uint32: "I",
    types.int64: "l",
    types.uint64: "L",
    types.float32: "f",
    types.float64: "d",
    types.none: "n",
}
TYPES = {letter: numba_type for numba_type, letter in LETTERS.items()}
PACKAGE = "fastml_ext."


def code_of(numba_type):
    """The launcher's code of a type; None where it has none, so that a call of it falls back."""
    if isinstance(numba_type, types.Array):
        letter = LETTERS.get(numba_type.dtype)
        if letter in (None, "n") or not numba_type.aligned or numba_type.ndim > 9:
            return None
        return f"A{letter}{numba_type.ndim}{numba_type.layout}{'w' if numba_type.mutable else 'r'}"
    if isinstance(numba_type, types.BaseTuple):
        parts = [code_of(part) for part in numba_type.types]
        if None in parts:
            return None
        if not isinstance(numba_type, types.BaseNamedTuple):
            return f"({''.join(parts)})"
        made = numba_type.instance_class
        if not made.__module__.startswith(PACKAGE):
            return None
        return f"N{made.__module__.removeprefix(PACKAGE)}.{made.__qualname__}{{{''.join(parts)}}}"
    return LETTERS.get(types.unliteral(numba_type))


def types_of(code):
    """The Numba types of a call's arguments, from their codes in a row."""
    found, rest = [], code
    while rest:
        numba_type, rest = _read(rest)
        found.append(numba_type)
    return tuple(found)


def _read(code):
    """(the type that `code` begins with, what follows it)"""
    kind, rest = code[0], code[1:]
    if kind == "A":
        return types.Array(TYPES[rest[0]], int(rest[1]), rest[2], readonly=rest[3] == "r"), rest[4:]
    if kind not in "(N":
        return TYPES[kind], rest
    name, rest = ("", rest) if kind == "(" else rest.split("{", 1)
    parts = []
    while rest[0] not in ")}":
        part, rest = _read(rest)
        parts.append(part)
    made = types.Tuple(parts) if kind == "(" else types.BaseTuple.from_types(parts, _class_of(name))
    return made, rest[1:]


@functools.cache
def _class_of(name):
    module, _, made = name.rpartition(".")
    return getattr(importlib.import_module(PACKAGE + module), made)
