"""`fastml predict MODEL.fml FILE.csv`: what a trained model says about each row of a table."""

import csv
import io
import os
import sys
from pathlib import Path

import numpy as np

from fastml.cli.encoder import UNKNOWN, Encoder
from fastml.cli.numbers import POINT
from fastml.cli.output import check_output, write_text
from fastml.cli.tables import near, read_table
from fastml.cli.terminal import InputError, Progress

__all__ = ["run"]


def run(arguments):
    check_output(arguments.output, arguments.model, arguments.file)
    model, about = read_model(arguments.model)
    encoder = Encoder(**about["encoder"])
    texts = {about["columns"][place] for place in encoder.texts}
    progress = Progress()
    try:
        table = read_table(
            arguments.file, arguments.separator, arguments.encoding, about["missing"], progress,
            as_text=lambda name, numbers: name in texts, trained=about.get("decimals", POINT),
        )  # fmt: skip
        X = place_columns(table, about["columns"], encoder.texts)
        progress("predicting")
        predicted = answers(model, encoder, X)
    finally:
        progress.clear()
    for column in table.columns:
        if column.name not in about["columns"]:
            print(f"not used: column {column.name!r}", file=sys.stderr)
    write(predicted, about["target"], arguments.output)
    return 0


def answers(model, encoder, X):
    """(n,) what the model says of each row; of no rows it need not be asked."""
    if not len(X):
        return np.empty(0)
    try:
        return model.predict(encoder.apply(X))
    except Exception as error:  # of a table that could be read
        raise InputError(f"{type(model).__name__} cannot predict these rows: {error}") from None


def read_model(path):
    """(model, what `fastml train` kept with it)"""
    from fastml import persistence

    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise InputError(f"{path!r} is no file, but a folder, a pipe or a device: name what `fastml train` wrote")
        saved = persistence.read(path)
    except FileNotFoundError:
        folder = Path(path).parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise InputError(f"there is no file {path!r}{near(Path(path).name, names)}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, persistence.ModelFileError):
            raise InputError(str(error)) from None
        raise InputError(f"{path!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except persistence.ModelFileError as error:
        raise InputError(str(error)) from None
    if not isinstance(saved.about, dict) or not {"columns", "encoder", "missing", "target"} <= set(saved.about):
        raise InputError(f"{path!r} was saved in Python, without a table's columns: use fastml.load there")
    return saved.model, saved.about


def place_columns(table, names, texts):
    """(n, d) float64: the columns the model was trained on, texts as their places among the texts of that time."""
    found = {column.name: column for column in table.columns}
    for name in names:
        if name not in found:
            raise InputError(
                f"{str(table.path)!r} has no column {name!r}, which the model was trained on{near(name, list(found))}"
            )
    columns = [found[name] for name in names]
    for i, column in enumerate(columns):
        if i not in texts and column.texts is not None:
            row, cell = column.first_text
            raise InputError(
                f"column {column.name!r} holds {cell!r} in row {row}: the model was trained on numbers there"
            )
    return np.column_stack([old_places(c, texts[i]) if i in texts else c.values for i, c in enumerate(columns)])


def old_places(column, texts):
    """The cells of a column of texts as places in `texts`; NaN where missing, UNKNOWN where new."""
    place = {text: float(i) for i, text in enumerate(texts)}
    now = np.array([*(place.get(text, UNKNOWN) for text in column.texts), np.nan])
    return now[np.where(np.isnan(column.values), len(now) - 1, column.values).astype(np.int64)]


def write(predicted, target, output):
    """One column under the target's name, a line for each row; to a file in UTF-8."""
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([[target], *([value] for value in predicted.tolist())])
    if output is not None:
        write_text(output, lines.getvalue())
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        lines.getvalue().encode(encoding)
    except UnicodeEncodeError as error:
        bad = error.object[error.start]
        raise InputError(f"standard output, in {encoding}, cannot hold {bad!r}: write to a file with -o") from None
    sys.stdout.write(lines.getvalue())
