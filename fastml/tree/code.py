"""A tree as a Python program that needs nothing but Python."""

import builtins
import keyword
import re
import unicodedata
from typing import Any

import numpy as np

from fastml.tree.view import top
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import LEAF, parents

__all__ = ["to_python"]

READ = '''

def _read(row):
    """The values tested, a missing one as nan in numbers and None in categories."""
    named = hasattr(row, "keys")
    for name, place, missing in TESTED:
        value = row[name] if named else row[place]
        value = value.item() if hasattr(value, "item") else value  # Python compares numbers of all types exactly
        unknown = type(value).__name__ in ("NoneType", "NAType", "NaTType") or value != value
        yield missing if unknown else value


def apply(row):
    """The number of the node that answers the row."""
'''

CLASSIFY = '''

def predict_proba(row):
    """The share of each of CLASSES among the training samples that the row is like."""
    return VALUES[apply(row)]


def predict(row):
    """The class of the largest share, the first of equal ones."""
    shares = VALUES[apply(row)]
    return CLASSES[shares.index(max(shares))]
'''

REGRESS = '''

def predict(row):
    """The predicted number."""
    return VALUES[apply(row)]
'''


def to_python(decision_tree: Any, *, feature_names: Any = None) -> str:
    """The source text of a Python module whose `predict(row)` answers as the tree does, with nothing to import.

    It has `predict`, `predict_proba` (of a classifier), `apply`, COLUMNS and, of a classifier, CLASSES. A row is a
    mapping by column name or a sequence in the order of COLUMNS; None, NaN and pandas' NA are missing values.
    Thresholds are exact. In a tree that scikit-learn grew they are the largest float64 that rounds to no more than the
    threshold in float32, since scikit-learn rounds every row before it compares.

    Categories that were not met in training are answered by the node that has no branch for them, also where the
    estimator would refuse them (unknown="error").

    Of two branches the one with fewer leaves is written inside its `if`, the other after it, at the same indentation.
    So a tree of n leaves is never indented by more than log2(n) levels, and trees of any depth can be compiled.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    feature_names : array-like of str, default=None
        Names of the columns, by which a mapping is read, instead of those the tree was fitted with.

    Returns
    -------
    source : str

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If there are not as many names as columns.
    TypeError
        If a label or category has no Python literal: it is neither a string, a number, a bool nor None.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, to_python
    >>> source = to_python(DecisionTreeClassifier().fit([[1.5], [2.5]], ["a", "b"]), feature_names=["size"])
    >>> program = {}
    >>> exec(source, program)
    >>> program["predict"]({"size": 2.25}), program["predict_proba"]([1.75])
    ('b', (1.0, 0.0))
    """
    view = view_of(decision_tree, feature_names, one_way="to_python")
    names = [column.name for column in view.columns] if feature_names is None else list(map(str, feature_names))
    tested = sorted(set(view.tree.feature[view.tree.kind != LEAF].tolist()))
    variables = dict(zip(tested, identifiers([names[feature] for feature in tested]), strict=True))
    places = ["None" if view.columns[f].categories is not None else 'float("nan")' for f in tested]
    table = [f"({names[f]!r}, {f}, {missing})," for f, missing in zip(tested, places, strict=True)]
    answers = sorted(can_end(view))
    return "".join(
        [
            f'"""A decision tree of {view.tree.n_leaves} leaves: predict(row) of one row. Written by fastml."""\n\n',
            f"COLUMNS = {tuple(names)!r}\n",
            "" if view.classes is None else f"CLASSES = {literal_tuple(view.classes, 'label')}\n",
            block("TESTED = (", table, ")  # columns that are tested: name, place, what stands for a missing value\n"),
            block("VALUES = {", [f"{n}: {value_text(view, n)}," for n in answers], "}  # of nodes where rows end\n"),
            READ,
            f"    {', '.join(variables.values())}{',' * (len(tested) == 1)} = _read(row)\n" if tested else "",
            "".join(f"{line}\n" for line in body(view, variables)),
            REGRESS if view.classes is None else CLASSIFY,
        ]
    )


def body(view, variables):
    """The lines of apply: for each node an `if` around its smaller branches, and then its largest."""
    leaves = count_leaves(view.tree)
    stack: list[tuple] = [(0, 1, None, False)]
    while stack:
        node, indent, test, stops = stack.pop()
        if test is not None:
            yield "    " * indent + test
            indent += 1
        children = () if stops else view.branches(node)
        if not children:
            words = view.answer_text(node) + ("" if view.classes is None else f", P = {view.share(node):.2f}")
            words += ", no branch is for the value" if stops else ""
            yield "    " * indent + f"return {node}  # {words}"
            continue
        feature = int(view.tree.feature[node])
        children.sort(key=lambda branch: leaves[branch[0]])  # stable: the left one of equals is written inside
        stack.append((children[-1][0], indent, None, False))
        tests = [test_text(view, feature, variables[feature], region) for _, region in children]
        if view.may_stop(node):
            other = category_text(view, feature, variables[feature], children[-1][1], inside=False)
            stack.append((node, indent, f"if {other}:", True))
        for (child, _), condition in reversed(list(zip(children[:-1], tests, strict=False))):
            stack.append((child, indent, f"if {condition}:", False))


