"""Where a count over rows is cut: each part fills tables of its own, which are then added in order."""

__all__ = ["number_of_parts"]

CELLS = 2**20  # values in a part: under a millisecond of work
LARGER = 8  # times the table that it fills, or clearing and adding tables would cost more than counting
HELD = 2**22  # table entries of all parts together: 32 MB


def number_of_parts(n, n_values, table):
    """Parts of n rows with n_values values in all, each filling `table` entries; a function of shapes alone."""
    table = max(table, 1)
    return max(1, min(n, n_values // CELLS, n_values // (LARGER * table), HELD // table))
