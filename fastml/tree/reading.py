"""The methods by which a fitted tree is read; every tree estimator of fastml has them."""

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

__all__ = ["TreeReading"]


class TreeReading:
    """What a tree estimator inherits: it has `tree_`, `columns_` and, if it classifies, `classes_`.

    Each method is the function of that name in fastml.tree, whose docstring has the parameters.
    """

    export_text = export_text
    rules = rules
    plot_tree = plot_tree
    tree_html = tree_html
    to_dot = to_dot
    to_mermaid = to_mermaid
    to_python = to_python
    to_sql = to_sql
    to_linear = to_linear
    explain = explain
    to_dict = to_dict
    to_json = to_json
    from_dict = classmethod(estimator_from_dict)
