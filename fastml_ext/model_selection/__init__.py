"""Rows of splits; searches that share work: neighbours without a fold, votes of all k. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__, {"rows": ["permutation", "take_columns", "take_rows"], "votes": ["first_kept", "share_path"]}
)
