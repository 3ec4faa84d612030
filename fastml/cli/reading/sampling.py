"""Rows drawn at random while a table goes by in blocks: what is kept does not grow with the table."""

import numpy as np

__all__ = ["Sample"]


class Sample:
    """`rows` of the rows, those with the smallest of random numbers; all where there are no more, or rows is None.

    Used in two passes: `of` for each block of the first one, `pruned` after it, `end`; then `again` for each block of
    another. Between blocks at most about three times as many rows are kept.
    """

    def __init__(self, rows):
        self.most, self.random = rows, np.random.default_rng(0)
        self.total, self.bound = 0, 1.0
        self.keys, self.rows = np.empty(0), np.empty(0, np.int64)

    def of(self, n):
        """Which of the next n rows are kept, as their places in the block; None for all."""
        start = self.total
        self.total += n
        if self.most is None:
            return None
        keys = self.random.random(n)
        keep = np.flatnonzero(keys < self.bound)
        self.keys = np.concatenate([self.keys, keys[keep]])
        self.rows = np.concatenate([self.rows, start + keep])
        return None if len(keep) == n else keep

    def pruned(self, end=False):
        """Which of the rows kept so far stay, as their places among these; None for all."""
        if self.most is None or len(self.rows) <= (1 if end else 3) * self.most:
            return None
        keep = np.sort(np.argpartition(self.keys, self.most)[: self.most])
        self.bound = self.keys[keep].max()
        self.keys, self.rows = self.keys[keep], self.rows[keep]
        return keep

    @property
    def whole(self):
        return self.most is None or self.total <= self.most

    def again(self, start, n):
        """Which of the rows start, start + 1, ... of a block of n are kept, after the first pass; None for all."""
        if self.whole:
            return None
        low, high = np.searchsorted(self.rows, [start, start + n])
        return self.rows[low:high] - start
