"""Trees made by hand and at random, and the walk down a tree by its definition."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from fastml.tree import reading
from fastml_ext.tree.structure import LEAF, MULTIWAY, NUMERIC, SUBSET, Column, Tree, exact_threshold

NASTY = [
    'say "hi"',
    "it's",
    "back\\slash",
    "<b>&amp;</b>",
    "two\nlines",
    "; DROP TABLE t; --",
    "$x^2$",
    "#quot;",
    "été 中文",
]


class HandMade(BaseEstimator):
    """An estimator whose tree was not grown; it is read as fastml's are."""

    def __init__(self, criterion="entropy"):
        self.criterion = criterion

    def fit(self, X, y):
        raise NotImplementedError("made by hand")

    def _restore(self, tree, columns, classes):
        self.tree_, self.columns_ = tree, columns
        if classes is not None:
            self.classes_ = np.asarray(classes)


for name in reading.__all__:
    setattr(HandMade, name, getattr(reading, name))
HandMade.from_dict = classmethod(reading.estimator_from_dict)


class HandMadeRegressor(HandMade):
    def _restore(self, tree, columns, classes):
        self.tree_, self.columns_ = tree, columns


def build(root, columns, classes=None):
    """An estimator from nested tuples; see flatten."""
    model = (HandMadeRegressor if classes is None else HandMade)()
    model._restore(flatten(root, columns), columns, classes)
    return model


def flatten(root, columns):
    """The arrays of [value per class], (feature, threshold, missing left, left, right) or (feature, kind, parts).

    parts is [(codes, node)]. The weight of a leaf is 10 times the sum of its values; nodes above have their children's.
    """
    nodes = []

    def add(node):
        at = len(nodes)
        nodes.append(None)
        if isinstance(node, list):
            nodes[at] = (LEAF, -2, 0, False, [], np.array(node, float) * 10)
        elif node[1] in (MULTIWAY, SUBSET) and isinstance(node[2], list):
            pairs, total = [], 0
            for codes, child in node[2]:
                number = add(child)
                pairs += [(code, number) for code in codes]
                total = total + nodes[number][-1]
            nodes[at] = (node[1], node[0], 0, False, sorted(pairs), total)
        else:
            feature, threshold, missing, left, right = node
            children = [add(left), add(right)]
            nodes[at] = (NUMERIC, feature, threshold, missing, children, sum(nodes[c][-1] for c in children))
        return at

    add(root)
    return arrays(nodes, columns)


def arrays(nodes, columns):
    n = len(nodes)
    kind, feature = np.array([x[0] for x in nodes], np.uint8), np.array([x[1] for x in nodes])
    left, right, threshold, whole = np.full(n, -1), np.full(n, -1), np.full(n, -2.0), np.zeros(n, np.int64)
    missing = np.array([x[3] for x in nodes], bool)
    start, code, child = np.zeros(n + 1, np.int64), [], []
    for i, (k, j, t, _, below, _) in enumerate(nodes):
        if k == NUMERIC:
            left[i], right[i] = below
            threshold[i] = t
            if columns[j].dtype.kind != "f":
                whole[i] = t if np.isfinite(t) else np.iinfo(np.int64).max
        elif k != LEAF:
            code += [c for c, _ in below]
            child += [c for _, c in below]
            left[i], right[i] = (-3, -3) if k == MULTIWAY else sorted({c for _, c in below})
        start[i + 1] = len(code)
    totals = np.array([np.atleast_1d(x[-1]) for x in nodes])
    weight = totals.sum(axis=1)
    value = (totals / weight[:, None] if totals.shape[1] > 1 else totals)[:, None, :]
    weight = np.abs(weight) + 1  # of a regression tree, whose totals are predictions
    return Tree(
        left, right, feature, kind, threshold, whole, missing, np.where(kind == LEAF, 0.25, 0.5),
        weight.astype(int), weight, value, np.where(kind == LEAF, 0.0, 0.125),
        start, np.array(code, np.int64), np.array(child, np.int64), len(columns),
    )  # fmt: skip


def column(name, dtype="f8", split="numeric", categories=None):
    categories = None if categories is None else np.array(categories, dtype=object)
    return Column(name, split, np.dtype(dtype if categories is None else object), categories)


