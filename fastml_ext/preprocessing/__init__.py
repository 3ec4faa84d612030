"""Kernels of the steps before a model: moments, extremes and quantiles of columns, scaling. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "codes": ["code_rows", "code_texts", "code_views", "look_up"],
        "columns": ["binarise", "by_rows", "normalise", "put_lines"],
        "deviations": ["moments"],
        "distributions": ["from_distribution", "to_distribution"],
        "expansions": ["sparse_products"],
        "folded": ["add_looked", "few_divided", "few_multiplied", "put_looked", "scaled_scores"],
        "objects": ["code_objects"],
        "ranks": ["quantiles"],
        "scaling": ["extremes", "fill", "rescale", "standardise"],
        "polynomials": ["products"],
        "splines": ["spline_basis"],
        "powers": ["power_columns", "power_likelihood", "unpower_columns"],
    },
)
