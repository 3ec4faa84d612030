"""The history of the benchmarks: a line of JSON for each page that was written, and the alarm.

A line holds when and where a run was made, and every ratio, of the peer's time to fastml's. Ratios are compared and not
times, because both sides of one were timed in the same run, on the same machine, under the same load.
"""

import json
import statistics

__all__ = ["append", "entry", "read", "slower"]

RUNS = 5  # of the same machine and number of threads: the median of these is what a new run is held to
WORSE = 0.75  # the part of that ratio below which a run is an alarm: noise between runs stays within a fifth


def entry(results, works, machine, threads):
    """The line of one run; works: see report.collect."""
    ratios = {}
    for name, work in works.items():
        ours = work["times"]["fastml"]
        for library, theirs in work["times"].items():
            if not library.startswith("fastml"):
                ratios.setdefault(name, {})[library] = float(f"{theirs / ours:.3g}")
    commit = results.get("commit_info", {}).get("id")
    day = results["datetime"][:10]
    return {"day": day, "commit": commit, "machine": machine, "threads": threads, "ratios": ratios}


def read(path):
    """The runs of a file, the oldest first; none where there is no file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def append(path, run):
    """Add a run to the file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(run, ensure_ascii=False) + "\n")


def slower(run, earlier):
    """A sentence for each ratio that fell below WORSE of what it was on the same machine."""
    like = [each for each in earlier if (each["machine"], each["threads"]) == (run["machine"], run["threads"])]
    found = []
    for work, ratios in run["ratios"].items():
        for library, ratio in ratios.items():
            known = [old for each in like if (old := each["ratios"].get(work, {}).get(library)) is not None][-RUNS:]
            if known and ratio < WORSE * statistics.median(known):
                found.append(f"{work}, beside {library}: {ratio:g}× after {statistics.median(known):g}×")
    return found
