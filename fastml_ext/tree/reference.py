"""What the kernels of trees compute, by definition.

A column of n rows is coded: codes[i] is the place of its value in `values`, and len(values) where it is missing. A node
is a dictionary: rows "n", "weight", "impurity", "value" (shares of the classes, or one number), and where it is split
"column", "kind", "gain" and "children", with "left", "right", "missing_left" (numeric) or "codes" of each child.
"""

import math

import numpy as np

__all__ = [
    "apply", "apply_columns", "cheapest_leaves", "decision_path", "encode", "first_stop", "grow", "id3", "impurity",
    "midpoint", "round_down", "subtree_sums", "truncate", "weakest_links",
]  # fmt: skip

NUMERIC, MULTIWAY, SUBSET = 1, 2, 3
TIE = 2.0**-40
EXHAUSTIVE = 10
EPSILON = 2.0**-52


def encode(X):
    """[(values, codes)] of every column of X: its distinct values in ascending order, and each row's place among them.

    X (n, d) bool, integer or float of at most 64 bits, finite or NaN | values in the dtype of X; NaN is none of them: its
    code is len(values); -0.0 is 0.0 | codes uint8 below 256 codes, uint16 below 65536, else uint32 | n below 2^31,
    ValueError otherwise
    """
    columns = []
    for column in X.T:
        values = sorted({value.item() for value in column if value == value})
        place = {value: code for code, value in enumerate(values)}
        codes = [place[value.item()] if value == value else len(values) for value in column]
        columns.append((np.array(values, X.dtype), np.array(codes)))
    return columns


def midpoint(a, b):
    """(a + b) / 2 in the dtype of a and b, rounded towards a, element by element: a <= midpoint < b for a < b.

    a, b (m,) of one dtype, float16, float32, float64, an integer or bool
    """
    return np.array([_lower_middle(x, y, a.dtype) for x, y in zip(a, b, strict=True)], a.dtype)


def _lower_middle(x, y, dtype):
    if dtype.kind != "f":
        return (int(x) + int(y)) // 2
    (p, q), (r, s) = x.item().as_integer_ratio(), y.item().as_integer_ratio()
    return _largest_not_above(p * s + r * q, 2 * q * s, dtype)


def _largest_not_above(p, q, dtype):
    with np.errstate(over="ignore"):
        near = dtype.type(p / q)  # Python divides integers with one rounding
    if math.isinf(near):
        return near if p < 0 else np.finfo(dtype).max
    over, under = near.item().as_integer_ratio()
    return np.nextafter(near, dtype.type(-np.inf)) if over * q > p * under else near


