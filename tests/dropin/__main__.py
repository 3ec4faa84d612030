"""scikit-learn's own tests, with fastml's names in the place of its own: python tests/dropin [--record] [families].

The test modules that scikit-learn's wheel ships run with fastml's classes and functions (swapping.py) for all code
outside scikit-learn's insides. A test counts if it ran fastml's code; one that fails on scikit-learn alone, too, does
not. known.txt lists the differences that are known, a line each, `id  # kind: reason`, with one of these kinds:

    private   the test looks at a name that scikit-learn does not document, or at how its code works inside
    words     the same refusal or warning, in other words
    choice    a difference that the documentation states
    gap       what fastml should do as scikit-learn does, and does not yet

A failure that is not listed fails the run, and so does a listed test that passes. `--record` adds new failures as gaps
and takes out what passes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import sklearn

import fastml

HERE = Path(__file__).resolve().parent
KNOWN = HERE / "known.txt"
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
    "elsewhere": [
        f"sklearn.tests.test_{name}" for name in ("base", "calibration", "multiclass", "multioutput", "pipeline")
    ],
}
SEED = "42"


class Outcome(NamedTuple):
    """How one test ended."""

    state: str  # "passed", "failed", "skipped", "xfailed"
    reached: bool  # whether it ran fastml's code
    error: str


def main():
    options = parse()
    if sklearn.__version__ != VERSION:
        print(f"known.txt is about scikit-learn {VERSION}, and {sklearn.__version__} is installed: expect differences")
    known = read_known()
    wrong, rows = [], []
    for family in options.families or FAMILIES:
        outcomes = run(FAMILIES[family], swap=True)
        if not outcomes:
            wrong.append(f"{family}: no test ran")
            continue
        counted = {test: outcome for test, outcome in outcomes.items() if outcome.state in ("passed", "failed")}
        failed = {test for test, outcome in counted.items() if outcome.state == "failed"}
        new = failed - known.keys()
        new &= (
            {test for test, outcome in run(sorted(new), swap=False).items() if outcome.state == "passed"}
            if new
            else set()
        )
        back = {test for test in known if test in outcomes} - failed
        if options.record:
            known |= {test: ("gap", short(counted[test].error)) for test in new}
            known = {test: why for test, why in known.items() if test not in back}
            write_known(known)
        else:
            wrong += [f"new: {test}\n     {counted[test].error}" for test in sorted(new)]
            wrong += [f"passes, so it must leave known.txt: {test}" for test in sorted(back)]
        rows.append(shares(family, counted, failed, new, known))
    show(rows)
    print("\n".join(wrong))
    return 1 if wrong else 0


def parse():
    parser = argparse.ArgumentParser(prog="tests/dropin", description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="*", choices=[[], *FAMILIES], help="families of scikit-learn, default all")
    parser.add_argument(
        "--record", action="store_true", help="write what is new into known.txt, to be given its reason"
    )
    return parser.parse_args()


def run(tests, swap):
    """{test: Outcome} of test modules, or of single tests."""
    root = Path(sklearn.__path__[0]).parent
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "outcomes")
        out.touch()
        environment = {
            **os.environ,
            "DROPIN_OUT": str(out),
            "DROPIN_SWAP": "1" if swap else "0",
            "PYTHONPATH": os.pathsep.join([str(HERE), str(Path(fastml.__path__[0]).parent)]),
            "SKLEARN_TESTS_GLOBAL_RANDOM_SEED": SEED,
            "MPLBACKEND": "Agg",
        }
        environment.pop("PYTHONSAFEPATH", None)
        single = bool(tests) and "::" in tests[0]
        names = [str(root / test) for test in tests] if single else ["--pyargs", *tests]
        options = ["-p", "swapping", "-p", "no:cacheprovider", "-q", "--tb=no", "-W", "ignore", "-c", os.devnull]
        command = [sys.executable, "-m", "pytest", *options, "--rootdir", str(root), *names]
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        if not lines:
            print(done.stdout[-3000:])
    found = {}
    for line in lines:
        if line["reached"] or not swap:
            found[line["id"]] = Outcome(line["state"], line["reached"], line["error"])
    return found


def read_known():
    """{test: (kind, reason)} of known.txt."""
    known = {}
    for line in KNOWN.read_text(encoding="utf-8").splitlines() if KNOWN.exists() else ():
        if line.strip() and not line.startswith("#"):
            test, _, why = line.rpartition("  # ")
            kind, _, reason = why.partition(": ")
            if kind not in ("private", "words", "choice", "gap") or not reason:
                raise SystemExit(f"known.txt: no kind and reason in {line!r}")
            known[test] = kind, reason
    return known


def write_known(known):
    head = "# Tests of scikit-learn that fail on fastml, and why: see tests/dropin/__main__.py.\n"
    lines = [f"{test}  # {kind}: {reason}\n" for test, (kind, reason) in sorted(known.items())]
    KNOWN.write_text(head + "".join(lines), encoding="utf-8")


def short(error):
    return " ".join(error.split())[:100] or "fails"


def shares(family, counted, failed, new, known):
    """(family, tests that reached fastml without those of private names, passed, failed by kind)."""
    kinds = dict.fromkeys(("private", "words", "choice", "gap"), 0)
    for test in failed & known.keys():
        kinds[known[test][0]] += 1
    kinds["gap"] += len(new - known.keys())
    passed = sum(outcome.state == "passed" for outcome in counted.values())
    total = passed + sum(kinds.values()) - kinds["private"]
    return family, total, passed, kinds


def show(rows):
    kinds = ("words", "choice", "gap", "private")
    print(f"{'':18} {'tests':>6} {'passed':>7} {'share':>7}  " + " ".join(f"{kind:>7}" for kind in kinds))
    all_of_them = (
        "all",
        *(sum(row[i] for row in rows) for i in (1, 2)),
        {k: sum(row[3][k] for row in rows) for k in kinds},
    )
    for family, total, passed, found in [*rows, all_of_them] if len(rows) > 1 else rows:
        cells = " ".join(f"{found[kind]:>7}" for kind in kinds)
        print(f"{family:18} {total:>6} {passed:>7} {100 * passed / max(total, 1):>6.1f}%  {cells}")


if __name__ == "__main__":
    sys.exit(main())
