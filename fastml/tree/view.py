"""What every way of reading a tree starts from: its nodes, the names of columns and classes, the tests in words."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastml_ext.tree.structure import LEAF, NUMERIC, Column, Tree, branches, depths, exact_threshold

__all__ = ["NamesError", "Region", "View", "check_depth", "plain", "view"]

MISCOUNTED = "Length of feature_names, {given} does not match number of features, {fitted}"
LONG = 4  # categories named before a list is cut short


class NamesError(ValueError, IndexError):
    """Other names than classes, which scikit-learn's function of DOT meets as an index out of range."""


class Region(NamedTuple):
    """A set of values of one column: low < value <= high in numbers (in codes of ordered categories), or some codes."""

    low: Any = None
    high: Any = None
    codes: frozenset | None = None  # of categories, that of a missing value among them; None for numbers
    missing: bool = True  # whether a missing number is in it

    def meet(self, other):
        """The values that are in both."""
        if self.codes is not None:
            return Region(codes=self.codes & other.codes)
        low = self.low if other.low is None or (self.low is not None and self.low > other.low) else other.low
        high = self.high if other.high is None or (self.high is not None and self.high < other.high) else other.high
        return Region(low, high, missing=self.missing and other.missing)


class View(NamedTuple):
    """A tree with its columns and the words for them."""

    tree: Tree
    columns: list[Column]
    names: list[str]  # of the columns
    classes: list | None  # the labels as plain Python values; None in regression
    labels: list[str] | None  # the labels as text
    rounds: bool  # whether rows are rounded to float32 before they are compared, as scikit-learn does
    fractional: bool = False  # whether a row whose value is missing goes down every branch, in shares
    criterion: str = "impurity"  # what the impurity is measured by

    def branches(self, node):
        """[(child, Region of the column tested)] of a node, in order; [] for a leaf."""
        tree = self.tree
        if tree.kind[node] != NUMERIC:
            return [(child, Region(codes=frozenset(codes.tolist()))) for child, codes in branches(tree, node)]
        column = self.columns[tree.feature[node]]
        threshold = exact_threshold(tree, node, column.dtype).item()
        left = bool(tree.missing_go_to_left[node])
        high = None if threshold >= top(column) else threshold
        return [
            (int(tree.children_left[node]), Region(None, high, missing=left and not self.fractional)),
            (int(tree.children_right[node]), Region(threshold, None, missing=not (left or self.fractional))),
        ]

    def answer(self, node):
        """What a row that ends in the node is answered: a label as a plain Python value, or a number."""
        value = self.tree.value[node, 0]
        return value.item() if self.classes is None else self.classes[value.argmax()]

    def answer_text(self, node, decimals=2):
        value = self.tree.value[node, 0]
        return number(value.item(), decimals) if self.labels is None else self.labels[value.argmax()]

    def share(self, node):
        """The share of the node's (weighted) samples that are of the class it answers; None in regression."""
        return None if self.classes is None else float(self.tree.value[node, 0].max())

    def may_stop(self, node):
        """Whether a row can stop at this inner node: with a category that no branch of the node is for."""
        return self.tree.kind[node] not in (LEAF, NUMERIC)

    def category(self, feature, code):
        """The category of a code as a plain Python value; None for a missing value."""
        categories = self.columns[feature].categories
        if code == len(categories):
            return None
        value = categories[code]
        return value.item() if isinstance(value, np.generic) else value

    def says(self, feature, region, decimals=2, long=LONG, room=None):
        """The test "is the column's value in the region" in words.

        long, room: how many categories, and letters of them, are written before a list is cut short; None for all.
        """
        name, column = self.names[feature], self.columns[feature]
        if region.codes is not None:
            return name + listed([self._category_text(feature, code) for code in sorted(region.codes)], long, room)
        missing = " or missing" if region.missing and column.missing else ""
        if region.low is not None and region.low >= top(column):
            return f"{name} is missing" if region.missing else f"{name} is nothing"
        if region.low is None and region.high is None:
            return f"{name} is anything" if region.missing else f"{name} is known"
        if np.dtype(column.dtype).kind == "b":
            return f"{name} = {region.low is not None}{missing}"
        low, high = (
            value if value is None else self._value_text(feature, value, decimals)
            for value in (region.low, region.high)
        )
        if region.low is None:
            return f"{name} <= {high}{missing}"
        if region.high is None:
            return f"{name} > {low}{missing}"
        if column.categories is not None and region.high == region.low + 1:
            return f"{name} = {high}{missing}"
        return f"{low} < {name} <= {high}{missing}"

    def says_short(self, feature, region, decimals=2, long=LONG, room=None):
        """The same without the column's name, for the edge of a diagram."""
        text = self.says(feature, region, decimals, long, room)
        return text.removeprefix(self.names[feature]).removeprefix(" = ").removeprefix(" in ").strip()

    def _category_text(self, feature, code):
        value = self.category(feature, code)
        return "missing" if value is None else plain(value)

    def _value_text(self, feature, value, decimals):
        if self.columns[feature].categories is not None:
            return self._category_text(feature, value)
        return number(value, decimals)


