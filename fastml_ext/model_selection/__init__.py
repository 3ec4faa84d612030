"""Searches that share work: neighbours without a fold, votes of every number of them. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(__name__, {"votes": ["first_kept", "share_path"]})
