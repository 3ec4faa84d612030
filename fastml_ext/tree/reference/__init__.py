"""What the kernels of trees compute, by definition."""

from fastml_ext.tree.reference.applying import apply, apply_columns, blend, decision_path
from fastml_ext.tree.reference.columns import encode, encode_sparse, midpoint, round_down
from fastml_ext.tree.reference.counting import add_distinct, code_values, count_digits, keys_of_prefixes
from fastml_ext.tree.reference.criteria import impurity
from fastml_ext.tree.reference.growing import grow, id3
from fastml_ext.tree.reference.levels import count_codes, go_down
from fastml_ext.tree.reference.pruning import cheapest_leaves, first_stop, subtree_sums, truncate, weakest_links

__all__ = [
    "add_distinct",
    "apply",
    "apply_columns",
    "blend",
    "cheapest_leaves",
    "code_values",
    "count_codes",
    "count_digits",
    "decision_path",
    "encode",
    "encode_sparse",
    "first_stop",
    "go_down",
    "grow",
    "id3",
    "impurity",
    "keys_of_prefixes",
    "midpoint",
    "round_down",
    "subtree_sums",
    "truncate",
    "weakest_links",
]
