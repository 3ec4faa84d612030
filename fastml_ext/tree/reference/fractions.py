"""How a tree of fractional instances is grown and asked, by definition (Quinlan 1993, C4.5, chapter 3).

A row whose value of the column tested is missing goes down every branch, with the share that the rows of known value
in that branch have of the weight of all of known value. So a node has rows, and of each a share.

The gain of a rule is that among the rows of known value, times their share of the node's weight; for the gain ratio,
the missing ones are a branch more. min_samples_leaf, min_samples_split and min_weight_leaf count shares of rows; of a
rule's branches, which hold rows of known value for this, all must be large enough, of a multiway rule's two.
"""

import math

import numpy as np

from fastml_ext.tree.reference.criteria import (
    EPSILON,
    EXHAUSTIVE,
    MULTIWAY,
    NUMERIC,
    SUBSET,
    TIE,
    first_best,
    impurity,
    prediction,
)  # fmt: skip

__all__ = ["blend_row", "grow_fractions"]

ROUNDED = 1e-9  # what a sum of shares may be short by


def grow_fractions(columns, y, weight, settings):
    """The root, as `grow` gives it; "n" counts rows of which the node has any share."""
    total = weight.sum()

    def node(rows, share, depth):
        w = weight[rows] * share
        this = {"n": len(rows), "weight": sum(w), "impurity": measure(rows, w) / sum(w),
                "value": prediction(y[rows], w, settings.criterion, settings.n_classes)}  # fmt: skip
        if (
            depth < settings.max_depth
            and sum(share) + ROUNDED >= max(settings.min_samples_split, 2 * settings.min_samples_leaf)
            and sum(w) >= 2 * settings.min_weight_leaf
            and this["impurity"] > EPSILON
        ):
            rule = best_rule(columns, y, rows, share, w, this, settings, measure)
            if rule and max(rule["gain"], 0) * sum(w) / total + EPSILON >= settings.min_impurity_decrease:
                names = ("column", "kind", "gain", "left", "right", "codes")
                this.update({name: rule[name] for name in names if name in rule})
                this["missing_left"] = False
                known = sum(sum(w[side]) for side in rule["sides"])
                unknown = ~np.any(rule["sides"], axis=0)
                this["children"] = []
                for side in rule["sides"]:
                    part = np.where(unknown, share * (sum(w[side]) / known), share)
                    this["children"].append(node(rows[side | unknown], part[side | unknown], depth + 1))
        return this

    def measure(rows, w):
        return sum(w) * impurity(y[rows], w, settings.criterion, settings.n_classes)

    rows = np.flatnonzero(weight)
    return node(rows, np.ones(len(rows)), 0)


def best_rule(columns, y, rows, share, w, node, s, measure):
    found = {}
    for j, column in enumerate(columns):
        codes = column.codes[rows]
        known = codes != len(column.values)
        rules = []
        for rule in rules_of(column, codes, known, y[rows], w, s):
            enough = [
                sum(share[side]) + ROUNDED >= s.min_samples_leaf and sum(w[side]) >= s.min_weight_leaf
                for side in rule["sides"]
            ]
            if sum(enough) < (2 if column.split == "multiway" else len(enough)):
                continue
            if s.criterion == "poisson" and any(sum(y[rows][side]) <= 0 for side in rule["sides"]):
                continue
            left = sum(measure(rows[side], w[side]) for side in rule["sides"])
            rule["gain"] = (measure(rows[known], w[known]) - left) / node["weight"]
            rules.append(rule | {"column": j})
        if rules:
            found[j] = first_best(rules, "gain", TIE * node["impurity"])
    if s.criterion == "gain_ratio" and found:
        average = sum(rule["gain"] for rule in found.values()) / len(found)
        found = {j: rule for j, rule in found.items() if rule["gain"] >= average - TIE * node["impurity"]}
        for rule in found.values():
            shares = [sum(w[side]) / sum(w) for side in [*rule["sides"], ~np.any(rule["sides"], axis=0)]]
            rule["ratio"] = rule["gain"] / -sum(p * math.log2(p) for p in shares if p > 0)
        return first_best([found[j] for j in sorted(found)], "ratio", TIE * node["impurity"])
    return first_best([found[j] for j in sorted(found)], "gain", TIE * node["impurity"]) if found else None


def rules_of(column, codes, known, y, w, s):
    """Every rule of a column in the order in which ties are decided; "sides": rows of known value in each branch."""
    present = sorted(set(codes[known].tolist()))
    if column.split in ("numeric", "ordered"):
        for i in range(len(present) - 1):
            low = codes <= present[i]
            yield {"kind": NUMERIC, "left": present[i], "right": present[i + 1], "sides": [known & low, known & ~low]}
    elif column.split == "multiway" and len(present) > 1:
        yield {"kind": MULTIWAY, "codes": [[c] for c in present], "sides": [codes == c for c in present]}
    elif column.split == "subset" and len(present) > 1:
        for group in groupings(present, codes, y, w, s):
            inside = np.isin(codes, group)
            others = sorted(set(present) - set(group))
            yield {"kind": SUBSET, "codes": [sorted(group), others], "sides": [inside, known & ~inside]}


def groupings(present, codes, y, w, s):
    if len(present) <= EXHAUSTIVE:
        others = present[1:]
        for mask in range(2 ** len(others) - 1):
            yield present[:1] + [c for i, c in enumerate(others) if mask >> i & 1]
        return
    for k in range(s.n_classes) if s.n_classes > 2 else [-1]:
        values = {c: prediction(y[codes == c], w[codes == c], s.criterion, s.n_classes)[k] for c in present}
        order = sorted(present, key=values.get)
        yield from (order[: i + 1] for i in range(len(order) - 1))


def blend_row(tree, row, compare, node=0):
    """The answer to a row: a node's value, or where the value tested is missing, the mean of its branches' answers.

    compare(node, row): the child that the row goes to, None if its value is missing, -1 if it stops at the node | the
    mean is weighted by the branches' weights in training
    """
    if not tree.kind[node]:
        return tree.value[node, 0]
    child = compare(node, row)
    if child == -1:
        return tree.value[node, 0]
    if child is not None:
        return blend_row(tree, row, compare, child)
    if tree.kind[node] == MULTIWAY:
        children = tree.category_child[tree.category_start[node] : tree.category_start[node + 1]].tolist()
    else:
        children = [tree.children_left[node], tree.children_right[node]]
    weight = tree.weighted_n_node_samples
    return sum(weight[c] / weight[node] * blend_row(tree, row, compare, c) for c in children)
