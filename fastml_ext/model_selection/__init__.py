"""Searches that share work: the votes of every number of neighbours at once. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(__name__, {"votes": ["first_kept", "share_path", "vote_path"]})
