"""Why a tree answers as it does, and the least that would make it answer otherwise."""

import heapq
from html import escape
from typing import Any, NamedTuple

import numpy as np

from fastml.explanation import Explanation
from fastml.tree.view import Region, number, top
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import LEAF

__all__ = ["Change", "Step", "TreeExplanation", "explain"]


class Step(NamedTuple):
    """A node on the path of a row; the last one is where it ends."""

    node: int
    test: str  # the condition that the row meets here; "" at the end
    gain: float  # impurity of the node minus the weighted mean of its children's; 0 at the end
    samples: int  # training samples in the node
    distribution: dict | None  # {label: share of the samples}; None in regression
    prediction: Any  # what the node would answer


class Change(NamedTuple):
    """The cheapest change of a row that makes the tree answer otherwise."""

    changes: dict  # {column: its new value}
    tests: list[str]  # what must hold of each of those columns
    cost: float
    prediction: Any  # the new answer
    node: int  # the leaf that gives it

    def __str__(self):
        return f"{self.prediction} if {' and '.join(self.tests)} (cost {self.cost:.3g})"


class TreeExplanation(Explanation):
    """The path of a row and the nearest change; `print` shows it as text, a notebook as HTML."""

    def __str__(self):
        return f"{super().__str__()}\n{self._last()}"

    def _repr_html_(self):
        return f"{super()._repr_html_()}<p>{escape(self._last())}</p>"

    def _last(self):
        return f"It would be {self.change}" if self.change else "No change of the row alters the answer."


def explain(decision_tree, x, *, spread=None, feature_names=None, class_names=None, decimals=2):
    """The path of one row through a fitted tree, and the nearest change of the row that would alter the answer.

    The nearest change leads to the leaf of another answer that costs least: for each column whose value must change, a
    number costs the distance to the leaf's interval in units of the column's spread, a category costs 1, and so does
    a number given for a missing one or a missing one for a number; of leaves at one cost it is the first in the tree.
    An ordered category costs 1 like any other. Leaves are found best first, so that few nodes are looked at.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    x : array-like of shape (n_features,) or mapping
        The row: values in the order of the columns, or by their names; None or NaN is missing.
    spread : array-like of shape (n_features,), default=None
        The unit of each numeric column, positive. None takes what was met in training, the largest value minus the
        smallest, where the tree knows it, and 1 where it does not or where all values were equal.
    feature_names, class_names : array-like of str, default=None
        Names to use instead of those the tree was fitted with; class names in the order of `classes_`.
    decimals : int, default=2
        Decimals of the thresholds.

    Returns
    -------
    explanation : TreeExplanation
        With `prediction`, `node`, `path` (a list of Step) and `change` (a Change, or None where every leaf gives the
        same answer).

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If x has not one value for each column, or one that its column cannot hold.

    Notes
    -----
    The change is the counterfactual explanation of Wachter, Mittelstadt and Russell 2017, exact for a tree.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, explain
    >>> tree = DecisionTreeClassifier().fit([[1.0, 5], [2, 5], [3, 5], [3, 9]], ["a", "a", "a", "b"])
    >>> why = explain(tree, [3, 8], feature_names=["size", "age"])
    >>> print(why)
    b: P = 1.00 of 1 sample after 1 test
    test        gain   samples  distribution
    age > 7.00  0.375  4        a 0.75, b 0.25
                0      1        b 1.00
    It would be a if age <= 7.00 (cost 1)
    >>> why.prediction, why.change.changes
    ('b', {'age': 7.0})
    """
    view = view_of(decision_tree, feature_names, class_names)
    units = units_of(view, decision_tree, spread)
    row = read_row(view, decision_tree, x)
    path = walk(view, row)
    steps = [step(view, node, feature, region, decimals) for node, feature, region in path]
    end = path[-1][0]
    change = nearest_change(view, row, view.answer(end), units, decimals)
    details = {"node": end, "path": steps, "change": change}
    return TreeExplanation(view.answer(end), heading(view, end, len(path) - 1, decimals), *table(view, steps), details)


def heading(view, end, n_tests, decimals):
    n, share = int(view.tree.n_node_samples[end]), view.share(end)
    evidence = f"{n} sample{'s' * (n != 1)}" if share is None else f"P = {share:.2f} of {n} sample{'s' * (n != 1)}"
    return f"{view.answer_text(end, decimals)}: {evidence} after {n_tests} test{'s' * (n_tests != 1)}"


def table(view, steps):
    """(columns, rows) of the printed table."""
    last = "prediction" if view.classes is None else "distribution"
    rows = []
    for one in steps:
        if view.classes is None:
            words = number(float(one.prediction))
        else:
            shares = zip(view.labels, view.tree.value[one.node, 0].tolist(), strict=True)
            words = ", ".join(f"{label} {share:.2f}" for label, share in shares if share > 0)
        rows.append((one.test, one.gain, one.samples, words))
    return ("test", "gain", "samples", last), rows


def step(view, node, feature, region, decimals):
    tree = view.tree
    shares = None
    if view.classes is not None:
        shares = dict(zip(view.classes, tree.value[node, 0].tolist(), strict=True))
    test = "" if feature is None or region is None else view.says(feature, region, decimals)
    if feature is not None and region is None:
        test = f"{view.names[feature]} has a value that no branch is for"
    return Step(node, test, float(tree.gain[node]), int(tree.n_node_samples[node]), shares, view.answer(node))


