"""From a table to a task: what is predicted, from which columns, and in which form each model is given them."""

import re
import warnings
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import numpy as np

from fastml.cli.columns import advice
from fastml.cli.encoder import VARIANCE, estimate
from fastml.cli.leaks import suspicions
from fastml.cli.models import CLASSIFICATION, REGRESSION
from fastml.cli.reading import dates
from fastml.cli.tables import Column, did_you_mean
from fastml.cli.terminal import InputError

__all__ = ["Problem", "bundled", "from_table", "in_parts", "prepare", "strongest", "wants_labels"]

FEW_CLASSES = 20  # whole numbers with no more different values than this are classes
PLAIN_WHOLE = re.compile("0|-?[1-9][0-9]*")
IDENTIFIER = re.compile(r"(?:^|[\W_])(?:id|ids|nr|no|key|uuid|guid|index)$", re.IGNORECASE | re.ASCII)
SHUFFLED = 20  # rows from where on a shuffled count is taken for one
SPANNED = 0.9  # of a shuffled count by the rows that were drawn
SAID = 20  # columns left out that are named
MANY_TEXTS = 20  # below this a text column is always used


class Problem(NamedTuple):
    """Something to learn."""

    name: str
    task: str
    X: np.ndarray  # (n, d) float64, NaN where missing; a text column as places in its list of texts
    y: np.ndarray  # (n,)
    names: list  # of the columns
    texts: dict  # of each text column: its place -> its texts
    notes: list  # sentences about how the data was read
    rows: np.ndarray  # (n,) which row of the file, or of the data set, counted from 1
    kinds: dict = {}  # of each column of the file that is learnt from: [kind, form]
    groups: Any = None  # (n,) rows with the same number stay in one fold
    when: Any = None  # (n,) tested on rows that are later than those learnt from
    reduce: str | None = None  # how columns are combined into fewer, "pca", or None


def bundled():
    """The real data sets that come with scikit-learn."""
    from sklearn import datasets

    sets = [
        ("digits", CLASSIFICATION, datasets.load_digits()),
        ("cancer", CLASSIFICATION, datasets.load_breast_cancer()),
        ("iris", CLASSIFICATION, datasets.load_iris()),
        ("diabetes", REGRESSION, datasets.load_diabetes()),
    ]
    for name, task, data in sets:
        X, names, rows = (
            np.ascontiguousarray(data.data, float),
            list(data.feature_names),
            np.arange(1, len(data.target) + 1),
        )
        yield Problem(name, task, X, data.target, names, {}, [], rows)


def from_table(table, target, task="auto", rows=None, folds=5, aside=(), group=None, time=None, reduce=None,
               more_rows=" (--rows all for every row)"):  # fmt: skip
    """The task of predicting the column `target` of a table; InputError where there is none.

    aside: names of columns that are not learnt from
    group, time: names of the columns by which rows are kept together, or the later told from the earlier; or None
    reduce: "pca" where models are given principal components
    more_rows: how more rows are asked for, behind the sentence that some were drawn
    """
    column = next((c for c in table.columns if c.name == target), None)
    if column is None:
        raise InputError(f"{str(table.path)!r} has no column {target!r}{hint(target, table)}")
    for name in (*aside, *(each for each in (group, time) if each is not None)):
        if all(c.name != name for c in table.columns):
            raise InputError(f"{str(table.path)!r} has no column {name!r}{hint(name, table)}")
    column = column.original or column  # labels stay as they stand
    table, column, unanswered = answered(table, column)
    n = len(column.values)
    if n < folds:
        cure = f"pass --folds {max(2, n)} or add rows"
        raise InputError(f"{str(table.path)!r} has {n} rows{' with a target' if unanswered else ''}, fewer than the "
                         f"{folds} folds: {cure}")  # fmt: skip
    y, task, why = read_target(column, task, "every row where it is not missing" if unanswered else "every row")
    used, notes = choose_columns([c for c in table.columns if c.name not in (target, group, *aside)], table)
    learnt = {c.source for c in used}
    if not used:
        asked = [name for name in (*aside, group) if name is not None]
        left = [*notes, *([f"left out as asked: {', '.join(map(repr, asked))}"] if asked else [])]
        why = "; ".join(left) or "it has no other"
        raise InputError(f"no column of {str(table.path)!r} is left to predict {target!r} from ({why})")
    problem = Problem(
        table.path.name.partition(".")[0],
        task,
        np.column_stack([c.values for c in used]),
        y,
        [c.name for c in used],
        {i: c.texts for i, c in enumerate(used) if c.texts is not None},
        [
            describe(table), *table.notes, why, *unanswered,
            *(c.words for c in table.columns if c.words and c.name in learnt),
            *missing_values(used, table), *text_columns(used), *notes,
        ],
        np.arange(1, n + 1) if table.rows is None else table.rows + 1,
        {c.source: [c.kind, c.form] for c in table.columns if c.source in learnt},
        None if group is None else group_of(table, group, folds),
        None if time is None else moments(table, time),
        reduce,
    )  # fmt: skip
    problem = problem if rows is None or n <= rows else drawn(problem, rows)
    if table.drawn or len(problem.y) < n:
        problem.notes.append(f"used: {len(problem.y)} of {table.total} rows, drawn at random{more_rows}")
    check_target(problem, target, folds)
    problem.notes.extend(suspicions(problem))
    problem.notes.extend(components(problem))
    problem.notes.extend(advice(problem))
    return problem


