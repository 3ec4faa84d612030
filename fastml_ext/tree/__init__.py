"""Decision trees: coding of columns, growing, pruning and prediction. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "coding": ["encode", "encode_sparse"],
        "growing": ["Settings", "grow"],
        "numbers": ["Numbers"],
        "pruning": ["cheapest_leaves", "first_stop", "subtree_sums", "truncate", "weakest_links"],
        "structure": ["Coded", "Column", "Tree"],
        "thresholds": ["midpoint", "round_down"],
        "walk": ["apply", "apply_columns", "blend", "decision_path"],
    },
)
