"""The state of the decision trees, as fastml.schema reads it: N nodes, C listed categories, d columns, o outputs."""

import numpy as np

from fastml.schema import (
    anything,
    array,
    each,
    either,
    flag,
    labels,
    may_lack,
    names,
    number,
    one_of,
    row_of,
    size,
    struct,
    text,
    whole,
)
from fastml_ext.tree.structure import LEAF, MULTIWAY, NUMERIC, SUBSET

__all__ = ["ALSO", "SCHEMAS"]

FLOATS = ("float16", "float32", "float64")
DTYPES = (*FLOATS, "bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)), "object")
COLUMN = row_of(
    text,  # name
    one_of("numeric", "ordered", "multiway", "subset"),
    anything,  # dtype: see `column`
    anything,  # categories
    flag,  # whether a value was missing
    number(low=0),  # spread
)


def column(value, sizes):
    """A column as it is kept, or as old files hold it."""
    parts = tuple(value)
    COLUMN(parts, sizes)
    if np.dtype(parts[2]).name not in DTYPES:
        raise ValueError(f"numbers of {parts[2]!r:.60}")
    if parts[3] is not None and not isinstance(parts[3], list | np.ndarray):
        raise ValueError("no list of categories")


TREE = struct(
    "Tree",
    kind=array("u1", "N", low=LEAF, high=SUBSET),
    children_left=array("i8", "N", low=-3, below="N"),
    children_right=array("i8", "N", low=-3, below="N"),
    feature=array("i8", "N", low=-2, below="d"),
    threshold=array("f8", "N"),
    threshold_int=array("i8", "N"),
    missing_go_to_left=array("b1", "N"),
    impurity=array("f8", "N"),
    n_node_samples=array("i8", "N", low=0),
    weighted_n_node_samples=array("f8", "N", low=0),
    value=array("f8", "N", "o", "K"),
    gain=array("f8", "N"),
    category_code=array("i8", "C", low=0),
    category_child=array("i8", "C", low=1, below="N"),
    category_start=array("i8", "N+1", low=0),
    n_features=size("d"),
)
GROWN = {
    "n_features_in_": size("d"),
    "feature_names_in_": may_lack(names),
    "n_outputs_": size("o"),
    "columns_": each(column, "d"),
    "max_features_": may_lack(whole(1)),
    "n_ranges_": may_lack(array("i8", "d", low=0)),
    "tree_": TREE,
    **dict.fromkeys(("_answers", "_dtypes", "_fast_columns"), may_lack(anything)),  # in old files; made anew
}
CLASSIFIER = GROWN | {
    "classes_": either(labels("k"), each(lambda value, sizes: labels("*")(value, {}), "o")),
    "n_classes_": either(size("k"), each(whole(1), "o"), array("i8", "o", low=1)),
}
SCHEMAS: dict = {"DecisionTreeClassifier": CLASSIFIER, "DecisionTreeRegressor": GROWN, "ID3Classifier": CLASSIFIER}


def also_tree(state, sizes):
    """Every node but the root is the child of one node before it; a node tests a column of its kind."""
    tree, n = state["tree_"], sizes["N"]
    if n == 0 or sizes["K"] == 0:
        raise ValueError("tree_: no nodes")
    own = np.diff(tree.category_start)
    if tree.category_start[0] or tree.category_start[-1] != sizes["C"] or (own < 0).any():
        raise ValueError("tree_.category_start: no ranges of category_code")
    listed = (tree.kind == MULTIWAY) | (tree.kind == SUBSET)
    if (own[~listed] != 0).any() or (own[listed] == 0).any():
        raise ValueError("tree_.category_start: categories where a node has none, or none where it has some")
    check_children(tree, n)
    check_columns(tree, state["columns_"], listed)
    check_classes(state, sizes)


def check_children(tree, n):
    two = (tree.kind == NUMERIC) | (tree.kind == SUBSET)
    wanted = {LEAF: -1, MULTIWAY: -3}
    for children in (tree.children_left, tree.children_right):
        if any((children[tree.kind == kind] != mark).any() for kind, mark in wanted.items()):
            raise ValueError("tree_.children_left, tree_.children_right: children of a node that has none there")
    nodes = np.arange(n)
    lists = np.repeat(nodes, np.diff(tree.category_start))
    of_subset = tree.kind[lists] == SUBSET
    left, right = tree.children_left[lists[of_subset]], tree.children_right[lists[of_subset]]
    if not ((tree.category_child[of_subset] == left) | (tree.category_child[of_subset] == right)).all():
        raise ValueError("tree_.category_child: not one of its node's two children")
    parent = np.concatenate([nodes[two], nodes[two], lists[~of_subset]])
    child = np.concatenate([tree.children_left[two], tree.children_right[two], tree.category_child[~of_subset]])
    if (child <= parent).any():
        raise ValueError("tree_: a child that does not stand behind its parent")
    pairs = np.unique(np.stack([child, parent]), axis=1)
    if not np.array_equal(pairs[0], np.arange(1, n)):
        raise ValueError("tree_: nodes with several parents, or with none")
    codes = tree.category_code
    if not ((np.diff(codes) > 0) | (np.diff(lists) > 0)).all():
        raise ValueError("tree_.category_code: not in ascending order")


def check_columns(tree, columns, listed):
    inner = tree.kind != LEAF
    if (tree.feature[inner] < 0).any():
        raise ValueError("tree_.feature: an inner node that tests no column")
    splits = [{"numeric": NUMERIC, "ordered": NUMERIC, "multiway": MULTIWAY, "subset": SUBSET}[c[1]] for c in columns]
    if (np.array(splits)[tree.feature[inner]] != tree.kind[inner]).any():
        raise ValueError("tree_.kind: a test that its column does not have")
    for j, column in enumerate(columns):
        if (column[3] is None) != (column[1] == "numeric") or (
            np.dtype(column[2]) == object and column[1] == "numeric"
        ):
            raise ValueError(f"columns_[{j}]: categories where there are none, or none where there are some")
    count = np.array([0 if c[3] is None else len(c[3]) for c in columns])
    lists = np.repeat(np.arange(len(tree.kind)), np.diff(tree.category_start))
    if (tree.category_code > count[tree.feature[lists]]).any():
        raise ValueError("tree_.category_code: a code beyond the categories of its column")


def check_classes(state, sizes):
    if "classes_" not in state:
        if sizes["K"] != 1:
            raise ValueError("tree_.value: more than one number for each output")
        return
    several = sizes["o"] > 1
    if several != isinstance(state["classes_"], list):
        raise ValueError("classes_: not one list of labels for each output")
    counts = [len(found) for found in (state["classes_"] if several else [state["classes_"]])]
    told = np.ravel(state["n_classes_"]).tolist()
    if told != counts or max(counts) != sizes["K"]:
        raise ValueError(f"n_classes_: {told} for {counts} labels and {sizes['K']} shares")


ALSO: dict = dict.fromkeys(SCHEMAS, also_tree)
