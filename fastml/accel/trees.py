"""KDTree: fastml's search for neighbours, and scikit-learn's tree made where its insides are asked for."""

import sys
from typing import Any

import numpy as np
from sklearn.utils import check_array

from fastml.accel import ledger
from fastml.accel.faces import as_seen, caller_name, dressed

__all__ = ["tree_of"]

INSIDES = (
    "get_arrays", "get_n_calls", "get_tree_stats", "kernel_density", "reset_n_calls", "two_point_correlation",
    "__getstate__",
)  # fmt: skip
FIELDS = ("data", "idx_array", "node_bounds", "node_data", "sample_weight", "sum_weight")


def tree_of(own, original):
    """The class that has scikit-learn's `original` face and answers by fastml's class `own`."""
    space: dict = {name: asked(name) for name in INSIDES}
    space |= {name: field(name) for name in FIELDS}
    space |= {name: served(name) for name in ("query", "query_radius")}
    return dressed((Tree, original), original, own, space, reduced)


class Tree:
    """What the class with the face does; it has `_own`, fastml's class, and `_original`, scikit-learn's."""

    _own: Any
    _original: Any

    def __init__(self, X: Any, leaf_size: Any = 40, metric: Any = "minkowski", sample_weight: Any = None, **more: Any):
        self.given: Any = X, leaf_size, metric, sample_weight, more
        self.engine, self.made, self.why = None, None, ""
        try:
            if sample_weight is not None:
                raise ValueError("fastml has no parameter sample_weight")
            table = check_array(X, dtype=np.float64, order="C")
            with ledger.timed("KDTree", ledger.HERE):
                self.engine = self._own(table, leaf_size, metric, **more)
        except Exception as error:
            self.why = f"{type(error).__name__}: {error}".split("\n")[0][:200]
            with ledger.timed("KDTree", ledger.THERE, self.why):
                self.made = self._original(X, leaf_size, metric, sample_weight=sample_weight, **more)

    @property
    def theirs(self):
        """The same tree as scikit-learn makes it."""
        if self.made is None:
            X, leaf_size, metric, sample_weight, more = self.given
            self.made = self._original(X, leaf_size, metric, sample_weight=sample_weight, **more)
        return self.made

    def __reduce_ex__(self, protocol):
        return taken(self.theirs, type(self), caller_name())

    def __setstate__(self, state):
        """As scikit-learn's tree, which answers from then on."""
        self.given, self.engine, self.why = None, None, "read from a pickle"
        self.made = taken(None, self._original, "sklearn")[0](self._original)
        self.made.__setstate__(state)


def taken(tree, cls, caller):
    """How pickle takes a tree: its class by the name that its caller sees, and the state of scikit-learn's."""
    new = sys.modules[vars(cls).get("_original", cls).__module__].newObj
    return new, (as_seen(cls, caller),), None if tree is None else tree.__getstate__()


def reduced(tree):
    return taken(getattr(tree, "theirs", tree), type(tree), caller_name())


def field(name):
    """The attribute of scikit-learn's tree."""
    return property(lambda self: getattr(self.theirs, name))


def asked(name):
    """The method of scikit-learn's tree."""

    def call(self, *args, **options):
        return getattr(self.theirs, name)(*args, **options)

    call.__name__ = name
    return call


def served(name):
    """The method of fastml's tree, or of scikit-learn's where that refuses."""

    def call(self, X, *args, **options):
        why = self.why
        if self.engine is not None:
            try:
                table = check_array(X, dtype=np.float64, order="C")
                with ledger.timed(f"KDTree.{name}", ledger.HERE):
                    return getattr(self.engine, name)(table, *args, **options)
            except Exception as error:
                why = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        with ledger.timed(f"KDTree.{name}", ledger.THERE, why):
            return getattr(self.theirs, name)(X, *args, **options)

    call.__name__ = name
    return call
