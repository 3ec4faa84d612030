"""Nearest neighbours: searches and votes. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "brute": ["nearest", "prepare", "within_radius"],
        "votes": ["vote", "vote_shares"],
    },
)
