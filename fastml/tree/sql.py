"""A tree as an SQL expression."""

from itertools import count
from typing import Any

import numpy as np

from fastml.tree.code import bound_of, category_test
from fastml.tree.rules import paths
from fastml.tree.view import top
from fastml.tree.view import view as view_of
from fastml_ext.tree.structure import parents

__all__ = ["to_sql"]

NEVER = "1 = 0"


def to_sql(
    decision_tree: Any, table: str = "data", *, output: str = "prediction", feature_names: Any = None, quote: str = '"'
) -> str:
    """A query, in SQL that every database knows, that adds the tree's answers to the rows of a table.

    There is one WHEN for each leaf, with all tests on its path, those of one column drawn together, so that deep trees
    do not nest. NULL is the missing value; NaN, in databases that have it, is not. Categories that a node has no branch
    for are answered by the node, in a WHEN after those of its leaves. Thresholds have all their digits, as in
    `to_python`. Integers above 2**63 - 1 need a database that compares them exactly.

    Parameters
    ----------
    decision_tree : estimator
        A fitted decision tree, fastml's or scikit-learn's.
    table : str, tuple of str or None, default="data"
        Name of the table, or (schema, table); None for the expression without SELECT.
    output : {"prediction", "proba", "node"}, default="prediction"
        What is added: a column "prediction"; a column "proba_<label>" for each class; a column "node" with the number
        of the node that answers.
    feature_names : array-like of str, default=None
        Names of the table's columns instead of those the tree was fitted with.
    quote : {'"', '`', '[]'}, default='"'
        What stands around names: standard SQL's double quote, '`' for MySQL, '[]' for SQL Server. Whatever a name or a
        text holds, it does not get out of its quotes under the rules of any of these, of PostgreSQL and of SQLite.

    Returns
    -------
    query : str

    Raises
    ------
    NotFittedError
        If the tree is not fitted.
    ValueError
        If an option has no such value, there are not as many names as columns, a regressor is asked for
        probabilities, or a name or text holds what no quotes can hold: a NUL character, half of a surrogate pair, or,
        between double quotes, a backslash before the quote that ends a name.
    TypeError
        If a label or category is neither a string, a number, a bool nor None.

    Examples
    --------
    >>> from fastml.tree import DecisionTreeClassifier, to_sql
    >>> tree = DecisionTreeClassifier().fit([[1.5], [2.5]], ["it's", "b"])
    >>> print(to_sql(tree, "sizes", feature_names=["size"]))
    SELECT *,
      CASE
        WHEN "size" <= 2.0 THEN 'it''s'
        ELSE 'b'
      END AS "prediction"
    FROM "sizes"
    """
    if output not in ("prediction", "proba", "node"):
        raise ValueError(f"output={output!r} must be 'prediction', 'proba' or 'node'")
    sql = Dialect(quote)
    view = view_of(decision_tree, feature_names, one_way="to_sql")
    if output == "proba" and view.classes is None:
        raise ValueError("output='proba' but a regressor has no probabilities: use 'prediction'")
    names = [column.name for column in view.columns] if feature_names is None else list(map(str, feature_names))
    names = [sql.name(name) for name in names]
    columns = [
        case(view, sql, names, answer, "" if table is None else "  ")
        + (f" AS {sql.name(title)}" if table is not None else "")
        for title, answer in outputs(view, sql, output)
    ]
    if table is None:
        return ",\n".join(columns)
    source = ".".join(sql.name(part) for part in ([table] if isinstance(table, str) else table))
    body = ",\n  ".join(columns)
    return f"SELECT *,\n  {body}\nFROM {source}"


def outputs(view, sql, output):
    """[(title, answer)] of the columns to add; answer(node) is the literal that a node answers."""
    if output == "node":
        return [("node", str)]
    if output == "prediction":
        return [("prediction", lambda node: sql.literal(view.answer(node)))]
    return [
        (f"proba_{label}", lambda node, k=k: repr(float(view.tree.value[node, 0, k])))
        for k, label in enumerate(view.classes)
    ]


def case(view, sql, names, answer, indent):
    """CASE ... END: the rules in order, the last one as ELSE, for exactly one of them fits any row."""
    told = told_later(view, answer)
    found = [
        (node, condition(view, sql, names, regions)) for node, regions in paths(view, stops=True) if node not in told
    ]
    *rules, (last, _) = [(node, tests) for node, tests in found if NEVER not in tests]
    if not rules:
        return answer(last)
    lines = [f"  WHEN {' AND '.join(tests) or '1 = 1'} THEN {answer(node)}" for node, tests in rules]
    return f"\n{indent}".join(["CASE", *lines, f"  ELSE {answer(last)}", "END"])


def told_later(view, answer):
    """The nodes where rows stop that need no WHEN: the next such node above gives the same answer."""
    above, next_stop, told = parents(view.tree).tolist(), [None], set()
    for node in range(1, view.tree.node_count):  # parents come before their children
        next_stop.append(above[node] if view.may_stop(above[node]) else next_stop[above[node]])
        if next_stop[node] is not None and view.may_stop(node) and answer(next_stop[node]) == answer(node):
            told.add(node)
    return told


def condition(view, sql, names, regions):
    """The tests that a row meets all of; NEVER is among them where no row does."""
    tests = (tests_of(view, sql, feature, names[feature], region) for feature, region in regions.items())
    return [test for of_column in tests for test in of_column]


