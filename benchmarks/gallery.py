"""scikit-learn's gallery of examples with and without fastml.accel: what breaks, what prints other numbers, CPU time.

    python benchmarks/gallery.py FOLDER [--kept results.json] [--limit 40] [--only tree] [--through "nice -n 5"]

FOLDER is `examples` of scikit-learn's source archive. Examples that download something are left out, and so are those
that scikit-learn itself does not finish within the limit. Numbers are compared up to one unit of the last printed
digit, or up to 1e-12 of themselves; times are not compared. An example whose output differs runs on scikit-learn once
more, and what differs then too (unseeded draws, for example) counts as equal. gallery.txt, beside this file, lists the
differences that remain, each with its reason.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

DOWNLOADS = re.compile(r"\bfetch_\w+|urlopen|urlretrieve|read_csv\(\s*[\"']http|requests\.get")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
# What a line tells of time: seconds and minutes with their unit; all numbers of one that names a time.
TIMES = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?=\s*(?:s|ms|sec|secs|seconds?|mins?|minutes?)\b)"
)
OF_TIME = re.compile(r"\b(?:mean|std)_(?:fit|score)_time\b|\b(?:elapsed|training|fit|prediction) time\b", re.I)
KNOWN = Path(__file__).with_name("gallery.txt")


def main():
    options = parser().parse_args()
    if options.measure:
        print(json.dumps(measured(options.folder, options.accel, options.limit)))
        return 0
    kept = Kept(options.kept)
    examples = [path for path in sorted(options.folder.rglob("*.py")) if without_downloads(path)]
    examples = [path for path in examples if not options.only or options.only in str(path)]
    for path in examples:
        if path.name.startswith("plot_") or "__main__" in path.read_text(encoding="utf-8"):
            run_all(path, options, kept)
    return summary([str(path.relative_to(options.folder)) for path in examples], kept)


def parser():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the examples of scikit-learn's source archive")
    parser.add_argument("--kept", type=Path, help="JSON file of results; what stands in it is not run again")
    parser.add_argument("--limit", type=float, default=40, help="CPU seconds after which an example is given up")
    parser.add_argument("--only", help="part of the path of the examples to run")
    parser.add_argument("--through", default="", help="a command in front of every run")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)  # the folder is one example
    parser.add_argument("--accel", action="store_true", help=argparse.SUPPRESS)
    return parser


def without_downloads(path):
    return not DOWNLOADS.search(path.read_text(encoding="utf-8"))


class Kept:
    """Results by example and way ("plain", "again", "accel"), in a file where one is given."""

    def __init__(self, file):
        self.file = file
        self.results = json.loads(file.read_text()) if file and file.exists() else {}

    def get(self, name, way):
        return self.results.get(name, {}).get(way)

    def put(self, name, way, result):
        self.results.setdefault(name, {})[way] = result
        if self.file:
            whole = self.file.with_suffix(".new")
            whole.write_text(json.dumps(self.results, indent=1))
            whole.replace(self.file)


def run_all(path, options, kept):
    """Run one example in the ways that are not kept yet."""
    name = str(path.relative_to(options.folder))
    for way in ("plain", "accel", "again"):
        plain, accel = kept.get(name, "plain"), kept.get(name, "accel")
        if way != "plain" and plain["end"] != "ended":
            return
        if kept.get(name, way) or (way == "again" and (accel["end"] != "ended" or not differences(plain, accel))):
            continue
        command = [*options.through.split(), sys.executable, __file__, str(path), "--measure"]
        command += ["--limit", str(options.limit * (2 if way == "accel" else 1))] + ["--accel"] * (way == "accel")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        kept.put(name, way, result := json.loads(done.stdout))
        print(f"{way:6} {result['cpu']:7.2f} s {result['end']:9} {name}", flush=True)


def measured(path, accel, limit):
    """One run in a process of its own: how it ended, what it printed, the CPU seconds of it and of its workers."""
    command = [sys.executable, *(["-m", "fastml.accel"] if accel else []), path.name]
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore", "PYTHONHASHSEED": "0"}
    for name in ("PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE"):  # modules compiled anew at each start would be counted
        environment.pop(name, None)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as bad:
        process = subprocess.Popen(
            command, cwd=path.parent, stdout=out, stderr=bad, env=environment, preexec_fn=lambda: limited(limit)
        )
        _, status, used = os.wait4(process.pid, 0)
        end = "ended" if status == 0 else "too long" if os.WIFSIGNALED(status) else "broke"
        out.seek(0)
        bad.seek(0)
        return {"end": end, "cpu": used.ru_utime + used.ru_stime, "out": out.read(), "error": bad.read()[-1500:]}


def limited(limit):
    """Let this process have so many CPU seconds; the clock on the wall says little on a busy machine."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 1))


