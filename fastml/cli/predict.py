"""`fastml predict MODEL.fml FILE.csv`: what a trained model says about each row of a table."""

import csv
import io
import os
import sys
from pathlib import Path

import numpy as np

from fastml.cli import folders
from fastml.cli.encoder import UNKNOWN, saved_encoder
from fastml.cli.numbers import POINT
from fastml.cli.output import check_output, write_text
from fastml.cli.problem import in_parts
from fastml.cli.tables import did_you_mean, read_table
from fastml.cli.terminal import InputError, Progress

__all__ = ["run"]


def run(arguments):
    check_output(arguments.output, arguments.model, arguments.file)
    model, about = read_model(arguments.model)
    if about["encoder"] is None or Path(arguments.file).is_dir():
        return folders.predict(model, about, arguments)
    for option in ("memory", "dask"):
        if getattr(arguments, option) is not None:
            raise InputError(f"--{option} is for a folder of tables, which is read in parts: this is one file")
    encoder = saved_encoder(about["encoder"])
    texts = {about["columns"][place] for place in encoder.texts}
    plain = {name: ["text" if name in texts else "number", None] for name in about["columns"]}
    kinds = about.get("kinds") or plain  # models of earlier versions know numbers and texts
    progress = Progress()
    try:
        table = read_table(
            arguments.file, arguments.separator, arguments.encoding, about["missing"], progress,
            as_text=lambda name, numbers: name in texts, trained=about.get("decimals", POINT), kinds=kinds,
        )  # fmt: skip
        check_columns(table, kinds)
        X = place_columns(table, about["columns"], encoder.texts)
        progress("predicting")
        predicted = answers(model, encoder, X)
    finally:
        progress.clear()
    for column in table.columns:
        if column.name not in kinds:
            print(f"not used: column {column.name!r}", file=sys.stderr)
    for sentence in unseen(table, about["columns"], encoder.texts):
        print(sentence, file=sys.stderr)
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
        raise InputError(f"there is no file {path!r}{did_you_mean(Path(path).name, names)}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, persistence.ModelFileError):
            raise InputError(str(error)) from None
        raise InputError(f"{path!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except persistence.ModelFileError as error:
        raise InputError(str(error)) from None
    if not isinstance(saved.about, dict) or not {"columns", "encoder", "missing", "target"} <= set(saved.about):
        raise InputError(f"{path!r} was saved in Python, without a table's columns: use fastml.load there")
    return saved.model, saved.about


def check_columns(table, kinds):
    """Refuse a table that lacks a column the model was trained on, or holds other things there."""
    found = {column.name: column for column in table.columns}
    for name, (kind, form) in kinds.items():
        if name not in found:
            others = [other for other in found if other not in kinds]
            raise InputError(
                f"{str(table.path)!r} has no column {name!r}, which the model was trained on"
                f"{did_you_mean(name, others)}"
            )
        column = found[name]
        if kind != "text" and (column.texts is not None or kind != column.kind):
            words = {"date": "dates or times", "truth": " and ".join(form or ())}.get(kind, "numbers")
            row, cell = column.first_text or first_known(column)
            if row is None or (
                kind == "truth" and column.texts is None and set(np.unique(column.values)) <= {0.0, 1.0}
            ):
                continue  # missing in every row, or truth values written as 0 and 1
            raise InputError(f"column {name!r} holds {cell!r} in row {row}: the model was trained on {words} there")


def first_known(column):
    """(row, value) of the first number of a column; (None, None) where all are missing."""
    known = np.flatnonzero(~np.isnan(column.values))
    return (int(known[0]) + 1, f"{column.values[known[0]]:g}") if len(known) else (None, None)


def place_columns(table, names, texts):
    """(n, d) float64: the columns the model was trained on, texts as their places among the texts of that time."""
    found = {part.name: part for column in table.columns for part in in_parts(column)}
    nothing = np.full(len(table.columns[0].values), np.nan)  # a part of a date that is missing in every row
    return np.column_stack(
        [
            old_places(found[name], texts[i]) if i in texts else found[name].values if name in found else nothing
            for i, name in enumerate(names)
        ]
    )


def unseen(table, names, texts):
    """A sentence for each column that holds texts which the training table does not have."""
    columns = {column.name: column for column in table.columns}
    for place, known in texts.items():
        new = sorted(set(columns[names[place]].texts or ()) - set(known))
        if new:
            some = ", ".join(map(repr, new[:3])) + (", …" if len(new) > 3 else "")
            count = f"{len(new)} text{'s' * (len(new) > 1)} that the training table does not have"
            yield f"column {names[place]!r} holds {count}: {some}"


def old_places(column, texts):
    """The cells of a column of texts as places in `texts`; NaN where missing, UNKNOWN where new."""
    place = {text: float(i) for i, text in enumerate(texts)}
    now = np.array([*(place.get(text, UNKNOWN) for text in column.texts or ()), np.nan])
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
