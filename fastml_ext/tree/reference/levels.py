"""Rows on their way down a tree that grows level by level, and the splits that their counts decide, by definition."""

import numpy as np

from fastml_ext.tree.reference.criteria import TIE, first_best, impurity

__all__ = ["best_cut", "count_codes", "go_down"]


def go_down(codes, feature, cut, missing, missing_left, left, right, nodes, n_jobs=None):
    """Write the node at which each row stops into `nodes` (m,) int32.

    codes: for each column (m,) uint8, uint16 or uint32 | of each node: feature int32, the column that it tests, or -1
    where rows stop; cut uint32: codes up to it go to `left`, others to `right`, int32; missing_left uint8: whether rows
    go left whose code is `missing` (n_columns,) uint32 of the column
    """
    for i in range(len(nodes)):
        node = 0
        while feature[node] >= 0:
            j = feature[node]
            code = codes[j][i]
            goes_left = missing_left[node] if code == missing[j] else code <= cut[node]
            node = left[node] if goes_left else right[node]
        nodes[i] = node


def count_codes(codes, slot, label, counts, n_jobs=None):
    """Add to `counts` how often each code and class occur among the rows of each slot.

    codes: as in go_down | slot (m,) int32, -1 for a row that is not counted | label (m,) uint8 or uint32 | counts: for
    each column (n_slots, n_codes, n_classes) uint32
    """
    for column, table in zip(codes, counts, strict=True):
        for at, code, k in zip(slot, column, label, strict=True):
            if at >= 0:
                table[at, code, k] += 1


def best_cut(counts, criterion):
    """(gain, column, code, whether missing values go left) of the best split of a node; None where there is none.

    counts: for each column (n_codes, n_classes), the last code that of a missing value
    """
    classes = np.arange(counts[0].shape[1])

    def measure(table):
        total = table.sum(axis=0).astype(float)
        return sum(total) * impurity(classes, total, criterion, len(total)) if total.sum() else 0.0

    found = []
    for j, table in enumerate(counts):
        known = [code for code in range(len(table) - 1) if table[code].any()]
        for left in [False, True] if table[-1].any() else [False]:
            for code in known if table[-1].any() and not left else known[:-1]:
                side = np.arange(len(table)) <= code
                side[-1] = left
                gain = measure(table) - measure(table[side]) - measure(table[~side])
                found.append({"gain": gain, "cut": (j, code, left)})
    if not found:
        return None
    best = first_best(found, "gain", TIE * measure(counts[0]))
    return best["gain"] / counts[0].sum(), *best["cut"]
