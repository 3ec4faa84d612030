"""`fastml compare FILE.csv --target COLUMN`: every model beside scikit-learn's on a table of the user's own."""

import shlex
import time

from fastml.cli import ROWS
from fastml.cli.judging import ranked
from fastml.cli.output import check_output
from fastml.cli.problem import from_table, wants_labels
from fastml.cli.race import AIM, KEPT, Race
from fastml.cli.report import write_report
from fastml.cli.results import race_and_show, usual
from fastml.cli.tables import read_table
from fastml.cli.terminal import Progress

__all__ = ["run"]


def run(arguments):
    check_output(arguments.report, arguments.file)
    progress, started = Progress(), time.monotonic()
    try:
        table = read_table(
            arguments.file, arguments.separator, arguments.encoding, arguments.missing, progress,
            as_text=wants_labels(arguments.target, arguments.task), rows=arguments.rows,
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
    race = Race([problem], arguments.folds, progress, tune=arguments.tune, end=end, aim=started + KEPT * AIM)
    code = race_and_show(race)
    write_report(race, f"{arguments.target} in {table.path.name}", arguments.report, repeat(race, arguments))
    return code


USUAL = {"task": "auto", "folds": 5, "rows": ROWS, "drop": [], "tune": False}  # what need not be said


def repeat(race, arguments):
    """(the commands, the lines of Python) that find the same again, and use the best."""
    python = [repr(arguments.file), f"target={arguments.target!r}"]
    table = [shlex.quote(str(arguments.file)), f"--target {shlex.quote(arguments.target)}"]
    reading = [*options(arguments, ("separator", "encoding", "missing"))]
    told = [*options(arguments, ("task", "folds", "rows", "group", "time", "drop", "reduce", "tune", "budget"))]
    python += [f"{name}={value!r}" for name, value in (*told, *reading)]
    command = " ".join(["fastml compare", *table, *map(flag, reading), *map(flag, told)])
    best = ranked([entry for entry in race.of(race.problems[0]) if entry.complete])
    if best:
        of_model = [*map(flag, reading), *(flag(pair) for pair in told if pair[0] in ("task", "reduce"))]
        chosen = [f"--set {shlex.quote(f'{name}={value}')}" for name, value in usual(best[0].chosen).items()]
        named = f"--model {shlex.quote(best[0].title)}"
        command += "\n" + " ".join(["fastml train", *table, *of_model, named, *chosen, "-o model.fml"])
        command += "\nfastml predict model.fml new.csv -o answers.csv"
    call = f"fastml.compare({', '.join(python)})"
    lines = ["import fastml", "", f"found = {call}", "found.best_.predict(new)  # a table like this one"]
    return command, "\n".join(lines)


def options(arguments, names):
    """(name, value) of each option that is not as usual."""
    for name in names:
        value = getattr(arguments, name, None)
        if value != USUAL.get(name) or (name == "rows" and value is None):
            yield name, value


def flag(pair):
    """An option as it is given to a command."""
    name, value = pair
    if value is True:
        return f"--{name}"
    if name == "rows" and value is None:
        return "--rows all"
    return " ".join(f"--{name} {shlex.quote(str(each))}" for each in (value if isinstance(value, list) else [value]))
