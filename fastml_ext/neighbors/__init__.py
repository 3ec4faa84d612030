"""Nearest neighbours: searches and votes. Contract: reference/."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "brute": ["nearest", "prepare", "within_radius"],
        "components": ["class_shares"],
        "kd_tree": ["build_tree", "count_pairs", "count_radius", "pairs", "query_radius", "query_tree"],
        "votes": ["average", "inverse_distances", "take_copies", "vote", "vote_path", "vote_shares"],
    },
)
