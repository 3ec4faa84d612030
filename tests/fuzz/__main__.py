"""A differential fuzzer: random small inputs through every estimator's interface, against its rules and scikit-learn.

    python tests/fuzz --seconds 600 --seed 0          many cases; each finding is shrunk and printed with its code
    python tests/fuzz --repeat 12345                  the case of one seed

Cases run in processes of their own, so that a crash is a finding too. The exit status is 1 where anything was found.
"""

import argparse
import collections
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # cases.py, judge.py ... beside this file
SLICE = 200  # cases a process runs: a crash loses few, a start costs a second


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0, help="the first case; the following ones are counted up from it")
    parser.add_argument("--only", help="one estimator's name")
    parser.add_argument("--most", type=int, default=10**9, help="number of cases at most")
    parser.add_argument("--repeat", type=int, help="run the case of this seed and print what is wrong with it")
    parser.add_argument("--slice", nargs=2, type=int, metavar=("FIRST", "N"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.slice:
        return run_slice(*given.slice, given.only)
    if given.repeat is not None:
        return repeat(given.repeat, given.only)
    return search(given)


def search(given):
    start, first, n, found = time.monotonic(), given.seed, 0, collections.OrderedDict()
    while time.monotonic() - start < given.seconds and n < given.most:
        size = min(SLICE, given.most - n)
        done, findings = watch(first, size, given.only)
        n, first = n + done, first + done
        for finding in findings:
            key = finding["estimator"], finding["rule"]
            found.setdefault(key, []).append(finding)
            if len(found[key]) == 1:
                show(finding)
        print(
            f"\r{n} cases, {len(found)} kinds of findings, {time.monotonic() - start:.0f} s",
            end="",
            flush=True,
            file=sys.stderr,
        )
    print(f"\n{n} cases from seed {given.seed}: {len(found)} kinds of findings")
    for (estimator, rule), findings in found.items():
        print(f"  {len(findings):6d}  {estimator}: {rule} (first seed {findings[0]['seed']})")
    return 1 if found else 0


def show(finding):
    print(f"\n{finding['estimator']} {finding['rule']} (seed {finding['seed']})", flush=True)
    print(f"  {finding['detail']}\n  {finding['code']}", flush=True)


def watch(first, n, only):
    """(cases that ran, findings) of a slice in a process of its own; the case in which it dies is a finding."""
    command = [
        sys.executable,
        str(Path(__file__).parent),
        "--slice",
        str(first),
        str(n),
        *(["--only", only] if only else []),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    findings = [line for line in lines if "rule" in line]
    reached = [line["at"] for line in lines if "at" in line]
    if done.returncode == 0:
        return n, findings
    seed = reached[-1] if reached else first
    message = done.stderr.strip().splitlines()[-1:] or [""]
    crash = {
        "estimator": lines[-1]["estimator"] if reached else "?",
        "rule": f"the process died ({done.returncode})",
        "seed": seed,
        "detail": message[0][:300],
        "code": f"python tests/fuzz --repeat {seed}",
    }
    return seed - first + 1, [*findings, crash]


def run_slice(first, n, only):
    """Cases `first` to `first + n`, each announced before it runs: a process that dies has named its case."""
    from trials import kind_of, shrink

    seen = set()
    for seed in range(first, first + n):
        trial = kind_of(seed, only)
        case = trial.draw(seed, only)
        say(at=seed, estimator=case.estimator)
        for rule, detail in trial.judge(case):
            new = (case.estimator, rule) not in seen
            seen.add((case.estimator, rule))
            code = shrink(trial, case, rule).code() if new else ""
            say(seed=seed, estimator=case.estimator, rule=rule, detail=detail, code=code)
    return 0


def say(**line):
    print(json.dumps(line), flush=True)


def repeat(seed, only):
    from trials import kind_of

    trial = kind_of(seed, only)
    case = trial.draw(seed, only)
    print(case.code())
    found = trial.judge(case)
    for rule, detail in found:
        print(f"{rule}\n  {detail}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