def answered(table, column):
    """The table and its target without the rows whose target is missing, and a sentence about these."""
    missing = np.isnan(column.values)
    if not missing.any() or missing.all():
        return table, column, []
    keep = np.flatnonzero(~missing)
    rows = keep if table.rows is None else table.rows[keep]
    words = (
        f"left out: {missing.sum()} of {len(missing)} rows, where the target {column.name!r} is missing "
        f"(first in row {row_of(table, missing.argmax())})"
    )
    columns = [rows_of_column(each, keep) for each in table.columns]
    return table._replace(columns=columns, rows=rows), rows_of_column(column, keep), [words]


def rows_of_column(column, keep):
    numbers = None if column.numbers is None else column.numbers[keep]
    original = None if column.original is None else rows_of_column(column.original, keep)
    return column._replace(values=column.values[keep], numbers=numbers, original=original)


def components(problem):
    """A sentence about what the columns are reduced to."""
    if problem.reduce is None:
        return
    found = estimate("filled", problem.X, problem.texts, problem.reduce).steps
    pca = dict(found.steps)["pca"]
    yield (
        f"reduced by PCA: {pca.n_features_in_} columns, texts one-hot, to {pca.n_components_} principal "
        f"components that hold {VARIANCE:.0%} of the variance (in each fold those of its training rows)"
    )


def group_of(table, name, folds):
    """(n,) a number for each value of a column."""
    column = next(c for c in table.columns if c.name == name)
    groups = np.unique(column.values, return_inverse=True)[1]
    if groups.max() + 1 < folds:
        raise InputError(f"--group {name!r} has {groups.max() + 1} values, fewer than the {folds} folds: pass --folds")
    return groups


def moments(table, name):
    """(n,) the times or numbers of a column."""
    column = next(c for c in table.columns if c.name == name)
    missing = np.isnan(column.values)
    if column.texts is not None:
        raise InputError(f"--time {name!r} holds texts ({column.first_text[1]!r} in row {column.first_text[0]}): "
                         f"it must be dates, times or numbers")  # fmt: skip
    if missing.any():
        raise InputError(f"--time {name!r} is missing in {missing.sum()} of {len(missing)} rows (first in row "
                         f"{row_of(table, missing.argmax())}): fill it in, or leave those rows out")  # fmt: skip
    return column.values


def row_of(table, place):
    """The row of the file, counted from 1, at a place of the columns."""
    return int(place if table.rows is None else table.rows[place]) + 1


def hint(target, table):
    names = [c.name for c in table.columns]
    if all(is_number(name) for name in names):
        return ": its first row holds only numbers; add a header that names the columns"
    return (
        did_you_mean(target, names) or f"; it has {', '.join(map(repr, names[:12]))}{', …' if len(names) > 12 else ''}"
    )


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_target(column, task, everywhere="every row"):
    """(y, task, a sentence that says which task and why); everywhere: which rows these are, in words"""
    if np.isnan(column.values).any():
        raise InputError(f"the target {column.name!r} is missing in every row: there is nothing to learn")
    numbers = column.values if column.texts is None else column.numbers
    texts = numbers is None or (column.texts is not None and column.first_text is not None)  # codes such as 007 too
    y = column.values if column.texts is None else labels(column)
    kind = "texts" if texts else "whole numbers" if (numbers % 1 == 0).all() else "numbers"
    different = np.unique(y)
    if len(different) == 1:
        only = repr(str(different[0])) if texts else column.texts[0] if column.texts else f"{different[0]:g}"
        raise InputError(f"the target {column.name!r} is {only} in {everywhere}: there is nothing to learn")
    if task == REGRESSION and numbers is None:
        row, cell = column.first_text
        raise InputError(f"the target {column.name!r} holds texts ({cell!r} in row {row}): regression needs numbers")
    guess = CLASSIFICATION if texts or few_classes(numbers) else REGRESSION
    chosen, asked = (guess, "recognised") if task == "auto" else (task, "asked for")
    other = REGRESSION if chosen == CLASSIFICATION else CLASSIFICATION
    switch = f" (--task {other} for the other)" if task == "auto" and kind != "texts" else ""
    why = f"target {column.name!r}: {len(different)} different {kind}: {chosen} {asked}{switch}"
    if chosen == REGRESSION:
        return numbers, chosen, why
    return (names_of(y) if column.texts is None else y), chosen, why


