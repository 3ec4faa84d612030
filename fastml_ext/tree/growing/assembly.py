"""One Tree of what was grown in parts: the large nodes, and the subtrees that hang from them."""

import numpy as np

from fastml_ext.tree.growing.unpack import unpack
from fastml_ext.tree.structure import NUMERIC, SUBSET, Tree

__all__ = ["assemble"]


def assemble(nodes, small, subtrees, columns, n_outputs):
    """One Tree of LargeNodes and of the subtrees of the nodes in `small`: all are numbered depth first."""
    if not nodes:
        return _tree(*subtrees[0], columns, n_outputs)
    children = [[] for _ in nodes]
    for i, node in enumerate(nodes):
        if node.place.parent >= 0:
            children[node.place.parent].append((node.place.branch, False, i))
    for i, place in enumerate(small):
        if place.parent >= 0:
            children[place.parent].append((place.branch, True, i))
    pieces, number, total = [], {}, 0
    waiting = [(False, 0)]
    while waiting:
        is_subtree, i = waiting.pop()
        pieces.append((is_subtree, i, total))
        number[is_subtree, i] = total
        total += len(subtrees[i][0]) if is_subtree else 1
        if not is_subtree:
            waiting += [piece[1:] for piece in sorted(children[i], reverse=True)]
    records, values, codes, kids, n_codes = [], [], [], [], 0
    for is_subtree, i, first in pieces:
        if is_subtree:
            record, value, code, kid = subtrees[i]
            for name in ("left", "right"):
                record[name][record[name] >= 0] += first
            kid = kid + first
        else:
            node, code = nodes[i], nodes[i].codes
            record, value = node.records, node.value[None]
            branch = [number[piece[1:]] for piece in sorted(children[i])]
            kid = np.array([branch[b] for b in node.branch], np.int64)
            if node.kind in (NUMERIC, SUBSET):
                record["left"], record["right"] = branch
        record["category_start"] += n_codes - record["category_start"][0]
        n_codes += len(code)
        for out, part in zip((records, values, codes, kids), (record, value, code, kid), strict=True):
            out.append(part)
    return _tree(*map(np.concatenate, (records, values, codes, kids)), columns, n_outputs)


def _tree(records, values, codes, children, columns, n_outputs):
    left, right, feature, kind, threshold, threshold_int, missing, impurity, n_samples, weight, gain, start = unpack(
        records, columns, len(codes)
    )
    return Tree(
        left, right, feature, kind, threshold, threshold_int, missing, impurity, n_samples, weight,
        values.reshape(len(records), n_outputs, -1), gain, start, codes.astype(np.int64),
        children.astype(np.int64, copy=False), len(columns),
    )  # fmt: skip