def random_tree(random, depth=4, classes=("no", "it's", "<yes>"), missing_class=False):
    """A tree with a column of every sort, of random shape, whose paths may contradict themselves."""
    columns = [
        column(NASTY[0], "f8"),
        column(NASTY[1], "f4"),
        column("int64", "i8"),
        column("uint8", "u1"),
        column("flag", "?"),
        column("class", split="multiway", categories=NASTY),
        column("2 of", split="subset", categories=[10, 20, 30, 40]),
        column(NASTY[4], split="ordered", categories=["small", "medium", "large", "o'large"]),
        column("row", "f2"),
        column("float", split="subset", categories=[False, True]),
    ]

    def leaf():
        if classes is None:
            return [float(random.integers(-50, 50)) / 8]
        return (random.integers(0, 4, len(classes)) + np.eye(len(classes), dtype=int)[0]).tolist()

    def node(below):
        if below == 0 or random.random() < 0.15:
            return leaf()
        j = int(random.integers(len(columns)))
        one = columns[j]
        if one.split in ("numeric", "ordered"):
            t = threshold_of(random, one)
            return (j, t, bool(random.integers(2)), node(below - 1), node(below - 1))
        n = len(one.categories) + 1
        codes = random.permutation(n)[: random.integers(2, n + 1)].tolist()
        parts = [[c] for c in codes] if one.split == "multiway" else [codes[:1], codes[1:]]
        return (j, MULTIWAY if one.split == "multiway" else SUBSET, [(p, node(below - 1)) for p in parts])

    return build(node(depth), columns, classes)


def threshold_of(random, one):
    if random.random() < 0.1:
        return np.inf
    if one.categories is not None:
        return int(random.integers(0, len(one.categories) - 1))
    if one.dtype.kind == "f":
        return float(one.dtype.type(random.integers(-20, 20) / 10))
    if one.dtype.kind == "b":
        return 0
    return int(random.integers(1, 9)) + (2**60 if one.dtype == np.int64 else 0)


def random_rows(random, model, n):
    """Values at, next to and between the thresholds, missing values, and categories that no node knows."""
    return [[value_of(random, model, j, one) for j, one in enumerate(model.columns_)] for _ in range(n)]


def value_of(random, model, j, one):
    if random.random() < 0.15:
        return None if one.categories is not None or random.random() < 0.5 else float("nan")
    if one.categories is not None:
        return ["never seen", *one.categories][random.integers(len(one.categories) + 1)]
    if one.dtype.kind == "b":
        return bool(random.integers(2))
    nodes = np.flatnonzero((model.tree_.feature == j) & (np.abs(model.tree_.threshold) < 2.0**62))
    base = threshold_of(random, one)
    if len(nodes):
        base = exact_threshold(model.tree_, random.choice(nodes), one.dtype).item()
    if one.dtype.kind != "f":
        return int(base) + int(random.integers(-1, 2)) if np.isfinite(base) else 3
    base = base if np.isfinite(base) else 0.5
    step = float(np.spacing(one.dtype.type(base)))
    return float(base + step * random.choice([-1, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]) + random.choice([0, 0, 1]))


def stop(model, row):
    """The node at which a row ends, by the definition in structure.py."""
    tree, node = model.tree_, 0
    while tree.kind[node] != LEAF:
        j = tree.feature[node]
        one, value = model.columns_[j], row[j]
        missing = value is None or value != value
        if one.categories is not None:
            known = one.categories.tolist()
            code = len(known) if missing else known.index(value) if value in known else -1
        if tree.kind[node] == NUMERIC:
            if one.categories is not None:
                missing = code in (-1, len(known))
            if missing:
                left = tree.missing_go_to_left[node]
            elif one.categories is not None:
                left = code <= exact_threshold(tree, node, one.dtype)
            else:
                left = value <= exact_threshold(tree, node, one.dtype).item()
            node = (tree.children_left if left else tree.children_right)[node]
            continue
        at = slice(tree.category_start[node], tree.category_start[node + 1])
        child = tree.category_child[at][tree.category_code[at] == code]
        if not len(child):
            return int(node)
        node = child[0]
    return int(node)


def answer(model, node):
    value = model.tree_.value[node, 0]
    return model.classes_.tolist()[value.argmax()] if hasattr(model, "classes_") else float(value[0])


def staircase(levels):
    """One float column, split at 0.5, 1.5, ...: one leaf of each step stands left, the rest right."""
    n = 2 * levels + 1
    inner = np.arange(n) % 2 == 0
    inner[-1] = False
    left, right = np.where(inner, np.arange(n) + 1, -1), np.where(inner, np.arange(n) + 2, -1)
    value = np.eye(2)[np.arange(n) // 2 % 2][:, None, :]
    samples = np.where(inner, levels + 1 - np.arange(n) // 2, 1)
    model = HandMade()
    tree = Tree(
        left, right, np.where(inner, 0, -2), np.where(inner, NUMERIC, LEAF).astype(np.uint8),
        np.where(inner, np.arange(n) // 2 + 0.5, -2.0), np.zeros(n, np.int64), np.zeros(n, bool),
        np.where(inner, 1.0, 0.0), samples, samples.astype(float), value, np.where(inner, 0.1, 0.0),
        np.zeros(n + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), 1,
    )  # fmt: skip
    model._restore(tree, [column("x")], ["even", "odd"])
    return model


@pytest.fixture(scope="session")
def hand():
    """The functions above."""
    return SimpleNamespace(
        build=build, column=column, random_tree=random_tree, random_rows=random_rows, stop=stop, answer=answer,
        staircase=staircase, NASTY=NASTY, HandMade=HandMade, HandMadeRegressor=HandMadeRegressor,
    )  # fmt: skip
