"""`fastml train FILE.csv --target COLUMN --model NAME -o MODEL.fml`: one model, fitted on a table, in a file."""

import ast
import time
from pathlib import Path

from fastml.cli import folders
from fastml.cli.encoder import INPUTS, estimate
from fastml.cli.models import MODELS, load
from fastml.cli.numbers import COMMA, POINT
from fastml.cli.output import check_output
from fastml.cli.problem import from_table, wants_labels
from fastml.cli.tables import did_you_mean, read_table
from fastml.cli.terminal import InputError, Progress, duration

__all__ = ["run"]

CELL = (
    130  # bytes that a cell takes while a table becomes numbers and a model: several times 8, and texts that stand once
)
BASE = 340 * 10**6  # bytes that Python and the libraries take


def run(arguments):
    from fastml import persistence

    if Path(arguments.file).is_dir():
        return folders.train(arguments)
    progress = Progress()
    try:
        check_output(arguments.output, arguments.file)
        table = read_table(
            arguments.file, arguments.separator, arguments.encoding, arguments.missing, progress,
            as_text=wants_labels(arguments.target, arguments.task), rows=most_rows(arguments),
        )  # fmt: skip
        problem = from_table(
            table, arguments.target, arguments.task, arguments.rows, folds=1, reduce=arguments.reduce,
            more_rows=" (--rows and --memory say how many)",
        )  # fmt: skip
        row = find_model(arguments.model, problem.task)
        progress(f"fitting {row.title}")
        started = time.perf_counter()
        encoder = estimate(row.input, problem.X, problem.texts, problem.reduce)
        X = encoder.apply(problem.X)
        model = fit(load(row)[0], row.settings | settings(arguments.settings), X, problem.y)
        seconds = time.perf_counter() - started
        try_out(model, X)
    finally:
        progress.clear()
    about = {
        "target": arguments.target,
        "task": problem.task,
        "columns": problem.names,
        "kinds": problem.kinds,
        "missing": arguments.missing,
        "decimals": COMMA if table.decimal_comma else POINT,
        "encoder": encoder._asdict(),
    }
    try:
        persistence.save(model, arguments.output, about)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{arguments.output!r} cannot be written: {error}") from None
    print("\n".join(problem.notes))
    print(f"input of {row.title}: {INPUTS[row.input]}")
    print(f"{row.title}, fitted on {len(problem.y)} rows in {duration(seconds)}, written to {arguments.output}")
    return 0


def most_rows(arguments):
    """What `read_table` asks: how many rows are wanted, of a number of columns; None for all."""
    if arguments.dask is not None:
        raise InputError("--dask is for a folder of tables, which is read in parts: this is one file")
    if arguments.memory is None:
        return arguments.rows
    room = folders.memory_of(arguments.memory) - BASE
    if room < BASE // 4:
        raise InputError(f"--memory {arguments.memory} is too little: Python and its libraries take {BASE // 10**6} MB")

    def most(columns):
        rows = room // (columns * CELL) + 1
        return rows if arguments.rows is None else min(rows, arguments.rows)

    return most


def find_model(name, task):
    """The row of MODELS for a task by its name, in any case."""
    rows = [row for row in MODELS if row.task == task]
    row = next((row for row in rows if row.title.casefold() == name.casefold()), None)
    if row is None:
        titles = [row.title for row in rows]
        others = f": {', '.join(titles)}" if titles else ""
        raise InputError(f"there is no model {name!r} for {task}{did_you_mean(name, titles) or others}")
    return row


def settings(texts):
    """{"n_neighbors": 9} of ["n_neighbors=9"]; a value is a Python literal, or a text as it stands."""
    chosen = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set {text!r} must be NAME=VALUE, such as --set n_neighbors=9")
        try:
            chosen[name] = ast.literal_eval(value)
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):  # all that it raises on texts
            chosen[name] = value
    return chosen


def fit(cls, chosen, X, y, behind=None):
    """The fitted model; behind(model) is what it is fitted in."""
    known = list(cls().get_params())
    for name in chosen:
        if name not in known:
            cure = did_you_mean(name, known) or f"; it has {', '.join(known)}"
            raise InputError(f"{cls.__name__} has no setting {name!r}{cure}")
    try:
        model = cls(**chosen)
        return (model if behind is None else behind(model)).fit(X, y)
    except MemoryError:
        told = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
        raise InputError(f"{cls.__name__} cannot be fitted: it needs more memory than there is, with {told}") from None
    except Exception as error:  # whatever a setting brings about is the user's to read, in a sentence
        raise InputError(f"{cls.__name__} cannot be fitted: {error or type(error).__name__}") from None


def try_out(model, X):
    """One prediction, before the model is written: one that cannot answer is of no use in a file."""
    try:
        model.predict(X[:1])
    except Exception as error:
        name = type(model).__name__
        raise InputError(f"{name} was fitted, but cannot predict, and is not written: {error}") from None