def few_classes(numbers):
    """Whether the numbers of a target are classes, unless the user says otherwise."""
    different = np.unique(numbers[~np.isnan(numbers)])
    return bool((different % 1 == 0).all()) and len(different) <= FEW_CLASSES


def wants_labels(target, task):
    """What `read_table` asks: whether the cells of a column of numbers are needed as they stand in the file."""

    def wanted(name, numbers):
        if name != target or numbers is None or task == REGRESSION:
            return False
        return task == CLASSIFICATION or few_classes(numbers)

    return wanted


def labels(column):
    """(n,) the classes as they stand in the file: whole numbers written plainly as int64, all else as texts.

    Of several ways to write one number, such as 1 and 1.0, the most frequent stands for all; 007 and 7 are two codes.
    """
    texts, places = column.texts, column.values.astype(np.int64)
    if all(PLAIN_WHOLE.fullmatch(text) for text in texts) and all(-(2**63) <= int(text) < 2**63 for text in texts):
        return np.array([int(text) for text in texts], np.int64)[places]
    if column.numbers is not None and column.first_text is None:
        counts = np.bincount(places, minlength=len(texts))
        shown: dict = {}
        for k in np.argsort(-counts, kind="stable").tolist():
            shown.setdefault(exact(texts[k]), texts[k])
        texts = [shown[exact(text)] for text in texts]
    return np.array(texts)[places]


def names_of(numbers):
    """(n,) classes of numbers whose cells were not kept: whole ones as int64, others by their shortest texts."""
    if (numbers % 1 == 0).all() and (np.abs(numbers) < 2**53).all():
        return numbers.astype(np.int64)
    return np.array([repr(value) for value in numbers.tolist()])


