"""`fastml compare FILE.csv --target COLUMN`: every model beside scikit-learn's on a table of the user's own."""

from fastml.cli.problem import from_table
from fastml.cli.race import Race
from fastml.cli.results import race_and_show
from fastml.cli.tables import read_table
from fastml.cli.terminal import Progress

__all__ = ["run"]


def run(arguments):
    progress = Progress()
    try:
        table = read_table(arguments.file, arguments.separator, arguments.encoding, arguments.missing, progress)
        problem = from_table(table, arguments.target, arguments.task, arguments.rows, arguments.folds)
    finally:
        progress.clear()
    for note in problem.notes:
        print(note)
    print(flush=True)
    return race_and_show(Race([problem], arguments.folds, progress))