def walk(view, row):
    """[(node, column tested, region the value is in)] of a row; the column is None at a leaf, the region at a stop."""
    node, path = 0, []
    while True:
        if view.tree.kind[node] == LEAF:
            return [*path, (node, None, None)]
        feature = int(view.tree.feature[node])
        for child, region in view.branches(node):
            if holds(region, row[feature]):
                path.append((node, feature, region))
                node = child
                break
        else:
            return [*path, (node, feature, None)]


def holds(region, value):
    """Whether a value, None if it is missing, is in a region."""
    if region.codes is not None:
        return value in region.codes
    if value is None:
        return region.missing
    return value >= 0 or True if False else in_interval(region, value)


def in_interval(region, value):
    return (region.low is None or value > region.low) and (region.high is None or value <= region.high)


def read_row(view, decision_tree, x):
    """A row as the tree compares it: numbers in their column's dtype, None if missing; codes of categories, -1 if new."""
    if hasattr(x, "keys"):
        absent = [column.name for column in view.columns if column.name not in x]
        if absent:
            raise ValueError(f"x has no value for column {absent[0]!r}; give one for each of the {len(view.columns)}")
        x = [x[column.name] for column in view.columns]
    x = np.asarray(x, dtype=object)
    x = x[0] if x.ndim == 2 and len(x) == 1 else x
    if x.shape != (len(view.columns),):
        raise ValueError(f"x has shape {x.shape}, but one row of {len(view.columns)} values is explained at a time")
    return [read_value(column, value) for column, value in zip(view.columns, x, strict=True)]


def read_value(column, value):
    missing = type(value).__name__ in ("NoneType", "NAType", "NaTType") or value != value
    if column.categories is None:
        if missing:
            return None
        try:
            number = np.dtype(column.dtype).type(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"x has {value!r} in column {column.name!r}, which holds {column.dtype} numbers") from None
        return number.item()
    if missing:
        return None if column.split == "ordered" else len(column.categories)
    found = [code for code, category in enumerate(column.categories.tolist()) if category == value]
    return found[0] if found else -1


def units_of(view, decision_tree, spread):
    """The unit of every column, for numbers."""
    if spread is None:
        units = [float(getattr(column, "spread", 0.0) or 1.0) for column in view.columns]
    else:
        units = np.asarray(spread, float)
        if units.shape != (len(view.columns),) or not (np.isfinite(units) & (units > 0)).all():
            raise ValueError(f"spread must have a positive number for each of the {len(view.columns)} columns")
    return list(units)


def nearest_change(view, row, answer, units, decimals):
    """The Change of least cost, by a search from the root that always goes on with the cheapest node so far.

    No leaf costs less than a node above it, so the first leaf of another answer is the cheapest.
    """
    queue = [(0.0, 0, {})]  # cost, node, {column: (Region, its cost)}
    while queue:
        cost, node, regions = heapq.heappop(queue)
        children = view.branches(node)
        if not children and view.answer(node) != answer:
            return change_to(view, row, node, cost, regions, decimals)
        feature = int(view.tree.feature[node])
        for child, region in children:
            before, paid = regions.get(feature, (None, 0.0))
            both = region if before is None else before.meet(region)
            price = price_of(view.columns[feature], both, row[feature], units[feature])
            if price is not None:
                heapq.heappush(queue, (total({**regions, feature: (both, price)}), child, {**regions, feature: (both, price)}))
    return None


def total(regions):
    """The sum of the prices, in the order of the columns, so that equal changes cost the same on every path."""
    return sum(regions[feature][1] for feature in sorted(regions))


def price_of(column, region, value, unit):
    """What it costs to bring a value into a region; None if nothing is in it."""
    if holds(region, value):
        return 0.0
    if region.codes is not None:
        return 1.0 if region.codes else None
    if nearest_value(column, region, value) is None:
        return 1.0 if region.missing else None
    if value is None or column.categories is not None:
        return 1.0
    distance = max(region.low - value if region.low is not None else 0, value - region.high if region.high is not None else 0)
    price = float(distance) / unit
    return min(price, 1.0) if region.missing else price


def nearest_value(column, region, value):
    """The value of the column's dtype nearest to a value, in an interval; None if the interval is empty."""
    low, high = region.low, region.high
    if low is not None:
        if low >= top(column):
            return None
        if column.categories is not None or np.dtype(column.dtype).kind != "f":
            low += 1
        else:
            low = np.nextafter(np.dtype(column.dtype).type(low), np.inf, dtype=column.dtype).item()
        if high is not None and low > high:
            return None
        if value is None or value < low:
            return low
    return high if high is not None and (value is None or value > high) else value


def change_to(view, row, node, cost, regions, decimals):
    """The Change to a leaf."""
    changes, tests = {}, []
    for feature, (region, price) in sorted(regions.items()):
        if holds(region, row[feature]):
            continue
        column = view.columns[feature]
        value = cheapest_value(column, region, row[feature], price)
        changes[view.names[feature]] = value if value is None or column.categories is None else view.category(feature, value)
        tests.append(view.says(feature, region, decimals, long=None))
    return Change(changes, tests, cost, view.answer(node), node)
