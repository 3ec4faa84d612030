"""The cuts of sums over rows, and the tree by which their parts are joined."""

from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.blocks import BLOCK, GROUP, Tree, block_rows


def joined(states):
    """The shape of the tree by its definition: blocks in order to groups, neighbours among 2, 4, 8, ... groups."""
    groups = [states[at : at + GROUP] for at in range(0, len(states), GROUP)]
    groups = [in_order(group) for group in groups]
    while len(groups) > 1:
        groups = [f"({''.join(groups[at : at + 2])})" if at + 1 < len(groups) else groups[at]
                  for at in range(0, len(groups), 2)]  # fmt: skip
    return groups[0]


def in_order(states):
    total = states[0]
    for state in states[1:]:
        total = f"({total}{state})"
    return total


def merge(first, second):
    return f"({first}{second})"


@given(st.integers(1, 20 * GROUP))
def test_the_tree_is_that_of_its_definition(n):
    states = [f"{i}," for i in range(n)]
    tree = Tree(merge)
    for state in states:
        tree.add(state)
    assert tree.total() == joined(states)


@given(st.integers(1, 20 * GROUP))
def test_groups_joined_elsewhere_give_the_same_tree(n):
    states = [f"{i}," for i in range(n)]
    tree = Tree(merge)
    for at in range(0, n, GROUP):
        tree.add_group(in_order(states[at : at + GROUP]))
    assert tree.total() == joined(states)


def test_no_block_is_no_state():
    assert Tree(merge).total() is None


@given(st.integers(0, 10**6))
def test_blocks_are_no_smaller_than_what_they_fill(entries):
    rows = block_rows(entries)
    assert rows >= 8 * entries
    assert rows % BLOCK == 0
    assert rows == BLOCK or rows < 16 * entries
