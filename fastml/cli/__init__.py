"""The command `fastml`: its arguments, its exit codes, and how it ends when it cannot go on.

0  done          1  done, but something went wrong and is named in the output
2  the command or its input is not usable: one sentence on the error stream
130  Ctrl-C: what was done by then has been shown
"""

import argparse
import contextlib
import importlib
import os
import sys

from fastml import __version__
from fastml.cli.terminal import InputError, readable_anywhere

__all__ = ["main"]

# Rows of a table that `compare` uses unless told otherwise: every model of both libraries then ends within a minute.
ROWS = 20_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    with streams():
        readable_anywhere(sys.stdout)
        readable_anywhere(sys.stderr)
        try:
            chosen = parser().parse_args(arguments)
        except SystemExit:
            with_all_written()
            raise
        return run(chosen)


def with_all_written():
    """What argparse has shown reaches standard output now, or nothing is tried again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        write_nowhere()


@contextlib.contextmanager
def streams():
    """Where a program has no console, as under pythonw, what would be shown goes nowhere."""
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as opened:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:
                setattr(sys, name, opened.enter_context(open(os.devnull, "w", encoding="utf-8")))
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def run(chosen):
    try:
        # Commands load on use, and inside the `try`: Ctrl-C may come while NumPy is being imported.
        code = importlib.import_module(f"fastml.cli.{chosen.command}").run(chosen)
        sys.stdout.flush()
        return code
    except InputError as error:
        return ended(chosen, str(error), 2)
    except KeyboardInterrupt:
        return ended(chosen, "stopped by Ctrl-C", 130)
    except BrokenPipeError:  # `fastml info | head`: the reader has seen enough
        write_nowhere()
        return 0
    except MemoryError:
        return ended(chosen, "there is not enough memory for this table: give fewer rows or columns", 2)
    except OSError as error:  # such as a full disk behind standard output
        write_nowhere()
        return ended(chosen, f"{error.strerror or error}{f': {error.filename!r}' if error.filename else ''}", 2)
    except Exception as error:
        if os.environ.get("FASTML_TRACEBACK"):
            raise
        words = " ".join(str(error).split())
        told = f"{type(error).__name__}: {words}; this should not happen, FASTML_TRACEBACK=1 shows where it did"
        return ended(chosen, told, 2)


def ended(chosen, why, code):
    """Say why on the error stream, if there still is one; the exit code."""
    with contextlib.suppress(OSError, ValueError):
        print(f"fastml {chosen.command}: {why}", file=sys.stderr, flush=True)
    return code


def write_nowhere():
    """Let nothing fail again when the interpreter flushes standard output at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser():
    """The arguments of every command."""
    top = argparse.ArgumentParser(prog="fastml", description="Classical machine learning over compiled kernels.")
    top.add_argument("--version", action="version", version=f"fastml {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    add_race(commands.add_parser("demo", help="every model beside scikit-learn's, on four real data sets"))
    add_compare(commands.add_parser("compare", help="every model beside scikit-learn's, on a table of your own"))
    add_train(commands.add_parser("train", help="fit one model on a table of your own and keep it in a file"))
    add_predict(commands.add_parser("predict", help="what a trained model says about the rows of another table"))
    commands.add_parser("info", help="versions, threads, instruction set, caches, and whose each name is")
    commands.add_parser("verify", help="every kernel against its definition, on this machine")
    commands.add_parser("warmup", help="compile every kernel once, so that no later call waits")
    return top


def add_compare(compare):
    add_table(compare)
    rows = f"rows to use, drawn at random where the file has more, or 'all' (default {ROWS})"
    compare.add_argument("--rows", type=rows_or_all, default=ROWS, metavar="N", help=rows)
    group = "rows with the same value here stay in one fold: patients, shops, sessions"
    compare.add_argument("--group", metavar="COLUMN", help=group)
    when = (
        "the past is learnt from and the future judged: each fold is tested on rows later here than all it learnt from"
    )
    compare.add_argument("--time", metavar="COLUMN", help=when)
    compare.add_argument(
        "--drop", action="append", metavar="COLUMN", default=[], help="not to learn from; may be repeated"
    )
    budget = "the time for all of it, such as 60s or 2m: what would not fit is left out, and named"
    compare.add_argument("--budget", type=seconds, metavar="TIME", help=budget)
    add_reduce(compare)
    add_race(compare)


def add_train(train):
    add_table(train)
    train.add_argument("--model", required=True, metavar="NAME", help="a model that `fastml compare` shows")
    settings = "a setting of the model, such as n_neighbors=9; may be repeated"
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings", help=settings)
    rows = "rows to learn from, drawn at random where the file has more (default: all)"
    train.add_argument("--rows", type=rows_or_all, metavar="N", help=rows)
    add_reduce(train)
    add_memory(
        train,
        "how much memory to take, such as 4GiB: a folder is read in parts, of a file as many rows as fit are drawn",
    )
    train.add_argument("-o", "--output", required=True, metavar="MODEL.fml", help="the file to write")


def add_predict(predict):
    predict.add_argument("model", metavar="MODEL.fml", help="what `fastml train` wrote")
    add_file(predict)
    add_memory(predict, "how much memory a folder of tables may take while it is read in parts, such as 4GiB")
    predict.add_argument("-o", "--output", metavar="OUT.csv", help="where to write (default: to standard output)")


def add_memory(command, memory):
    command.add_argument("--memory", metavar="SIZE", help=memory)
    dask = "the scheduler of a Dask cluster, such as tcp://host:8786, whose workers see the folder and read it"
    command.add_argument("--dask", metavar="ADDRESS", help=dask)


def add_table(command):
    """A table and what is to be learnt from it."""
    add_file(command)
    command.add_argument("--target", required=True, metavar="COLUMN", help="name of the column to predict")
    tasks = ["auto", "classification", "regression"]
    command.add_argument("--task", choices=tasks, default="auto", help="default: recognised by the target")
    missing = "a cell that means 'missing', instead of the usual ones; may be repeated"
    command.add_argument("--missing", action="append", metavar="TEXT", help=missing)


def add_reduce(command):
    reduce = "combine columns: models are given the principal components that hold 95 %% of the variance"
    command.add_argument("--reduce", choices=["pca"], help=reduce)


def add_file(command):
    """A table, and how it is to be read where its own look is not enough."""
    command.add_argument("file", metavar="FILE.csv", help="text table with a header; may be packed with gzip")
    separator = "what stands between cells, 'tab' for a tab; default: recognised"
    command.add_argument("--separator", metavar="C", help=separator)
    command.add_argument("--encoding", metavar="NAME", help="of the text, such as cp1252 (default: UTF-8)")


def add_race(command):
    command.add_argument("--folds", type=folds, default=5, metavar="N", help="of the cross-validation (default 5)")
    tune = "choose each model's main parameters by a search within the training rows; scikit-learn's takes its time"
    command.add_argument("--tune", action="store_true", help=tune)
    report = "the page to write (default fastml-report.html)"
    command.add_argument("--report", default="fastml-report.html", metavar="FILE.html", help=report)
    command.add_argument("--no-report", dest="report", action="store_const", const=None, help="write no page")


def folds(text):
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 2")
    return int(text)


def seconds(text):
    """60 of "60", "60s" or "1m"."""
    factor = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 1)
    try:
        value = float(text.rstrip("smh")) * factor
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a time above zero, such as 60s or 2m")
    return value


def rows_or_all(text):
    """None for all."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} must be 'all' or a whole number of at least 2")
    return int(text)
