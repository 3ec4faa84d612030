"""How a tree is grown, by definition: every rule of every column enumerated in every node.

A column of n rows is coded: codes[i] is the place of its value in `values`, and len(values) where it is missing. A node
is a dictionary: rows "n", "weight", "impurity", "value" (shares of the classes, or one number), and where it is split
"column", "kind", "gain" and "children", with "left", "right", "missing_left" (numeric) or "codes" of each child.
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
    mix,
    prediction,
)  # fmt: skip
from fastml_ext.tree.reference.fractions import grow_fractions

__all__ = ["grow", "id3", "impurity"]

# ------------------------------------------------------------------------------------------------ growing


def grow(columns, y, weight=None, settings=None):
    """The tree that is split at each node by the best of all rules, from the root down: its root.

    columns: of codes (n,), values, split ("numeric", "ordered", "multiway", "subset"), monotonic (-1, 0, 1)
    y (n,) or (n, n_outputs): class codes below n_classes, or numbers where n_classes is 0; of several outputs not with
    monotonic columns | weight (n,), not negative: rows of weight 0 are left out; None for 1 each
    settings: see Settings

    A node is a leaf if it is pure (impurity at most 2^-52), too deep or too small, if no rule is allowed, or if the
    best rule's gain, times the node's share of the weight, is below min_impurity_decrease. The gain of a rule is the
    impurity of the node minus the weighted mean impurity of its branches; an impure node is split even at gain 0.

    Rules of a column, each branch of which must have min_samples_leaf rows and weight min_weight_leaf:
    numeric: codes <= c to the left, missing values to the right or, if there are any, to the left; also "is missing"
    multiway: a branch for each code that occurs, a missing value being one | subset: every two-way grouping of the
    codes that occur (above 10 of them: the cuts of their orders by the mean target, or by the share of each class)

    Ties (gains equal to within 2^-40 of the node's impurity): the lowest column, missing values to the right, the
    lowest code. With "gain_ratio" columns are compared by their best rule's gain over the entropy of its branch sizes,
    among those that gain at least the average. Every node has a key, the root mix(seed, 0), a branch b mix(key, b)
    (a multiway branch of code c: b = 2 + c), a column j mix(key, j). Of max_features columns those with the lowest keys
    are searched, and more until one has a rule; a random threshold is drawn by the column's key.

    monotonic: a rule of such a column must have the means of its branches in order, and in the node's bounds; these are
    then cut at the middle of the two means. Predictions are held within the bounds of their node.

    max_leaf_nodes: the leaf whose split has the most gain times weight is split next (the leftmost of equal ones).

    fractional: see fractions.py; not with "absolute_error", monotonic columns, drawing or max_leaf_nodes
    """
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, float)
    if settings.fractional:
        return grow_fractions(columns, np.asarray(y), weight, settings)
    rows = np.flatnonzero(weight)
    problem = _Problem(columns, np.asarray(y), weight, settings, weight.sum())
    root = problem.node(rows, 0, mix(settings.seed, 0), (-np.inf, np.inf))
    if not settings.max_leaf_nodes:
        problem.expand(root)
        return root
    frontier = [root]
    n_leaves = 1
    while any(node["rule"] for node in frontier):
        best = max((n for n in frontier if n["rule"]), key=lambda node: node["rule"]["gain"] * node["weight"])
        if n_leaves + len(best["rule"]["parts"]) - 1 > settings.max_leaf_nodes:
            best["rule"] = None
            continue
        at = frontier.index(best)
        problem.split(best)
        n_leaves += len(best["children"]) - 1
        frontier[at : at + 1] = best["children"]
    return root


class _Problem:
    def __init__(self, columns, y, weight, settings, total):
        self.columns, self.y, self.weight, self.settings, self.total = columns, y, weight, settings, total
        self.monotone = any(c.monotonic for c in columns)

    def measure(self, rows):
        s = self.settings
        return sum(self.weight[rows]) * impurity(self.y[rows], self.weight[rows], s.criterion, s.n_classes)

    def value(self, rows):
        s = self.settings
        return prediction(self.y[rows], self.weight[rows], s.criterion, s.n_classes)

    def mean(self, rows):
        return self.value(rows)[1 if self.settings.n_classes else 0]

    def node(self, rows, depth, key, bounds):
        """A leaf that knows the rule it may be split by."""
        s = self.settings
        weight, value = sum(self.weight[rows]), self.value(rows)
        if self.monotone:
            clipped = min(max(value[-1], bounds[0]), bounds[1])
            value = [1 - clipped, clipped] if s.n_classes else [clipped]
        node = {"n": len(rows), "weight": weight, "impurity": self.measure(rows) / weight, "value": value,
                "rows": rows, "depth": depth, "key": key, "bounds": bounds, "rule": None}  # fmt: skip
        if (
            depth < s.max_depth
            and len(rows) >= max(s.min_samples_split, 2 * s.min_samples_leaf)
            and weight >= 2 * s.min_weight_leaf
            and node["impurity"] > EPSILON
        ):
            rule = self.best_rule(node)
            if rule and max(rule["gain"], 0) * weight / self.total + EPSILON >= s.min_impurity_decrease:
                node["rule"] = rule
        return node

    def expand(self, node):
        if node["rule"]:
            self.split(node)
            for child in node["children"]:
                self.expand(child)

    def split(self, node):
        rule = node["rule"]
        names = ("column", "kind", "gain", "left", "right", "missing_left", "codes")
        node.update({name: rule[name] for name in names if name in rule})
        node["children"] = []
        sign = self.columns[rule["column"]].monotonic
        for b, rows in enumerate(rule["parts"]):
            low, high = node["bounds"]
            if sign:
                middle = (self.mean(rule["parts"][0]) + self.mean(rule["parts"][1])) / 2
                low, high = (low, middle) if (sign > 0) == (b == 0) else (middle, high)
            branch = 2 + int(rule["codes"][b][0]) if rule["kind"] == MULTIWAY else b
            node["children"].append(self.node(rows, node["depth"] + 1, mix(node["key"], branch), (low, high)))

    def best_rule(self, node):
        s, rows = self.settings, node["rows"]
        varying = [j for j, c in enumerate(self.columns) if len(set(c.codes[rows].tolist())) > 1]
        if s.max_features:
            varying.sort(key=lambda j: mix(node["key"], j))
        found = {}
        for searched, j in enumerate(varying):
            if s.max_features and searched >= s.max_features and found:
                break
            rules = [rule for rule in self.rules(node, j) if self.allowed(node, rule)]
            if rules:
                found[j] = first_best(rules, "gain", TIE * node["impurity"])
        if s.criterion == "gain_ratio" and found:
            average = sum(rule["gain"] for rule in found.values()) / len(found)
            found = {j: rule for j, rule in found.items() if rule["gain"] >= average - TIE * node["impurity"]}
            for rule in found.values():
                shares = [sum(self.weight[part]) / node["weight"] for part in rule["parts"]]
                rule["ratio"] = rule["gain"] / -sum(p * math.log2(p) for p in shares)
            return first_best([found[j] for j in sorted(found)], "ratio", TIE * node["impurity"])
        return first_best([found[j] for j in sorted(found)], "gain", TIE * node["impurity"]) if found else None

    def rules(self, node, j):
        """Every rule of a column in the order in which ties are decided, as dictionaries with "parts", the rows."""
        column, rows = self.columns[j], node["rows"]
        codes = column.codes[rows]
        present, missing = sorted(set(codes.tolist())), len(column.values)
        if column.split in ("numeric", "ordered"):
            known = [c for c in present if c != missing]
            cuts = (
                self.random_cut(mix(node["key"], j), column, known, missing in present)
                if self.settings.random
                else [
                    (known[i], present[i + 1], left)
                    for left in ([False, True] if missing in present else [False])
                    for i in range(len(known))
                    if i + 1 < len(known) or (i + 1 < len(present) and not left)
                ]
            )
            rules = [{"left": c, "right": after, "missing_left": left,
                      "side": np.where(codes == missing, left, codes <= c)} for c, after, left in cuts]  # fmt: skip
            for rule in rules:
                side = rule.pop("side")
                rule["parts"] = [rows[side], rows[~side]]
                if missing not in present:
                    rule["missing_left"] = sum(side) > sum(~side)
        elif column.split == "multiway":
            rules = [{"parts": [rows[codes == c] for c in present], "codes": [[c] for c in present]}]
        else:
            rules = [{"parts": [rows[np.isin(codes, group)], rows[~np.isin(codes, group)]],
                      "codes": [sorted(group), sorted(set(present) - set(group))]}
                     for group in self.groupings(rows, codes, present)]  # fmt: skip
        kind = {"multiway": MULTIWAY, "subset": SUBSET}.get(column.split, NUMERIC)
        for rule in rules:
            rule |= {"column": j, "kind": kind, "gain": self.gain(node, rule["parts"])}
        return rules

    def gain(self, node, parts):
        return (node["impurity"] * node["weight"] - sum(self.measure(part) for part in parts)) / node["weight"]

    def groupings(self, rows, codes, present):
        if len(present) <= EXHAUSTIVE:
            others = present[1:]
            return [
                present[:1] + [c for i, c in enumerate(others) if mask >> i & 1] for mask in range(2 ** len(others) - 1)
            ]
        groups = []
        many = self.y.ndim == 2 or self.settings.n_classes > 2
        for k in range(len(self.value(rows))) if many else [-1]:
            order = sorted(present, key=lambda c: self.value(rows[codes == c])[k])
            groups += [order[: i + 1] for i in range(len(order) - 1)]
        return groups

    def random_cut(self, key, column, known, missing):
        if len(known) < 2:
            return [(known[0], len(column.values), False)]
        low, high = float(column.values[known[0]]), float(column.values[known[-1]])
        t = low + (key >> 11) / 2**53 * (high - low)
        below = [c for c in known if column.values[c] <= t][: len(known) - 1] or known[:1]
        return [(below[-1], known[len(below)], bool(missing and mix(key, 0) & 1))]

    def allowed(self, node, rule):
        s = self.settings
        if any(len(part) < s.min_samples_leaf or sum(self.weight[part]) < s.min_weight_leaf for part in rule["parts"]):
            return False
        if s.criterion == "poisson" and any(np.any(sum(self.y[part]) <= 0) for part in rule["parts"]):
            return False
        sign = self.columns[rule["column"]].monotonic
        if not sign:
            return True
        means = [self.mean(part) for part in rule["parts"]]
        return all(node["bounds"][0] <= m <= node["bounds"][1] for m in means) and (means[0] - means[-1]) * sign <= 0


def id3(rows, labels, attributes, default=None):
    """The textbook's ID3 on dictionaries: a label, or (attribute, {value: subtree}, the most common label).

    rows: dictionaries of attribute: value | labels: one each | ties: the lowest | Quinlan 1986, section 4
    """
    if not rows:
        return default
    common = max(sorted(set(labels)), key=labels.count)
    if len(set(labels)) == 1 or not attributes:
        return common

    def bits(labels):
        return -sum(
            labels.count(c) / len(labels) * math.log2(labels.count(c) / len(labels)) for c in sorted(set(labels))
        )

    def left(attribute):
        parts = {value: [] for value in sorted({row[attribute] for row in rows})}
        for row, label in zip(rows, labels, strict=True):
            parts[row[attribute]].append(label)
        return round(sum(len(part) / len(rows) * bits(part) for part in parts.values()), 12)

    varying = [a for a in attributes if len({row[a] for row in rows}) > 1]
    if not varying:
        return common
    best = min(varying, key=left)
    branches = {}
    for value in sorted({row[best] for row in rows}):
        pairs = [(row, label) for row, label in zip(rows, labels, strict=True) if row[best] == value]
        others = [a for a in attributes if a != best]
        branches[value] = id3([row for row, _ in pairs], [label for _, label in pairs], others, common)
    return best, branches, common
