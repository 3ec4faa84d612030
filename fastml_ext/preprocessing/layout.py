"""Tables read as lines of numbers: by their rows, several short ones together, or each column by itself.

Where rows are short, what belongs to their columns is laid out for several of them, so that loops stay long. A column
of a table in Fortran's order is a table of one column.
"""

import numpy as np

from fastml_ext import pool

__all__ = ["LONG", "by_columns", "of_parts", "rows_together"]

SHORT, LONG = 64, 256  # columns up to which rows are taken together, and how many numbers are then
MANY = 20_000  # numbers from which laying out pays
CHUNK = 2**16  # numbers of a column that are one part
FEW_ROWS = 512  # up to which a table in Fortran's order is turned


def by_columns(X):
    """Whether X is a table in Fortran's order, and not of so few rows that it is quicker to turn it."""
    return not X.flags.c_contiguous and X.flags.f_contiguous and len(X) > FEW_ROWS


def rows_together(n, d):
    return max(1, LONG // d) if 0 < d <= SHORT and n * d >= MANY else 1


def of_parts(call, X, columns, cost, n_jobs, together):
    """[what call(start, stop, line, d, m, *columns) returns for parts of the rows of X, in order]

    columns: arrays with an item for each column of X | together: m, for a table by rows
    The parts of a table by columns come back joined: each is that of the same rows of all columns.
    """
    n, d = X.shape
    if not by_columns(X):
        return pool.run(
            call, n, np.ascontiguousarray(X).reshape(-1), d, together, *columns, cost=cost * d, n_jobs=n_jobs
        )
    pieces = -(-n // CHUNK)
    found = pool.run(some_columns, d * pieces, call, X.T, pieces, columns, cost=cost * min(n, CHUNK), n_jobs=n_jobs)
    flat = [each for some in found for each in some]
    return [
        np.concatenate([np.atleast_2d(flat[j * pieces + part]) for j in range(d)], axis=1) for part in range(pieces)
    ]


def some_columns(start, stop, call, lines, pieces, columns):
    """What `call` returns for some parts of some columns."""
    n, found = lines.shape[1], []
    for at in range(start, stop):
        j, part = divmod(at, pieces)
        given = [values[j : j + 1] for values in columns]
        found.append(call(part * CHUNK, min((part + 1) * CHUNK, n), lines[j], 1, LONG, *given))
    return found
