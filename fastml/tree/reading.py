"""How a fitted tree is read: functions of an estimator that has `tree_`, `columns_` and, if it classifies, `classes_`.

Every tree estimator of fastml takes them into its body as methods.
"""

from fastml.tree.code import to_python
from fastml.tree.diagram import to_dot, to_mermaid
from fastml.tree.drawing import plot_tree
from fastml.tree.explain import explain
from fastml.tree.linear import to_linear
from fastml.tree.picture import tree_html
from fastml.tree.record import estimator_from_dict, to_dict, to_json
from fastml.tree.rules import rules
from fastml.tree.sql import to_sql
from fastml.tree.text import export_text

__all__ = [
    "estimator_from_dict",
    "explain",
    "export_text",
    "plot_tree",
    "rules",
    "to_dict",
    "to_dot",
    "to_json",
    "to_linear",
    "to_mermaid",
    "to_python",
    "to_sql",
    "tree_html",
]
