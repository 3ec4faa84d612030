"""Decision trees: coding of columns, growing, pruning and applying. Contract: reference/.

Folders are called growing and applying, not grow and apply, for these are functions of the package.
"""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "applying.apply": ["apply", "apply_columns", "blend", "decision_path"],
        "coding": ["encode", "encode_sparse"],
        "counting": ["add_distinct", "code_values", "count_digits", "keys_of_prefixes"],
        "growing.grow": ["grow"],
        "growing.settings": ["Settings"],
        "levels": ["count_codes", "go_down"],
        "numbers": ["Numbers"],
        "pruning.prune": ["cheapest_leaves", "first_stop", "subtree_sums", "truncate", "weakest_links"],
        "structure": ["Coded", "Column", "Tree"],
        "thresholds": ["midpoint", "round_down"],
    },
)