def test_text(view, feature, variable, region):
    """The condition in Python; a missing number is nan, which no comparison holds for."""
    column = view.columns[feature]
    if column.categories is not None:
        return category_text(view, feature, variable, region)
    if region.high is not None:
        bound = literal(bound_of(view, region.high), "threshold")
        return f"not {variable} > {bound}" if region.missing else f"{variable} <= {bound}"
    if region.low is None:
        return "True" if region.missing else f"{variable} == {variable}"
    if region.low >= top(column):
        return f"{variable} != {variable}" if region.missing else "False"
    bound = literal(bound_of(view, region.low), "threshold")
    return f"not {variable} <= {bound}" if region.missing else f"{variable} > {bound}"


def category_text(view, feature, variable, region, inside=True):
    """The condition that a category is in the region, or is not."""
    codes, listed = category_test(view.columns[feature], region)
    values, inside = [view.category(feature, code) for code in codes], inside == listed
    if len(values) == 1 and values[0] is None:
        return f"{variable} is {'' if inside else 'not '}None"
    if len(values) == 1:
        return f"{variable} {'==' if inside else '!='} {literal(values[0], 'category')}"
    return f"{variable} {'' if inside else 'not '}in {literal_tuple(values, 'category')}"


def category_test(column, region):
    """(codes, inside): a category is in the region if it is one of these codes, or if it is not, where inside is False.

    In a column of ordered categories a category that was never seen goes where missing ones go.
    """
    if region.codes is not None:
        return sorted(region.codes), True
    n = len(column.categories)
    low = -1 if region.low is None else min(region.low, n - 1)
    high = n - 1 if region.high is None else region.high
    inside = range(low + 1, high + 1)
    return ([code for code in range(n) if code not in inside], False) if region.missing else (list(inside), True)


def bound_of(view, threshold):
    """The threshold with which a row is compared as it is."""
    return widened(threshold) if view.rounds else threshold


def widened(threshold):
    """The largest float64 that rounds, in float32, to no more than the threshold.

    >>> widened(2.5)
    2.5000001192092896
    """
    following = np.nextafter(np.float32(threshold), np.float32(np.inf))
    if not np.isfinite(following):
        return threshold
    middle = (float(threshold) + float(following)) / 2
    return middle if float(np.float32(middle)) <= threshold else float(np.nextafter(middle, -np.inf))


def count_leaves(tree):
    """[number of leaves below each node]."""
    leaves = (tree.kind == LEAF).astype(np.int64).tolist()
    above = parents(tree).tolist()
    for node in range(len(above) - 1, 0, -1):
        leaves[above[node]] += leaves[node]
    return leaves


def can_end(view):
    """The nodes that answer rows: leaves, and those where a row may stop."""
    return [node for node in range(view.tree.node_count) if view.tree.kind[node] == LEAF or view.may_stop(node)]


def value_text(view, node):
    value = view.tree.value[node, 0].tolist()
    return repr(value[0]) if view.classes is None else repr(tuple(value))


def literal(value, what):
    """A value as Python source."""
    for plain in (bool, str, int, float):  # written as such, whatever a subclass would print
        if isinstance(value, plain) and (plain is not float or np.isfinite(value)):
            return plain.__repr__(value)
    if value is None:
        return "None"
    raise TypeError(f"the {what} {value!r} is a {type(value).__name__}, which has no literal: use strings or numbers")


def literal_tuple(values, what):
    return f"({', '.join(literal(value, what) for value in values)}{',' if len(values) == 1 else ''})"


def block(first, lines, last):
    return first + "".join(f"\n    {line}" for line in lines) + ("\n" if lines else "") + last


def identifiers(names):
    """Different Python names for the names of columns, as like them as can be.

    >>> identifiers(["petal width (cm)", "petal width [cm]", "class", "sum", "2nd", ""])
    ['petal_width_cm', 'petal_width_cm_2', 'class_', 'sum_', 'x2nd', 'x']
    """
    taken = {"row"}
    out = []
    for name in names:
        word = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name)).strip("_")
        word = word if word.isidentifier() else f"x{word}"
        word = word if word.isidentifier() else "x"
        word = f"{word}_" if keyword.iskeyword(word) or hasattr(builtins, word) else word
        unique, i = word, 2
        while unique in taken:
            unique, i = f"{word}_{i}", i + 1
        taken.add(unique)
        out.append(unique)
    return out