def exact(text):
    """The number that a cell is, exactly; the cell itself where its decimals are parted by a comma."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def choose_columns(columns, table):
    """(the columns of a table worth learning from, dates as their parts; a sentence for each one left out)"""
    used: list = []
    notes: list = []
    seen: dict = {}
    for column in columns:
        reason = useless(column, table)
        twin = None if reason else seen.setdefault(contents(column), column.name)
        if twin not in (None, column.name):
            reason = f"the same as {twin!r} in every row"
        if reason is None:
            used += [part for part in in_parts(column) if column.kind != "date" or useless(part, table) is None]
        else:
            notes.append(f"left out: {column.name!r}, {reason}")
    if len(notes) > SAID:
        notes = [*notes[: SAID - 1], f"left out: {len(notes) - SAID + 1} more columns, for the like"]
    return used, notes


def contents(column):
    """What two columns share that hold the same cells."""
    return column.values.tobytes(), None if column.texts is None else tuple(column.texts)


def in_parts(column):
    """A column of dates as columns of numbers, any other as it is."""
    if column.kind != "date":
        return [column]
    found = dates.parts(column.values, column.form)
    return [Column(f"{column.name} ({name})", x, None, kind="part", source=column.name) for name, x in found.items()]


def useless(column, table):
    """Why a column says nothing about other rows, or None."""
    known = column.values[~np.isnan(column.values)]
    different = len(np.unique(known))
    if different == 0:
        return "missing in every row"
    if different == 1 and len(known) == len(column.values):
        return "the same in every row"
    if column.texts is None:
        counts = column.kind == "number" and counts_rows(column.values, table.rows, table.total)
        return "which counts the rows" if counts else identifier(column, known, different)
    if different > MANY_TEXTS and 2 * different > len(known):
        row, cell = column.first_text
        return f"{different} different texts in {len(known)} rows (the first that is no number: {cell!r} in row {row})"
    return None


def identifier(column, known, different):
    """Whether numbers that are different in every row bear the name of an identifier."""
    if column.kind == "number" and len(known) >= SHUFFLED and different == len(known) and not (known % 1).any():
        return "an identifier: different in every row" if IDENTIFIER.search(column.name) else None
    return None


def counts_rows(values, rows=None, total=0):
    """Whether numbers count up or down by one, or are such a count shuffled, of too many rows to be an accident.

    rows: which of the `total` rows they stand in, where these were drawn; the ends of a shuffled count may be missing
    """
    if len(values) < 3 or np.isnan(values).any():
        return False
    steps, expected = np.diff(values), 1 if rows is None else np.diff(rows)
    if (steps == expected).all() or (steps == -expected).all():
        return True
    if len(values) < SHUFFLED or (values % 1).any():
        return False
    span = values.max() - values.min() + 1
    wide = span == len(values) if rows is None else SPANNED * total <= span <= total
    return bool(wide and len(np.unique(values)) == len(values))


def describe(table):
    if not table.separator:
        return f"{table.path.name}: {table.total} rows, {len(table.columns)} columns, {table.encoding}"
    comma = ", decimal commas" if table.decimal_comma else ""
    comma += f", thousands in groups in {some(map(repr, table.thousands))}" if table.thousands else ""
    coding = {"utf-8-sig": "UTF-8"}.get(table.encoding, table.encoding)
    rows, columns = table.total, len(table.columns)
    return f"{table.path.name}: {rows} rows, {columns} columns, separator {table.separator}{comma}, {coding}"


def missing_values(columns, table):
    counts = {c.name: int(np.isnan(c.values).sum()) for c in columns}
    counts = {name: count for name, count in counts.items() if count}
    if counts:
        of = f" in {len(table.rows)} rows that were drawn" if table.drawn else ""
        words = some(f"{name!r} {count}" for name, count in counts.items())
        yield f"missing values{of}: {sum(counts.values())} ({words})"


def text_columns(columns):
    texts = [f"{c.name!r} {len(c.texts)}" for c in columns if c.texts is not None]
    if texts:
        yield f"text columns and their different texts: {some(texts)}; a missing text counts as a text of its own"


def some(words):
    words = list(words)
    return ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")


def drawn(problem, rows):
    """`rows` of the rows, drawn at random with a fixed seed, in their order."""
    n = len(problem.y)
    keep = np.sort(np.random.default_rng(0).permutation(n)[:rows])
    groups, when = (None if each is None else each[keep] for each in (problem.groups, problem.when))
    return problem._replace(
        X=problem.X[keep], y=problem.y[keep], rows=problem.rows[keep], groups=groups,
        when=when,
    )  # fmt: skip


def check_target(problem, target, folds):
    values, counts = np.unique(problem.y, return_counts=True)
    if len(values) == 1:
        raise InputError(f"the target {target!r} is {values[0]!s} in all {len(problem.y)} rows drawn: pass --rows all")
    if problem.task == CLASSIFICATION and counts.max() < folds:
        raise InputError(
            f"the target {target!r} has {len(values)} different values in {len(problem.y)} rows, none {folds} times, "
            f"as many as there are folds: name another column, or pass --task regression if it is a number"
        )
    if problem.task == CLASSIFICATION and counts.min() < folds:
        rare = some(f"{value!s} ({count})" for value, count in zip(values, counts, strict=True) if count < folds)
        problem.notes.append(f"rare classes, not in every fold: {rare}")


def prepare(kind, problem, train, test):
    """(X_train, X_test) as models with input `kind` are given them; whatever is estimated comes from the train rows."""
    encoder = estimate(kind, problem.X[train], problem.texts, problem.reduce)
    return encoder.apply(problem.X[train]), encoder.apply(problem.X[test])


def strongest(problem):
    """The columns of numbers, that first which by itself tells most of the target (F test)."""
    from sklearn.feature_selection import f_classif, f_regression

    numbers = [i for i in range(problem.X.shape[1]) if i not in problem.texts]
    if not numbers:
        return []
    filled = estimate("filled", problem.X[:, numbers], {}).apply(problem.X[:, numbers])
    test = f_classif if problem.task == CLASSIFICATION else f_regression
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant column has no F
        strength = np.nan_to_num(test(filled, problem.y)[0], posinf=np.finfo(float).max)
    return [numbers[i] for i in np.argsort(-strength, kind="stable")]
