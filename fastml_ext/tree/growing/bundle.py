"""Bundles: columns of two values that exclude one another, as one-hot columns do, are counted as one.

In every row at most one of them has its higher value, so one column of codes holds them all, and one pass over the rows
counts them all: exactly, for it is only a change of notation.
"""

import numpy as np

__all__ = ["bundles"]

MOST = 255  # columns in a bundle: codes of one byte
OPEN = 4  # bundles a column is tried for


def bundles(columns):
    """[(members, codes)]: two columns or more, and for each row 1 + the place of the one that is high, 0 if none is."""
    opened, closed = [], []
    for j, column in enumerate(columns):
        if not _is_binary(column):
            continue
        high = column.codes
        for members, codes in opened:
            if not np.minimum(codes, high).any():
                members.append(j)
                np.add(codes, high * np.uint8(len(members)), out=codes)
                break
        else:
            opened.append(([j], high.copy()))
        closed += [bundle for bundle in opened if len(bundle[0]) == MOST]
        opened = [bundle for bundle in opened if len(bundle[0]) < MOST]
        if len(opened) > OPEN:
            closed.append(opened.pop(0))
    return [bundle for bundle in closed + opened if len(bundle[0]) > 1]


def _is_binary(column):
    return (
        column.rows is None
        and column.split in ("numeric", "ordered")
        and len(column.values) == 2
        and column.codes.dtype == np.uint8
        and column.codes.max() == 1
        and np.count_nonzero(column.codes) * 2 <= len(column.codes)
    )
