"""Where a count over rows is cut: each chunk fills tables of its own, which are then added in order."""

from fastml_ext.blocks import GROUP

__all__ = ["blocks_at_once", "number_of_chunks"]

CELLS = 2**20  # values in a chunk: under a millisecond of work
LARGER = 8  # times the table that it fills, or clearing and adding tables would cost more than counting
HELD = 2**22  # table entries of all chunks together: 32 MB


def number_of_chunks(n, n_values, table):
    """Parts of n rows with n_values values in all, each filling `table` entries; a function of shapes alone."""
    table = max(table, 1)
    return max(1, min(n, n_values // CELLS, n_values // (LARGER * table), HELD // table))


def blocks_at_once(table):
    """Blocks whose tables, of so many entries each, are held at once: whole groups where they may be."""
    most = max(1, HELD // max(table, 1))
    return most // GROUP * GROUP if most >= GROUP else most
