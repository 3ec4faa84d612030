"""Kernels of feature maps and templates. Contract: reference/."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        # columns of numbers
        # records and texts
    },
)
