"""scikit-learn's own tests, with fastml's names in the place of its own: python tests/dropin [--record] [families].

The test modules that scikit-learn's wheel ships run with fastml's classes and functions (swapping.py) for all code
outside scikit-learn's insides. A test counts if it ran fastml's code; one that fails on scikit-learn alone, too, does
not. imblearn and mlxtend are the tests of packages that stand on scikit-learn, under fastml.accel. They run where these
are installed with their tests: mlxtend's stand in its repository, whose folder PYTHONPATH must name. known.txt
lists the differences that are known, a line each, `id  # kind: reason`, with one of these kinds:

    private   the test looks at a name that scikit-learn does not document, or at how its code works inside
    words     the same refusal or warning, in other words
    choice    a difference that the documentation states
    gap       what fastml should do as scikit-learn does, and does not yet

A failure that is not listed fails the run, and so does a listed test that passes. `--record` adds new failures as gaps,
takes out what passes, and writes the pages of the documentation that tell of them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import sklearn
from known import KINDS, family_of, read_known, read_shares, write_known, write_page, write_shares

import fastml

HERE = Path(__file__).resolve().parent
VERSION = "1.9.1"  # of scikit-learn, whose tests known.txt is about
FAMILIES = {
    "tree": ["sklearn.tree.tests"],
    "neighbors": ["sklearn.neighbors.tests"],
    "linear_model": ["sklearn.linear_model.tests"],
    "svm": ["sklearn.svm.tests"],
    "naive_bayes": ["sklearn.tests.test_naive_bayes"],
    "neural_network": ["sklearn.neural_network.tests"],
    "model_selection": ["sklearn.model_selection.tests"],
    "metrics": ["sklearn.metrics.tests"],
    "feature_extraction": ["sklearn.feature_extraction.tests"],
    "preprocessing": ["sklearn.preprocessing.tests"],
    "impute": ["sklearn.impute.tests"],
    "decomposition": ["sklearn.decomposition.tests"],
    "discriminant_analysis": ["sklearn.tests.test_discriminant_analysis"],
    "feature_selection": ["sklearn.feature_selection.tests"],
    "compose": ["sklearn.compose.tests"],
    "pipeline": ["sklearn.tests.test_pipeline"],
    "elsewhere": [f"sklearn.tests.test_{name}" for name in ("base", "calibration", "multiclass", "multioutput")],
}
OF_ALL = ["sklearn.tests.test_common", "sklearn.tests.test_public_functions"]  # every family runs its part of them
OTHERS = {"imblearn": ["imblearn"], "mlxtend": ["mlxtend"]}  # packages that stand on scikit-learn
SEED = "42"


class Outcome(NamedTuple):
    """How one test ended."""

    state: str  # "passed", "failed", "skipped", "xfailed"
    reached: bool  # whether it ran fastml's code
    error: str


def main():
    options = parse()
    if options.page:
        write_page()
        return 0
    if sklearn.__version__ != VERSION:
        print(f"known.txt is about scikit-learn {VERSION}, and {sklearn.__version__} is installed: expect differences")
    known, measured, wrong = read_known(), {}, []
    for family in options.families or [*FAMILIES, *OTHERS]:
        if family in OTHERS and not any(folder_of(family).rglob("test_*.py")):
            print(f"{family}: not installed, or without its tests, and not run")
            continue
        if family in OTHERS:
            outcomes = run(OTHERS[family], family, "accel")
        else:
            outcomes = run([*FAMILIES[family], *OF_ALL], family, "swap")
        new, back = compared(outcomes, known, family)
        if options.record:
            known |= {test: ("gap", short(outcomes[test].error)) for test in new}
            known = {test: why for test, why in known.items() if test not in back}
            write_known(known)
        else:
            wrong += [f"new: {test}\n     {outcomes[test].error}" for test in sorted(new)]
            wrong += [f"passes, so it must leave known.txt: {test}" for test in sorted(back)]
            wrong += [] if outcomes else [f"{family}: no test ran"]
        passed = sum(outcome.state == "passed" for outcome in outcomes.values())
        failed = sum(outcomes[test].state == "failed" for test in {*known, *new} & outcomes.keys())
        measured[family] = passed + failed, passed
    if options.record:
        write_shares({**read_shares(), **measured})
        write_page()
    show(measured, known)
    print("\n".join(wrong))
    return 1 if wrong else 0


def compared(outcomes, known, family):
    """(failures that are not known and pass on scikit-learn alone, known ones that pass)."""
    failed = {test for test, outcome in outcomes.items() if outcome.state == "failed"}
    new = sorted(failed - known.keys())
    alone = {of_any_order(test): outcome for test, outcome in run(new, family, "alone").items()} if new else {}
    new = {test for test in new if (found := alone.get(of_any_order(test))) and found.state == "passed"}
    return new, {test for test in known if test in outcomes} - failed


def of_any_order(test):
    """The id of a test whatever the order of its parameters, which follows from what runs beside it."""
    name, _, parameters = test.partition("[")
    return name, *sorted(parameters.removesuffix("]").split("-"))


def parse():
    parser = argparse.ArgumentParser(prog="tests/dropin", description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="*", metavar="family", help=f"default all: {', '.join([*FAMILIES, *OTHERS])}")
    parser.add_argument("--record", action="store_true", help="write what is new into known.txt")
    parser.add_argument("--page", action="store_true", help="only write the documentation's pages anew")
    options = parser.parse_args()
    if strange := set(options.families) - {*FAMILIES, *OTHERS}:
        parser.error(f"no families: {', '.join(strange)}")
    return options


def run(tests, family, how):
    """{test: Outcome} of test modules, or of single tests; of those of all estimators, the family's.

    how: "swap" for fastml's names, "accel" for fastml.accel, "alone" for scikit-learn
    """
    root = folder_of(family if family in OTHERS else "sklearn").parent
    paths = [str(HERE), str(Path(fastml.__path__[0]).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "outcomes")
        out.touch()
        environment = {
            **os.environ,
            "DROPIN_OUT": str(out),
            "DROPIN_SWAP": how,
            "DROPIN_FAMILY": family,
            "PYTHONPATH": os.pathsep.join(paths),
            "SKLEARN_TESTS_GLOBAL_RANDOM_SEED": SEED,
            "MPLBACKEND": "Agg",
        }
        environment.pop("PYTHONSAFEPATH", None)
        single = bool(tests) and "::" in tests[0]
        functions = sorted({str(root / test.partition("[")[0]) for test in tests})  # sets of parameters may differ
        names = functions if single else ["--pyargs", *tests]
        options = ["-p", "swapping", "-p", "no:cacheprovider", "-q", "--tb=no", "-W", "ignore", "-c", os.devnull]
        options += ["--continue-on-collection-errors"]  # a module of theirs may not load with these versions
        command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(root), *names]
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        if not lines:
            print(done.stdout[-3000:])
    found = {}
    for line in lines:
        if line["reached"] or how == "alone":
            found[line["id"]] = Outcome(line["state"], line["reached"], line["error"])
    return found


def folder_of(package):
    """Where a package lies; a folder that is not there where it is not installed."""
    found = find_spec(package)
    return Path(found.origin).parent if found and found.origin else HERE / "nowhere"


def short(error):
    return " ".join(error.split())[:100] or "fails"


def show(measured, known):
    print(f"{'':18} {'tests':>6} {'passed':>7} {'share':>7}  " + " ".join(f"{kind:>7}" for kind in KINDS))
    for family, (ran, passed) in measured.items():
        found = [kind for test, (kind, _) in known.items() if family_of(test) == family]
        counts = [found.count(kind) for kind in KINDS]
        tests = ran - counts[-1]  # without those of private names
        cells = " ".join(f"{count:>7}" for count in counts)
        print(f"{family:18} {tests:>6} {passed:>7} {100 * passed / max(tests, 1):>6.1f}%  {cells}")


if __name__ == "__main__":
    sys.exit(main())
