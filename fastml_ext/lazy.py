"""Packages whose names are imported on first use, so that importing a family loads neither Numba nor its kernels."""

import importlib
import sys

__all__ = ["exports"]


def exports(package, table):
    """(__getattr__, __dir__, __all__) of a package whose `table` names, for each submodule, what it exports.

    >>> __getattr__, __dir__, __all__ = exports("fastml_ext.neighbors", {"brute": ["nearest"]})
    >>> __all__
    ['nearest']
    """
    source = {name: module for module, names in table.items() for name in names}
    names = sorted(source)

    def __getattr__(name):
        if name not in source:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{source[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next look-up costs what any other attribute costs
        return value

    return __getattr__, lambda: names, names