def differences(one, other, noisy=None):
    """Pairs of lines that differ in more than the last digit of a number; not where `noisy`, a third run, does too."""
    ours, theirs = one["out"].splitlines(), other["out"].splitlines()
    third = noisy["out"].splitlines() if noisy else ours
    if len(ours) != len(theirs):
        return [] if len(third) != len(ours) else [(f"{len(ours)} lines", f"{len(theirs)} lines")]
    third = third if len(third) == len(ours) else ours
    return [(a, b) for a, b, c in zip(ours, theirs, third, strict=True) if not same_line(a, b) and same_line(a, c)]


def same_line(a, b):
    if OF_TIME.search(a) and OF_TIME.search(b):
        a, b = NUMBER.sub("#", a), NUMBER.sub("#", b)
    a, b = TIMES.sub("#", a), TIMES.sub("#", b)
    if NUMBER.sub("#", a).split() != NUMBER.sub("#", b).split():
        return a.split() == b.split()
    return all(map(same_number, NUMBER.findall(a), NUMBER.findall(b)))


def same_number(a, b):
    """Equal up to one unit of the last digit, or to 1e-12 of the larger."""
    if a == b or abs(float(a) - float(b)) <= 1e-12 * max(abs(float(a)), abs(float(b))):
        return True
    unit = max(unit_of(a), unit_of(b))
    return abs(float(a) - float(b)) <= 1.001 * unit if unit < 1 else False


def unit_of(text):
    mantissa, _, exponent = text.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def known():
    """{example: reason} of gallery.txt."""
    lines = KNOWN.read_text(encoding="utf-8").splitlines() if KNOWN.exists() else []
    return dict(line.split(": ", 1) for line in lines if line and line[0] != "#")


def summary(names, kept):
    """Print what was found; 1 where something breaks or differs without a reason."""
    runs = {name: kept.results[name] for name in names if "accel" in kept.results.get(name, {})}
    ended = {name: run for name, run in runs.items() if run["accel"]["end"] == "ended"}
    broken = sorted(runs.keys() - ended.keys())
    other = {name: differences(run["plain"], run["accel"], run.get("again")) for name, run in ended.items()}
    other = {name: pairs for name, pairs in other.items() if pairs}
    reasons, failed = known(), broken
    for name in broken:
        print(f"\nBROKE {name}\n{runs[name]['accel']['error']}")
    for name, pairs in other.items():
        print(f"\nDIFFERS {name}: {reasons.get(name, 'NO REASON')}")
        print("\n".join(f"  - {a}\n  + {b}" for a, b in pairs[:4]))
        failed = failed if name in reasons else [*failed, name]
    plain, accel = (sum(run[way]["cpu"] for run in ended.values()) for way in ("plain", "accel"))
    short = [run for run in ended.values() if run["plain"]["cpu"] < 3]
    more = [run["accel"]["cpu"] - run["plain"]["cpu"] for run in short]
    print(
        f"\n{len(names)} examples without downloads, {len(names) - len(runs)} that scikit-learn does not finish here;"
    )
    print(f"{len(runs)} run under accel, {len(broken)} break, {len(other)} print something else,", end=" ")
    print(f"{len(other.keys() - reasons.keys())} of them without a reason")
    print(f"CPU time {plain:.1f} -> {accel:.1f} s; {len(short)} short ones {sum(more) / max(1, len(more)):+.2f} s each")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
