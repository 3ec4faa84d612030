"""`fastml train FOLDER` and `fastml predict MODEL.fml FOLDER`: tables in many files, read a piece at a time."""

import contextlib
import re
import time
from pathlib import Path

from fastml.cli.models import MODELS, load
from fastml.cli.output import check_output
from fastml.cli.terminal import InputError, duration

__all__ = ["bytes_of", "memory_of", "predict", "train"]

ENDINGS = ".parquet", ".arrow", ".csv"
UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def bytes_of(text):
    """Bytes of "4GiB" or "500MB".

    >>> bytes_of("4GiB"), bytes_of("1.5 MB")
    (4294967296, 1500000)
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*([a-z]*)\s*", text.casefold())
    if found is None or found[2] not in UNITS or found[1].count(".") > 1 or found[1] == ".":
        raise ValueError(f"{text!r} must be a size such as 500MB or 4GiB")
    return int(float(found[1]) * UNITS[found[2]])


def memory_of(text):
    """The bytes of --memory; InputError where that is no size."""
    try:
        return bytes_of(text)
    except ValueError as error:
        raise InputError(f"--memory: {error}") from None


def parts_of(path, memory, **options):
    """A table in parts: a folder with files of one kind, or one such file."""
    import fastml.scale

    try:
        if memory is not None:
            options["memory"] = memory_of(memory) // 2  # the other half is what Python and the model take
        path = Path(path)
        endings = {path.suffix.lower()} if path.is_file() else {each.suffix.lower() for each in path.rglob("*.*")}
        kinds = [ending for ending in ENDINGS if ending in endings]
        if len(kinds) != 1:
            what = (
                f"files of several kinds ({', '.join(kinds)})" if kinds else f"no file ending in {', '.join(ENDINGS)}"
            )
            raise InputError(f"{str(path)!r} holds {what}: name a folder whose tables are of one kind")
        return getattr(fastml.scale, kinds[0][1:])(path, verbose=True, **options)
    except (ImportError, OSError, TypeError, ValueError) as error:
        raise InputError(str(error)) from None


@contextlib.contextmanager
def cluster(address):
    """What turns a table in parts into one that the workers at this address read; nothing to do without one."""
    if address is None:
        yield lambda parts: parts
        return
    try:
        from distributed import Client

        import fastml.dask

        client = Client(address, timeout="20s")
    except (ImportError, OSError, ValueError) as error:
        raise InputError(f"--dask {address}: {str(error) or type(error).__name__}") from None
    with client:
        yield fastml.dask.spread


def train(arguments):
    from fastml import persistence
    from fastml.cli.train import fit, settings

    check_output(arguments.output, arguments.file)
    rows = [row for row in MODELS if hasattr(load(row)[0], "_fit_parts")]
    row = next((row for row in rows if row.title.casefold() == arguments.model.casefold()), None)
    if row is None:
        able = ", ".join(sorted({row.title for row in rows}))
        raise InputError(f"{arguments.model} does not learn from a folder, which is read in parts; these do: {able}")
    if arguments.rows is not None:
        raise InputError("--rows is for one file: of a folder every row is learnt from, in parts")
    if arguments.reduce:
        raise InputError("--reduce is for one file: the columns of a folder are learnt from as they are")
    parts = parts_of(arguments.file, arguments.memory, target=arguments.target)
    with cluster(arguments.dask) as spread:
        started = time.perf_counter()
        chosen, texts = row.settings | settings(arguments.settings), texts_of(parts, load(row)[0])
        behind = encoded(texts) if texts else None
        model = fit(load(row)[0], chosen, spread_out(parts, spread), None, behind)
        seconds = time.perf_counter() - started
    about = {"target": arguments.target, "columns": parts.names, "missing": None, "encoder": None}
    try:
        persistence.save(model, arguments.output, about)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{arguments.output!r} cannot be written: {error}") from None
    names = [name for name in parts.names if name not in texts]
    what = "columns" if parts.texts and not texts else "numbers"
    print(f"input of {row.title}: {what} as they are, {', '.join(names[:20]) or 'none'}")
    if texts:
        print(f"texts, a column of 0 and 1 for each: {', '.join(texts[:20])}")
    print(f"{row.title}, fitted on {parts.n_rows} rows in {duration(seconds)}, written to {arguments.output}")
    return 0


def texts_of(parts, cls):
    """The names of the columns of texts that a class does not take as they are."""
    if not parts.texts or getattr(cls, "_text_parts", False):
        return []
    return [name for name, text in zip(parts.names, parts.texts, strict=True) if text]


def encoded(texts):
    """What puts a model behind an encoder of these columns; a text that comes later is none of those known."""
    from fastml.compose import ColumnTransformer
    from fastml.pipeline import make_pipeline
    from fastml.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer([("texts", encoder, texts)], remainder="passthrough")
    return lambda model: make_pipeline(columns, model)


def spread_out(parts, spread):
    try:
        return spread(parts)
    except ValueError as error:
        raise InputError(f"--dask: {error}") from None


def predict(model, about, arguments):
    import fastml.scale

    if about["encoder"] is not None:
        raise InputError(f"{arguments.model!r} was trained on one file: give it files of that kind, one at a time")
    output = arguments.output
    if output is None or Path(output).suffix not in (".parquet", ".npy"):
        raise InputError("predictions of a table in parts go to a file: name one with -o, ending in .parquet or .npy")
    parts = parts_of(arguments.file, arguments.memory, columns=about["columns"])
    try:
        with cluster(arguments.dask) as spread:
            rows = fastml.scale.predict(model, spread_out(parts, spread), output)
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{type(model).__name__} cannot predict these rows: {error}") from None
    print(f"{rows} rows, written to {output}")
    return 0
