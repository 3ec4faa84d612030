"""Arguments of a traced function: numbers, arrays, and lists, tuples and dictionaries of them."""

import numpy as np

from fastml.autodiff.graph import kind_of
from fastml.autodiff.node import FLOAT32, FLOAT64, WEAK, Node

__all__ = ["flatten", "floats", "signature", "unflatten"]

_LEAF = "leaf"


class Static:
    """An argument that is not traced, such as a word or a Python integer: part of what a graph is made for."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return type(other) is Static and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self):
        try:
            return hash((type(self.value), self.value))
        except TypeError:
            raise TypeError(
                f"an argument of type {type(self.value).__name__} can neither be traced nor compared with earlier ones"
            ) from None


def floats(tree, position):
    """Argument number `position`, by which to differentiate, with its Python integers as floats.

    Raises TypeError for what would be taken as fixed, and come back as its own derivative.
    """
    kind = type(tree)
    if kind is int:
        try:
            return float(tree)
        except OverflowError:
            raise ValueError(f"argument {position} holds an integer too large for a float: pass it scaled") from None
    if kind is bool:
        raise TypeError(f"argument {position} holds {tree}, and a truth value has no derivative; pass a float")
    if kind is dict:
        return {name: floats(part, position) for name, part in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return kind(*[floats(part, position) for part in tree])
    if kind is list or kind is tuple:
        return kind([floats(part, position) for part in tree])
    if tree is not None and kind is not float and kind is not Node and not isinstance(tree, np.generic | np.ndarray):
        name = kind.__name__
        raise TypeError(f"argument {position} holds a {name}, which has no derivative; pass floats, or choose argnums")
    return tree


def flatten(tree):
    """(leaves, structure): the numbers and arrays of nested lists, tuples and dictionaries, in order."""
    leaves: list = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree, leaves):
    kind = type(tree)
    if kind is float or kind is np.ndarray or kind is Node or isinstance(tree, np.generic | np.ndarray):
        leaves.append(tree)
        return _LEAF
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return kind, tuple([_flatten(t, leaves) for t in tree])
    if kind is list or kind is tuple:
        if kind is list and float in (kinds := {type(t) for t in tree}) and kinds <= {int, float}:
            leaves.append(np.asarray(tree, float))  # a list of numbers is an array
            return _LEAF
        return kind, tuple([_flatten(t, leaves) for t in tree])
    if kind is dict:
        return kind, tuple([(name, _flatten(t, leaves)) for name, t in tree.items()])
    return Static(tree)


def unflatten(structure, leaves):
    """The tree of `structure` with its leaves taken from an iterator."""
    if structure == _LEAF:
        return next(leaves)
    if type(structure) is Static:
        return structure.value
    kind, parts = structure
    if kind is dict:
        return {name: unflatten(part, leaves) for name, part in parts}
    if hasattr(kind, "_fields"):
        return kind(*[unflatten(part, leaves) for part in parts])
    return kind([unflatten(part, leaves) for part in parts])


def signature(leaves):
    """((shape, kind) of each leaf). Python numbers take the precision of the arrays beside them."""
    found = []
    for leaf in leaves:
        if type(leaf) is float:
            found.append(((), WEAK))
        elif type(leaf) is Node:
            found.append((leaf.shape, leaf.graph.kinds[leaf.index]))
        else:
            found.append((np.shape(leaf), kind_of(leaf.dtype, leaf)))
    kinds = {kind for _, kind in found}
    number = FLOAT32 if FLOAT32 in kinds and FLOAT64 not in kinds else FLOAT64
    return tuple([(shape, number if kind == WEAK else kind) for shape, kind in found])
