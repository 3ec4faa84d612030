"""What the kernels of this family compute, by definition.

Everywhere: n is the number of rows, y_true and y_pred are (n,) and of one length; a table of pairs has the truth in its
rows and the prediction in its columns. The kernels take C-contiguous int64 and check nothing.
"""

import numpy as np

__all__ = [
    "code_integers",
    "code_objects",
    "code_strings",
    "count_margins",
    "count_pairs",
    "count_pairs_weighted",
    "equal_objects",
    "extent",
    "margins",
]


def extent(y_true, y_pred):
    """(smallest, largest) of all values.

    y_true, y_pred (n,) int64, n >= 1 | returns two Python integers
    """
    values = [*y_true.tolist(), *y_pred.tolist()]
    return min(values), max(values)


def count_pairs(start, stop, y_true, y_pred, low, width):
    """How many of the rows start .. stop - 1 have the truth low + i and the prediction low + j, for all i and j.

    y_true, y_pred (n,) int64 in [low, low + width) | returns (width, width) int64
    """
    pairs = list(zip(y_true[start:stop].tolist(), y_pred[start:stop].tolist(), strict=True))
    return np.array([[pairs.count((low + i, low + j)) for j in range(width)] for i in range(width)], np.int64)


def in_order(values):
    """The sum from the first to the last, each step rounded: Python's own sum compensates from version 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total


def count_pairs_weighted(y_true, y_pred, weight, low, width):
    """The summed weight of the rows with the truth low + i and the prediction low + j, for all i and j.

    y_true, y_pred (n,) int64 in [low, low + width) | weight (n,) float64, finite, of any sign
    returns (width, width) float64, each cell summed in order of the rows
    """
    table = np.zeros((width, width))
    for i in range(width):
        for j in range(width):
            table[i, j] = in_order(weight[(y_true == low + i) & (y_pred == low + j)])
    return table


def margins(table):
    """The diagonal of a table of pairs, its row sums (the true classes) and its column sums (the predicted ones).

    table (width, width) int64 | returns (3, width) int64
    """
    return np.stack([np.diag(table), table.sum(axis=1), table.sum(axis=0)])


def count_margins(y_true, y_pred, weight, low, width):
    """For each class the weight of its correct rows, of the rows that are it and of the rows predicted as it.

    y_true, y_pred (n,) int64 in [low, low + width) | weight (n,) float64, finite, or None for 1 everywhere
    returns (3, width) float64, each entry summed in order of the rows
    """
    weight = np.ones(len(y_true)) if weight is None else weight
    rows = [[(y_true == c) & (y_pred == c), y_true == c, y_pred == c] for c in range(low, low + width)]
    return np.array([[in_order(weight[row]) for row in of_class] for of_class in rows], float).reshape(width, 3).T


def code_integers(y_true, y_pred):
    """(values, codes of y_true, codes of y_pred): the distinct values in order of their first appearance in y_true and
    then y_pred, and each entry as its index in them.

    y_true, y_pred (n,) int64, n >= 1 | returns (n_values,), (n,), (n,) int64
    """
    values = list(dict.fromkeys([*y_true.tolist(), *y_pred.tolist()]))
    return np.array(values), *(np.array([values.index(v) for v in y.tolist()]) for y in (y_true, y_pred))


def code_strings(y_true, y_pred):
    """(first, codes of y_true, codes of y_pred): where in y_true and then y_pred each distinct string stands first, and
    each entry as the index of its string.

    y_true (n, width), y_pred (n, other width) uint32: one character a column, shorter strings padded with zeros, as
    NumPy stores them; n, width >= 1 | trailing zeros are padding and never part of a string
    returns (n_strings,), (n,), (n,) int64; first is in ascending order
    """
    texts = ["".join(map(chr, row)).rstrip("\0") for y in (y_true, y_pred) for row in y.tolist()]
    distinct = list(dict.fromkeys(texts))
    codes = np.array([distinct.index(text) for text in texts])
    return np.array([texts.index(text) for text in distinct]), codes[: len(y_true)], codes[len(y_true) :]


def code_objects(y_true, y_pred):
    """(values, codes of y_true, codes of y_pred): the distinct strings in order of their first appearance.

    y_true, y_pred (n,) object, any stride | returns a list of str, (n,), (n,) int64; None where an entry is not a str
    """
    entries = [*y_true.tolist(), *y_pred.tolist()]
    if not all(isinstance(entry, str) for entry in entries):
        return None
    values = list(dict.fromkeys(entries))
    return values, *(np.array([values.index(v) for v in y.tolist()], np.int64) for y in (y_true, y_pred))


def equal_objects(y_true, y_pred):
    """Which strings are the same.

    y_true, y_pred (n,) object, any stride | returns (n,) bool; None where an entry is not a str
    """
    pairs = list(zip(y_true.tolist(), y_pred.tolist(), strict=True))
    if not all(isinstance(entry, str) for pair in pairs for entry in pair):
        return None
    return np.array([a == b for a, b in pairs], bool)
