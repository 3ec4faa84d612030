"""`fastml demo`: every model beside scikit-learn's on the real data sets that come with it."""

from fastml.cli.output import check_output
from fastml.cli.problem import bundled
from fastml.cli.race import Race
from fastml.cli.report import write_report
from fastml.cli.results import race_and_show
from fastml.cli.terminal import Progress

__all__ = ["run"]


def run(arguments):
    check_output(arguments.report)
    problems = list(bundled())
    print("fastml beside scikit-learn, with the same settings and defaults, on:")
    for p in problems:
        kind = f"{len(set(p.y))} classes" if p.task == "classification" else "a number to predict"
        print(f"  {p.name}: {len(p.y)} rows, {len(p.names)} columns, {kind}")
    print(flush=True)
    race = Race(problems, arguments.folds, Progress(), tune=arguments.tune)
    code = race_and_show(race)
    write_report(race, "fastml beside scikit-learn", arguments.report)
    return code
