"""`fastml compare FILE.csv --target COLUMN`: every model beside scikit-learn's on a table of the user's own."""

import shlex
import time

from fastml.cli import ROWS
from fastml.cli.output import check_output
from fastml.cli.problem import from_table, wants_labels
from fastml.cli.race import Race
from fastml.cli.report import write_report
from fastml.cli.results import race_and_show
from fastml.cli.tables import read_table
from fastml.cli.terminal import Progress

__all__ = ["run"]


def run(arguments):
    check_output(arguments.report, arguments.file)
    progress, started = Progress(), time.monotonic()
    try:
        table = read_table(
            arguments.file, arguments.separator, arguments.encoding, arguments.missing, progress,
            as_text=wants_labels(arguments.target, arguments.task),
        )  # fmt: skip
        problem = from_table(
            table, arguments.target, arguments.task, arguments.rows, arguments.folds, arguments.drop,
            arguments.group, arguments.time, arguments.reduce,
        )  # fmt: skip
    finally:
        progress.clear()
    for note in problem.notes:
        print(note)
    print(flush=True)
    end = None if arguments.budget is None else started + arguments.budget
    race = Race([problem], arguments.folds, progress, tune=arguments.tune, end=end)
    code = race_and_show(race)
    write_report(race, f"{arguments.target} in {table.path.name}", arguments.report, repeat(arguments))
    return code


def repeat(arguments):
    """(the command, the lines of Python) that find the same again."""
    flags = [f"--target {shlex.quote(arguments.target)}"]
    words = [repr(arguments.file), f"target={arguments.target!r}"]
    for name in ("task", "folds", "rows", "group", "time", "drop", "reduce"):
        value = getattr(arguments, name)
        if value in (None, [], "auto") or (name, value) in (("folds", 5), ("rows", ROWS)):
            continue
        flags += [f"--{name} {shlex.quote(str(each))}" for each in (value if isinstance(value, list) else [value])]
        words.append(f"{name}={value!r}")
    if arguments.rows is None:
        flags.append("--rows all")
        words.append("rows=None")
    command = f"fastml compare {shlex.quote(str(arguments.file))} {' '.join(flags)}"
    found = f"found = fastml.compare({', '.join(words)})"
    return command, f"import fastml\n\n{found}\nfound.best_.predict(new)  # a table like this one"