def tests_of(view, sql, feature, name, region):
    """The conditions, to be joined by AND, of one column."""
    column = view.columns[feature]
    if column.categories is not None:
        return category_tests(view, sql, feature, name, region)
    tests = comparisons(view, sql, column, name, region)
    if tests is None:
        return [f"{name} IS NULL"] if region.missing else [NEVER]
    if not tests:
        return [] if region.missing else [f"{name} IS NOT NULL"]
    return [f"({' AND '.join(tests)} OR {name} IS NULL)"] if region.missing else tests


def category_tests(view, sql, feature, name, region):
    codes, inside = category_test(view.columns[feature], region)
    values = [view.category(feature, code) for code in codes]
    known = [sql.literal(value) for value in values if value is not None]
    null = f"{name} IS NULL"
    if not inside:
        return [f"({name} NOT IN ({', '.join(known)}) OR {null})"] if known else []
    missing = len(known) < len(values)
    if not known:
        return [null if missing else NEVER]
    test = f"{name} = {known[0]}" if len(known) == 1 else f"{name} IN ({', '.join(known)})"
    return [f"({test} OR {null})" if missing else test]


def comparisons(view, sql, column, name, region):
    """The comparisons that a known number in the region meets; None if no number is in it."""
    low, high = region.low, region.high
    if low is not None and low >= top(column):
        return None
    if np.dtype(column.dtype).kind == "b":
        true, false = sql.literal(True), sql.literal(False)
        return [f"{name} = {true}"] * (low is not None) + [f"{name} = {false}"] * (high is not None)
    low, high = (x if x is None else sql.literal(bound_of(view, x)) for x in (low, high))
    return [f"{name} > {low}"] * (low is not None) + [f"{name} <= {high}"] * (high is not None)


class Dialect:
    """How names and values are written; nothing that a name or a text holds gets out of its quotes.

    Texts and names are safe under the rules of MySQL, PostgreSQL, SQLite and SQL Server alike. They disagree about the
    backslash: MySQL, and PostgreSQL in an old mode, take it for an escape of what follows, even of the closing quote.
    """

    QUOTES = '"', "`", "[]"

    def __init__(self, quote):
        if quote not in self.QUOTES:
            raise ValueError(f"quote={quote!r} must be one of {', '.join(map(repr, self.QUOTES))}")
        self.quote = quote
        self.is_server = quote == "[]"  # SQL Server: bits in place of truth values, and N before letters of all scripts
        self.part = "SUBSTRING" if self.is_server else "SUBSTR"

    def name(self, text):
        """A name between quotes, the closing quote doubled inside.

        >>> Dialect('"').name('a "b" c'), Dialect("[]").name("width [cm]")
        ('"a ""b"" c"', '[width [cm]]]')
        """
        text = checked(text)
        if self.quote == '"' and ends_in_escape(text, '"'):
            raise ValueError(
                f"the name {text!r} has a backslash before a quote or at its end, which MySQL takes as an escape of the"
                " quote: rename it, or pass quote='`' or '[]'"
            )
        return self.quote[0] + text.replace(self.quote[-1], 2 * self.quote[-1]) + self.quote[-1]

    def literal(self, value):
        """A value as SQL.

        >>> sql = Dialect('"')
        >>> sql.literal("it's"), sql.literal(True), sql.literal(0.1), sql.literal(None)
        ("'it''s'", 'TRUE', '0.1', 'NULL')
        >>> print(sql.literal("one" + chr(92) + "two"))
        REPLACE('one~two', '~', SUBSTR('\\\\', 1, 1))
        """
        if isinstance(value, bool):
            return str(int(value)) if self.is_server else "TRUE" if value else "FALSE"
        if isinstance(value, str):
            return self.text(checked(value))
        if value is None:
            return "NULL"
        if isinstance(value, int):
            return int.__repr__(value)
        if isinstance(value, float) and np.isfinite(value):
            return float.__repr__(value)
        raise TypeError(f"{value!r} is a {type(value).__name__}, which SQL has no literal for: use strings or numbers")

    def text(self, value):
        """A text between quotes. A backslash is put in for a mark that the text has not.

        Two of them are one where a backslash escapes, and two elsewhere: the first of them is one everywhere.
        """
        quoted = "'" + value.replace("'", "''") + "'"
        quoted = quoted if value.isascii() or not self.is_server else "N" + quoted
        if "\\" not in value:
            return quoted
        mark = next(mark for mark in marks() if mark not in value)
        return f"REPLACE({quoted.replace(BACKSLASH, mark)}, '{mark}', {self.part}('{2 * BACKSLASH}', 1, 1))"


BACKSLASH = "\\"


def marks():
    """Texts one of which another text does not hold."""
    yield from "~^|@"
    yield from (f"~{i}~" for i in count())


def ends_in_escape(text, quote):
    """Whether a quote behind the text, or one in it, stands behind an odd number of backslashes."""
    return any((len(part) - len(part.rstrip(BACKSLASH))) % 2 for part in text.split(quote))


def checked(text):
    """A text as a plain str that SQL can hold."""
    text = str.__str__(text) if isinstance(text, str) else str(text)
    if "\0" in text:
        raise ValueError(f"{text!r} holds a NUL character, which SQL cannot: rename it")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(f"{text!r} holds half of a surrogate pair, which no encoding of SQL can write: rename it")
    return text