def view(decision_tree, feature_names=None, class_names=None, *, one_way="", miscounted=MISCOUNTED):
    """The View of a fitted tree, fastml's or scikit-learn's, with other names for columns and classes if given.

    one_way: what is made of it, if that sends every row one way; a tree of fractional instances is then refused
    miscounted: what scikit-learn's function of the same name says of feature_names of another length
    """
    check_is_fitted(decision_tree, "tree_")
    fractional = getattr(decision_tree, "missing_values", "branch") == "fractional"
    if fractional and one_way:
        raise ValueError(
            f"{one_way} sends every row one way, but a tree of missing_values='fractional' sends one with a missing"
            " value down every branch: fit with missing_values='branch'"
        )
    if decision_tree.tree_.n_outputs != 1:
        n = decision_tree.tree_.n_outputs
        raise ValueError(f"the tree has {n} outputs; one is read at a time: fit a tree for each")
    rounds = not hasattr(decision_tree, "columns_")
    tree, columns = from_scikit_learn(decision_tree) if rounds else (decision_tree.tree_, decision_tree.columns_)
    names = [column.name for column in columns] if feature_names is None else list(feature_names)
    if len(names) != len(columns):
        raise ValueError(
            f"{miscounted.format(given=len(names), fitted=len(columns))}: feature_names has {len(names)} names, but the"
            f" tree was fitted on {len(columns)} columns"
        )
    classes = labels = None
    if hasattr(decision_tree, "classes_"):
        classes = np.asarray(decision_tree.classes_).tolist()
        given = class_names is not None and not isinstance(class_names, bool)  # True is scikit-learn's "show them"
        labels = [plain(label) for label in (class_names if given else classes)]
        if len(labels) != len(classes):
            raise NamesError(
                "When `class_names` is an array, it should contain as many items as `decision_tree.classes_`. Got"
                f" {len(labels)} while the tree was fitted with {len(classes)} classes. class_names has {len(labels)}"
                f" names, but the tree has {len(classes)} classes"
            )
    criterion = str(getattr(decision_tree, "criterion", "impurity"))
    return View(tree, list(columns), [plain(name) for name in names], classes, labels, rounds, fractional, criterion)


def from_scikit_learn(decision_tree):
    """(Tree, columns) of a tree that scikit-learn grew: it compares float32 values with float64 thresholds."""
    theirs = decision_tree.tree_
    leaf = theirs.children_left < 0
    threshold = theirs.threshold.astype(np.float32)
    threshold = np.where(threshold > theirs.threshold, np.nextafter(threshold, np.float32(-np.inf)), threshold)
    weight, impurity = theirs.weighted_n_node_samples, theirs.impurity
    left, right = theirs.children_left, theirs.children_right
    below = (weight[left] * impurity[left] + weight[right] * impurity[right]) / weight
    missing = getattr(theirs, "missing_go_to_left", np.zeros(len(leaf)))
    tree = Tree(
        left.astype(np.int64), right.astype(np.int64), theirs.feature.astype(np.int64),
        np.where(leaf, LEAF, NUMERIC).astype(np.uint8), np.where(leaf, -2.0, threshold.astype(float)),
        np.zeros(len(leaf), np.int64), np.asarray(missing, bool), impurity, theirs.n_node_samples, weight,
        theirs.value, np.where(leaf, 0.0, impurity - below), np.zeros(len(leaf) + 1, np.int64),
        np.zeros(0, np.int64), np.zeros(0, np.int64), theirs.n_features,
    )  # fmt: skip
    names = getattr(decision_tree, "feature_names_in_", [f"x{i}" for i in range(theirs.n_features)])
    return tree, [Column(str(name), "numeric", np.dtype(np.float32)) for name in names]


def top(column):
    """The largest value of a numeric column, or the last code of an ordered one: more than it is only "missing"."""
    if column.categories is not None:
        return len(column.categories) - 1
    dtype = np.dtype(column.dtype)
    return np.inf if dtype.kind == "f" else 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)


def number(value, decimals=2):
    """A number for reading: whole numbers in full, others with that many decimals, or as many digits if small.

    >>> number(3), number(2.449999), number(0.00123456), number(-7.0), number(2.5, None)
    ('3', '2.45', '0.0012', '-7.00', '2.5')
    """
    if not isinstance(value, float) or decimals is None:
        return str(value)
    if 0 < abs(value) < 10.0**-decimals or abs(value) >= 1e16:
        return f"{value:.{max(decimals, 1)}g}"
    return f"{value:.{decimals}f}"


def plain(value):
    """A name as text of one line: control characters as escapes.

    >>> plain("a b"), plain(3), plain("two" + chr(10) + "lines")
    ('a b', '3', 'two\\\\nlines')
    """
    text = str.__str__(value) if isinstance(value, str) else str(value)  # of an enum, too, what it is equal to
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def listed(words, long, room):
    """= word, or in {several words}, cut short after `long` words or `room` letters."""
    if room is not None:
        words = [word if len(word) <= room else word[: room - 1] + "…" for word in words]
    if len(words) == 1:
        return " is missing" if words == ["missing"] else f" = {words[0]}"
    shown = len(words) if long is None or len(words) <= long + 1 else long
    while room is not None and shown > 1 and len(", ".join(words[:shown])) > room:
        shown -= 1
    rest = [f"… {len(words) - shown} more"] if shown < len(words) else []
    return f" in {{{', '.join(words[:shown] + rest)}}}"


def truncated(view, max_depth):
    """(N,) bool: the nodes at max_depth whose subtrees are left out; none for None."""
    check_depth(max_depth)
    if max_depth is None:
        return np.zeros(view.tree.node_count, bool)
    return (depths(view.tree) == max_depth) & (view.tree.kind != LEAF)


def check_depth(max_depth):
    if max_depth is not None and max_depth < 0:
        raise ValueError(f"max_depth={max_depth} must not be negative: 0 shows the root alone")
