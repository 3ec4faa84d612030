"""From nothing to the first answer: an empty environment, pip install, and the first fit and predict of a class.

    python benchmarks/from_nothing.py dist/fastml_learn-0.1.0-*.whl > table.md

For fastml from a wheel and for scikit-learn from the package index, in turns. pip may use its download cache, so the
network is left out once it is warm; nothing else is kept from one run to the next.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # bench_start.py, beside this file
from bench_start import CLASSES, FIRST, OPTIONS

SHOWN = ("KNeighborsClassifier", "DecisionTreeClassifier", "LogisticRegression", "SGDClassifier", "MLPClassifier")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", help="the wheel of fastml to install")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    wheel = str(Path(given.wheel).resolve())
    found: dict[str, dict[str, list]] = {}
    for _ in range(given.rounds):
        for package, requirement in (("fastml", wheel), ("sklearn", "scikit-learn")):
            with tempfile.TemporaryDirectory() as folder:
                for step, seconds in steps(Path(folder), package, requirement):
                    found.setdefault(step, {}).setdefault(package, []).append(seconds)
    print("| step | fastml | scikit-learn |\n|---|---|---|")
    for step, times in found.items():
        ours, theirs = (statistics.median(times[p]) for p in ("fastml", "sklearn"))
        print(f"| {step} | {ours:.2f} s | {theirs:.2f} s |")


def steps(folder, package, requirement):
    """(what was done, seconds), from an empty folder on."""
    started = time.perf_counter()
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = time.perf_counter()
    subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True, capture_output=True)
    installed = time.perf_counter()
    yield "pip install", installed - made
    modules = {name: module for module, names in CLASSES.items() for name in names}
    answers = {name: answer(python, f"{package}.{modules[name]}", name, folder) for name in SHOWN}
    yield f"an empty environment, pip install, {SHOWN[0]}'s answer", installed - started + answers[SHOWN[0]]
    for name, seconds in answers.items():
        yield f"a process with {name}: start, import, fit, predict", seconds


def answer(python, module, name, folder):
    code = FIRST.format(module=module, name=name, regresses=False, options=OPTIONS.get(name, ""))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"NUMBA_CACHE_DIR": str(folder)}
    started = time.perf_counter()
    subprocess.run([python, "-W", "ignore", "-c", code], check=True, capture_output=True, env=environment, cwd=folder)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