def round_down(x, dtype):
    """float64 x (m,) as the largest number of a float or integer dtype that is not above it, or the dtype's lowest."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return np.array([v if math.isinf(v) else _largest_not_above(*v.as_integer_ratio(), dtype) for v in x], dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return np.array([high if v == np.inf else low if v == -np.inf else min(max(math.floor(v), low), high) for v in x], dtype)


# ------------------------------------------------------------------------------------------------ impurity


def impurity(y, w, criterion, n_classes):
    """Impurity of targets y with weights w: entropy in bits, Gini, variance, half the mean Poisson deviance, or the mean
    absolute deviation from the median."""
    total = sum(w)
    if n_classes:
        shares = [sum(w[y == k]) / total for k in range(n_classes)]
        if criterion == "gini":
            return 1 - sum(p * p for p in shares)
        return sum(-p * math.log2(p) for p in shares if p > 0)
    center = prediction(y, w, criterion, n_classes)[0]
    if criterion == "absolute_error":
        return sum(w * abs(y - center)) / total
    if criterion == "poisson":
        return sum(wi * yi * math.log(yi / center) for yi, wi in zip(y, w, strict=True) if yi > 0) / total
    return sum(w * (y - center) ** 2) / total


def prediction(y, w, criterion, n_classes):
    """Shares of the classes; or the mean; or the weighted median, the middle of two where the weight is cut in half."""
    if n_classes:
        return [sum(w[y == k]) / sum(w) for k in range(n_classes)]
    if criterion != "absolute_error":
        return [sum(w * y) / sum(w)]
    values = sorted(set(y.tolist()))
    below = [sum(w[y <= v]) for v in values]
    half = sum(w) / 2
    i = next(i for i, b in enumerate(below) if b >= half * (1 - 1e-14))
    return [(values[i] + values[i + 1]) / 2 if abs(below[i] - half) <= 1e-14 * half and i + 1 < len(values) else values[i]]


# ------------------------------------------------------------------------------------------------ growing


def grow(columns, y, weight=None, settings=None):
    """The tree that is split at each node by the best of all rules, from the root down: its root.

    columns: of codes (n,), values, split ("numeric", "ordered", "multiway", "subset"), monotonic (-1, 0, 1)
    y (n,): class codes below n_classes, or numbers where n_classes is 0 | weight (n,), not negative: rows of weight 0
    are left out; None for 1 each | settings: see Settings

    A node is a leaf if it is pure (impurity at most 2^-52), too deep or too small, if no rule is allowed, or if the
    best rule's gain, times the node's share of the weight, is below min_impurity_decrease. The gain of a rule is the
    impurity of the node minus the weighted mean impurity of its branches; an impure node is split even at gain 0.

    Rules of a column, each branch of which must have min_samples_leaf rows and weight min_weight_leaf:
    numeric: codes <= c to the left, missing values to the right or, if there are any, to the left; also "is missing"
    multiway: a branch for each code that occurs, a missing value being one | subset: every two-way grouping of the codes
    that occur (above 10 of them: the cuts of their orders by the mean target, or by the share of each class)

    Ties (gains equal to within 2^-40 of the node's impurity): the lowest column, missing values to the right, the lowest
    code. With "gain_ratio" columns are compared by their best rule's gain over the entropy of its branch sizes, among
    those that gain at least the average. Randomness: every node has a key, the root mix(seed, 0), a branch b mix(key, b)
    (a multiway branch of code c: b = 2 + c), a column j mix(key, j). Of max_features columns those with the lowest keys
    are searched, and more until one has a rule; a random threshold is drawn by the column's key.

    monotonic: a rule of such a column must have the means of its branches in order, and in the node's bounds; these are
    then cut at the middle of the two means. Predictions are held within the bounds of their node.

    max_leaf_nodes: the leaf whose split has the most gain times weight is split next (the leftmost of equal ones).
    """
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, float)
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
            cuts = self.random_cut(mix(node["key"], j), column, known, missing in present) if self.settings.random else [
                (known[i], present[i + 1], left)
                for left in ([False, True] if missing in present else [False])
                for i in range(len(known))
                if i + 1 < len(known) or (i + 1 < len(present) and not left)
            ]
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
            return [present[:1] + [c for i, c in enumerate(others) if mask >> i & 1] for mask in range(2 ** len(others) - 1)]
        groups = []
        for k in range(self.settings.n_classes) if self.settings.n_classes > 2 else [-1]:
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
        if s.criterion == "poisson" and any(sum(self.y[part]) <= 0 for part in rule["parts"]):
            return False
        sign = self.columns[rule["column"]].monotonic
        if not sign:
            return True
        means = [self.mean(part) for part in rule["parts"]]
        return all(node["bounds"][0] <= m <= node["bounds"][1] for m in means) and (means[0] - means[-1]) * sign <= 0


def first_best(rules, worth, tie):
    """The first of the rules whose worth is as good as the best one's."""
    best = max(rule[worth] for rule in rules)
    return next(rule for rule in rules if rule[worth] >= best - tie)


def mix(key, branch):
    """SplitMix64 (Steele, Lea, Flood 2014): a new key of 64 bits from a key and a small number."""
    z = (int(key) + (int(branch) + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def id3(rows, labels, attributes, default=None):
    """The textbook's ID3 on dictionaries: a label, or (attribute, {value: subtree}, the most common label).

    rows: dictionaries of attribute: value | labels: one each | ties: the lowest attribute, the lowest label | Quinlan 1986
    """
    if not rows:
        return default
    common = max(sorted(set(labels)), key=labels.count)
    if len(set(labels)) == 1 or not attributes:
        return common

    def bits(labels):
        return -sum(labels.count(c) / len(labels) * math.log2(labels.count(c) / len(labels)) for c in sorted(set(labels)))

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


# ------------------------------------------------------------------------------------------------ walking


def apply(tree, X, dtypes):
    """(m,) int64: the node of the tree at which each row of a table of numbers stops.

    tree: of arrays as structure.py states, all of whose splits are numeric | X (m, d) of any real dtype | dtypes: of the
    fitted columns | values and thresholds are compared as real numbers, whatever their dtypes
    """
    return np.array([_walk(tree, row.tolist(), ["numeric"] * len(dtypes), dtypes) for row in X], np.int64)


def apply_columns(tree, columns, fitted):
    """(m,) int64: the node of the tree at which each row stops.

    columns: for each column (m,) numbers, or for categories the codes: -1 for one that was not fitted, len(categories)
    for a missing one | fitted: the columns as the tree knows them, with split, dtype and categories | a row whose
    category is not listed in a node stops there
    """
    splits, dtypes = [c.split for c in fitted], [c.dtype for c in fitted]
    rows = zip(*(column.tolist() for column in columns), strict=True)
    sizes = [None if c.categories is None else len(c.categories) for c in fitted]
    return np.array([_walk(tree, row, splits, dtypes, sizes) for row in rows], np.int64)


def _walk(tree, row, splits, dtypes, sizes=None):
    node = 0
    while tree.kind[node]:
        j = tree.feature[node]
        value = row[j]
        if tree.kind[node] == NUMERIC:
            if splits[j] == "ordered" and value < 0:
                break
            if value != value or (splits[j] == "ordered" and value == sizes[j]):
                left = tree.missing_go_to_left[node]
            elif splits[j] == "ordered" or dtypes[j].kind != "f":
                threshold = int(tree.threshold_int[node])
                left = value <= (threshold % 2**64 if dtypes[j] == np.uint64 else threshold)
            else:
                left = value <= float(tree.threshold[node])
            node = int((tree.children_left if left else tree.children_right)[node])
            continue
        listed = slice(tree.category_start[node], tree.category_start[node + 1])
        children = dict(zip(tree.category_code[listed].tolist(), tree.category_child[listed].tolist(), strict=True))
        if value not in children:
            break
        node = children[value]
    return node


def _parents(tree):
    parent = [-1] * len(tree.feature)
    for node in range(len(parent)):
        listed = tree.category_child[tree.category_start[node] : tree.category_start[node + 1]]
        for child in (tree.children_left[node], tree.children_right[node], *listed):
            if child >= 0:
                parent[child] = node
    return parent


def decision_path(tree, stops):
    """(indptr (m + 1,), indices): indices[indptr[i] : indptr[i + 1]] are the nodes from the root to stops[i]."""
    parent, indptr, indices = _parents(tree), [0], []
    for node in stops:
        path = []
        while node >= 0:
            path.insert(0, int(node))
            node = parent[node]
        indices += path
        indptr.append(len(indices))
    return np.array(indptr), np.array(indices, np.int64)


# ------------------------------------------------------------------------------------------------ pruning


def first_stop(tree, stop):
    """(N,): the marked node nearest to the root among those above or at each node; the node itself if there is none."""
    indptr, paths = decision_path(tree, range(len(stop)))
    found = []
    for node in range(len(stop)):
        marked = [at for at in paths[indptr[node] : indptr[node + 1]] if stop[at]]
        found.append(marked[0] if marked else node)
    return np.array(found)


def subtree_sums(tree, values):
    """(N, m): for every node the sum of values (N, m) over itself and all nodes below it."""
    indptr, paths = decision_path(tree, range(len(values)))
    total = np.zeros(np.shape(values))
    for node in range(len(values)):
        for above in paths[indptr[node] : indptr[node + 1]]:
            total[above] += values[node]
    return total


def truncate(tree, stop):
    """The numbers of the nodes that stay, in order, if those marked in stop (N,) bool become leaves.

    The kernel returns the Tree of these nodes, numbered anew.
    """
    first = first_stop(tree, stop)
    return np.array([node for node in range(len(stop)) if first[node] == node])


def cheapest_leaves(tree, cost, slack=0.0):
    """(N,) bool: nodes that cost at most `slack` more as leaves than the cheapest pruning of their subtree; all leaves.

    cost (N,): of each node as a leaf | a tree costs the sum of its leaves
    """
    parent = _parents(tree)
    children = [[i for i, p in enumerate(parent) if p == node] for node in range(len(parent))]

    def cheapest(node):
        below = sum(cheapest(child) for child in children[node])
        return below if children[node] and cost[node] > below + slack else cost[node]

    return np.array([not children[i] or cost[i] <= sum(map(cheapest, children[i])) + slack for i in range(len(parent))])


def weakest_links(tree):
    """(alpha (N,), path (m, 2)): cost-complexity pruning step by step (Breiman et al. 1984, section 3.3).

    The cost of a node is its impurity times its share of the weight. Each step cuts off the branches of the node t with
    the least (cost of t - cost of the leaves below t) / (number of these - 1), the lowest node of equal ones; this is
    its alpha, and that of the nodes below it that still had branches; inf for leaves. path: (0, cost of the leaves), then
    (alpha, cost of the leaves) after every step.
    """
    parent = _parents(tree)
    cost = tree.impurity * tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    alpha, inner = np.full(len(parent), np.inf), [node in parent for node in range(len(parent))]

    def leaves(node):
        return sum((leaves(i) for i, p in enumerate(parent) if p == node), []) if inner[node] else [node]

    path = [(0.0, sum(cost[leaves(0)]))]
    while inner[0]:
        links = {t: (cost[t] - sum(cost[leaves(t)])) / (len(leaves(t)) - 1) for t in range(len(parent)) if inner[t] and reached(t, parent, inner)}
        weakest = min(links, key=links.get)
        for node in range(len(parent)):
            if inner[node] and weakest in _ancestors(node, parent):
                alpha[node], inner[node] = links[weakest], False
        path.append((links[weakest], sum(cost[leaves(0)])))
    return alpha, np.array(path)


def _ancestors(node, parent):
    return [] if node < 0 else [node, *_ancestors(parent[node], parent)]


def reached(node, parent, inner):
    return all(inner[above] for above in _ancestors(parent[node], parent))
