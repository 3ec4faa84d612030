"""Decision trees."""

from fastml.base import hand_through
from fastml.tree.classes import DecisionTreeClassifier, DecisionTreeRegressor, ID3Classifier
from fastml.tree.code import to_python
from fastml.tree.diagram import export_graphviz, to_dot, to_mermaid
from fastml.tree.drawing import plot_tree
from fastml.tree.explain import explain
from fastml.tree.linear import to_linear
from fastml.tree.measures import entropy, gain_ratio, information_gain
from fastml.tree.picture import tree_html
from fastml.tree.record import from_dict, to_dict, to_json
from fastml.tree.rules import rules
from fastml.tree.sql import to_sql
from fastml.tree.text import export_text

__all__ = [
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ID3Classifier",
    "entropy",
    "explain",
    "export_graphviz",
    "export_text",
    "from_dict",
    "gain_ratio",
    "information_gain",
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

__getattr__, __dir__ = hand_through(__name__, "sklearn.tree")
