"""Columns of a table that is read a piece at a time, by definition.

The key of a number is an unsigned integer of as many bits, in the order of the numbers: the bits of a float with the
sign turned over, of a negative one all of them; -0.0 is 0.0. Keys are kept as uint64.
"""

import numpy as np

__all__ = ["add_distinct", "code_values", "count_digits", "key", "keys_of_prefixes"]


def key(x):
    """The key of a float32 or float64 that is not NaN."""
    width = 8 * x.dtype.itemsize
    bits = int((x + x.dtype.type(0)).view(f"u{x.dtype.itemsize}"))
    return 2**width - 1 - bits if bits >> (width - 1) else bits + 2 ** (width - 1)


def keys_of(column):
    return [key(x) for x in column if x == x]


def add_distinct(X, known, most, n_jobs=None):
    """[keys] of the distinct values of every column of X and those known before.

    X (m, d) float32 or float64 | known: for each column uint64 keys in ascending order, or None | most: where there are
    more, the answer is None; and where `known` is | NaN is left out
    """
    found = [
        None if keys is None else {*keys.tolist(), *keys_of(column)} for column, keys in zip(X.T, known, strict=True)
    ]
    return [None if keys is None or len(keys) > most else np.array(sorted(keys), np.uint64) for keys in found]


def count_digits(X, prefixes, shift, bits, counts, n_jobs=None):
    """Add to `counts` how often each digit occurs in keys that have a prefix wanted; NaN is left out.

    A key is a prefix, then a digit of `bits` bits, then `shift` bits | prefixes: for each column uint64 in ascending
    order, maybe none | counts: for each column (len(prefixes), 2**bits) int64
    """
    for column, wanted, table in zip(X.T, prefixes, counts, strict=True):
        for each in keys_of(column):
            prefix, digit = each >> (shift + bits), each >> shift & 2**bits - 1
            if prefix in wanted.tolist():
                table[wanted.tolist().index(prefix), digit] += 1


def keys_of_prefixes(X, prefixes, shift, n_jobs=None):
    """[keys] of the values of each column, in the order of the rows, that are one of its prefixes and `shift` bits.

    prefixes: as for count_digits, one at least | NaN is left out
    """
    found = []
    for column, wanted in zip(X.T, prefixes, strict=True):
        found.append(np.array([each for each in keys_of(column) if each >> shift in wanted.tolist()], np.uint64))
    return found


def code_values(X, keys, whole, codes, n_jobs=None):
    """Write the codes of values: how many keys of its column are below that of the value.

    keys: for each column uint64 in ascending order | whole: for each column, whether every value must be one of these |
    codes: for each column (m,) uint8, uint16 or uint32; NaN's code is the least above all others, which without `whole`
    go up to len(keys) | the first row of each column whose value is none of the keys of one that is whole, or -1
    """
    strange = []
    for column, wanted, all_known, out in zip(X.T, keys, whole, codes, strict=True):
        missing = len(wanted) if all_known else len(wanted) + 1
        out[:] = [missing if x != x else sum(int(k) < key(x) for k in wanted) for x in column]
        unknown = [i for i, x in enumerate(column) if all_known and x == x and key(x) not in wanted.tolist()]
        strange.append(unknown[0] if unknown else -1)
    return strange
