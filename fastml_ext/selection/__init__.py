"""What a column says of a target: sums of products, neighbours in one column or two. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "products": ["sums_with"],
        "nearness": ["near_both", "near_own"],
    },
)
