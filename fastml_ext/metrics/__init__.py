"""Counting of labels: pairs of classes, classes of any kind coded as integers. Contracts: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "count": ["count_margins", "count_pairs", "count_pairs_weighted", "extent", "margins"],
        "code": ["code_integers", "code_objects", "code_strings", "equal_objects"],
    },
)
