"""Nearest neighbours by definition: searches, and what the neighbours say."""

from fastml_ext.neighbors.reference.components import class_shares
from fastml_ext.neighbors.reference.search import distances, nearest, prepare, reduced_distances, within_radius
from fastml_ext.neighbors.reference.trees import build_tree, count_pairs, count_radius, pairs, query_radius, query_tree
from fastml_ext.neighbors.reference.votes import average, inverse_distances, take_copies, vote, vote_path, vote_shares

__all__ = [
    "average",
    "build_tree",
    "class_shares",
    "count_pairs",
    "count_radius",
    "distances",
    "inverse_distances",
    "nearest",
    "pairs",
    "prepare",
    "query_radius",
    "query_tree",
    "reduced_distances",
    "take_copies",
    "vote",
    "vote_path",
    "vote_shares",
    "within_radius",
]
