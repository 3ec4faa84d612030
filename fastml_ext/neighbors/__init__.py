"""Nearest neighbours: searches and votes. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "brute": ["nearest", "prepare"],
        "votes": ["vote", "vote_shares"],
    },
)
