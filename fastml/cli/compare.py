"""`fastml compare FILE.csv --target COLUMN`: every model beside scikit-learn's on a table of the user's own."""

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
    progress = Progress()
    try:
        table = read_table(
            arguments.file, arguments.separator, arguments.encoding, arguments.missing, progress,
            as_text=wants_labels(arguments.target, arguments.task),
        )  # fmt: skip
        problem = from_table(table, arguments.target, arguments.task, arguments.rows, arguments.folds)
    finally:
        progress.clear()
    for note in problem.notes:
        print(note)
    print(flush=True)
    race = Race([problem], arguments.folds, progress, tune=arguments.tune)
    code = race_and_show(race)
    write_report(race, f"{arguments.target} in {table.path.name}", arguments.report)
    return code
