"""Nearest neighbours by definition: searches, and what the neighbours say."""

from fastml_ext.neighbors.reference.search import distances, nearest, prepare, reduced_distances, within_radius
from fastml_ext.neighbors.reference.votes import average, take_copies, vote, vote_path, vote_shares

__all__ = [
    "average",
    "distances",
    "nearest",
    "prepare",
    "reduced_distances",
    "take_copies",
    "vote",
    "vote_path",
    "vote_shares",
    "within_radius",
]
