"""Where sums over the rows of a table are cut, and in which order their parts are joined.

Rows are numbered from the table's first. Every BLOCK rows make a block, the blocks of a group are joined in their
order, and groups by a tree whose shape follows from their number alone. So a result has the bits that the rows give it,
however many threads, files or machines have shared the work.
"""

__all__ = ["BLOCK", "GROUP", "Tree", "block_rows"]

BLOCK = 2**13  # rows
GROUP = 32  # blocks
LARGER = 8  # times what it fills: so many values has a block, or clearing and joining would cost more than counting


def block_rows(entries):
    """Rows of a block that fills a table of so many entries a column: BLOCK, or a power of two times that.

    >>> block_rows(3), block_rows(3 * 1000)
    (8192, 32768)
    """
    rows = BLOCK
    while rows < LARGER * entries:
        rows *= 2
    return rows


class Tree:
    """The states of blocks, given in their order, joined by `merge(first, second)`.

    >>> tree = Tree(lambda first, second: f"({first}{second})")
    >>> for name in "abc":
    ...     tree.add(name)
    >>> tree.total()
    '((ab)c)'
    """

    def __init__(self, merge):
        self.merge = merge
        self.groups = 0  # complete ones
        self.complete = []  # joined: of a power of two groups each, the largest first
        self.open, self.held = None, 0  # the state of the group that is not complete, and its blocks

    def add(self, state):
        """One more block."""
        self.open = state if self.held == 0 else self.merge(self.open, state)
        self.held += 1
        if self.held == GROUP:
            self.add_group(self.open)
            self.open, self.held = None, 0

    def add_group(self, state):
        """One more group, its blocks joined in their order; only the last one may have fewer than GROUP."""
        self.groups += 1
        pairs = self.groups
        while pairs % 2 == 0:
            state, pairs = self.merge(self.complete.pop(), state), pairs // 2
        self.complete.append(state)

    def total(self):
        """The state of all blocks; None where there was none."""
        rest = self.complete if self.held == 0 else [*self.complete, self.open]
        if not rest:
            return None
        total = rest[-1]
        for state in rest[-2::-1]:
            total = self.merge(state, total)
        return total
