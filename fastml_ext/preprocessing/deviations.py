"""Count, mean and squared deviations of columns, in whole registers. Contract: reference.py.

Rows are read as one line of numbers, several short rows together, each place of which has sums of its own; blocks of
rows are read twice, about the means that the first time gives, while they stay within the second cache.
"""

import numpy as np

from fastml_ext.jit import kernel_exact
from fastml_ext.preprocessing.layout import LONG, of_parts

__all__ = ["moments"]

VALUES = 16384  # of a block
FEW = 16  # rows of a block at least, and rows that are there for each place of a line
COST = 0.6  # ns a number


def moments(X, n_jobs=None):
    """Count, mean and sum of squared deviations of each column. Contract: reference.py."""
    shift = np.where(np.isfinite(X[0]), X[0], 0.0).astype(np.float64)  # differences from it lose no digits
    parts = of_parts(_moments, X, (shift,), COST, n_jobs, places_together(*X.shape))
    count, mean, squares = parts[0] if len(parts) == 1 else _merged(parts)
    if not count.all():
        mean[count == 0] = squares[count == 0] = np.nan
    mean += shift
    return count, mean, squares


def places_together(n, d):
    """Numbers of short rows that are read as one: so many that blocks stay long."""
    return max(1, min(LONG, n * d // FEW) // d) * d if d else 0


@kernel_exact
def _moments(start, stop, X, d, m, shift):
    """(3, d): count, mean and squares of the rows from start to stop, read as one line, less `shift` (d,)."""
    most = max(FEW, VALUES // max(m, 1))
    offset, found = np.empty(m), np.zeros((3, m))
    total, rest, squares = np.empty(m), np.empty(m), np.empty(m)
    for k in range(m):
        offset[k] = shift[k % d]
    first = start * d
    while first < stop * d:
        wide = min(m, stop * d - first)
        rows = min(most, (stop * d - first) // wide)
        block = X[first : first + rows * wide]
        for k in range(wide):
            total[k] = rest[k] = squares[k] = 0.0
        for i in range(rows):
            x = block[i * wide : (i + 1) * wide]
            for k in range(wide):
                total[k] += x[k] - offset[k]
        for k in range(wide):
            total[k] /= rows
        for i in range(rows):
            x = block[i * wide : (i + 1) * wide]
            for k in range(wide):
                apart = (x[k] - offset[k]) - total[k]
                rest[k] += apart
                squares[k] += apart * apart
        _add_block(block, wide, rows, offset, (total, rest, squares), found)
        first += rows * wide
    return _by_column(found, d)


@kernel_exact
def _add_block(block, wide, rows, offset, sums, found):
    """Merge the sums of a block; of a column in which numbers are missing, those of the others."""
    total, rest, squares = sums
    bad = 0
    for k in range(wide):
        bad |= rest[k] - rest[k] != 0.0  # NaN, or infinity, is in the column
    if not bad:
        for k in range(wide):
            squares[k] = max(squares[k] - rest[k] * (rest[k] / rows), 0.0)
            total[k] += rest[k] / rows
        for k in range(wide):
            apart = total[k] - found[1, k]
            share = rows / (found[0, k] + rows)
            found[1, k] += apart * share
            found[2, k] += squares[k] + apart * apart * (found[0, k] * share)
            found[0, k] += rows
        return
    for k in range(wide):
        count, mean, error, sum2 = 0.0, 0.0, 0.0, 0.0
        for i in range(k, rows * wide, wide):
            if block[i] == block[i]:
                count += 1
                mean += block[i] - offset[k]
        if count == 0:
            continue
        mean /= count
        for i in range(k, rows * wide, wide):
            if block[i] == block[i]:
                apart = (block[i] - offset[k]) - mean
                error += apart
                sum2 += apart * apart
        _merge(found, k, count, mean + error / count, max(sum2 - error * (error / count), 0.0))


@kernel_exact
def _merge(found, k, count, mean, squares):
    """Chan, Golub and LeVeque 1983, equation 1.5, into place k."""
    if count == 0:
        return
    apart, share = mean - found[1, k], count / (found[0, k] + count)
    found[1, k] += apart * share
    found[2, k] += squares + apart * apart * (found[0, k] * share)
    found[0, k] += count


@kernel_exact
def _by_column(found, d):
    """What was found at the places of a line, of each of its d columns together."""
    joined = np.zeros((3, d))
    for k in range(found.shape[1]):
        _merge(joined, k % d, found[0, k], found[1, k], found[2, k])
    return joined


def _merged(parts):
    """The moments of all rows from those of their parts, in order."""
    found = np.stack(parts)
    return _by_column(found.transpose(1, 0, 2).reshape(3, -1), found.shape[2])
