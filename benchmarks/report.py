"""The page of a run: the machine, every ratio, every floor, missed ones plainly, one chart; and the alarm of history.

python benchmarks/report.py docs/benchmarks/BENCHMARKS.md run.json [more.json ...]      # of runs timed apart

Each page that is written adds a line to history.jsonl beside it. Where a work has become slower than in the runs before
(benchmarks/history.py), the page says so at its top, and the command and `make bench` end with status 1.
"""

import importlib.metadata
import json
import platform
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import history

__all__ = ["write"]

LIBRARIES = ["numpy", "scipy", "numba", "scikit-learn", "scikit-learn-intelex", "faiss-cpu", "pykdtree", "lightgbm"]
LIBRARIES += ["torch", "autograd", "jax"]
# Drawn by a script of their own, which takes minutes; shown where they lie beside the page.
PICTURES = {
    "linear": ("Objective minus optimum against time", "solvers.svg", "plot_solvers.py"),
    "neural": ("Validation accuracy against time", "accuracy.svg", "plot_accuracy.py"),
}
HEAD = """# Benchmarks

Every row is one piece of work, done by fastml and by its peers on the same data, in one run, with as many threads
each, after the results were found equal. Times are medians; a ratio is the peer's time divided by fastml's: above
1, fastml is faster. "To" and a number is the objective that a sequential method reached in that time, the lower the
better. Each family may have been timed in a run of its own. `make bench` writes this page anew on your machine. Peers
that are not installed are left out.

- machine: {machine}, {threads} threads
- {versions}
- a float32 product by NumPy's BLAS on all threads: {product:.0f} GFLOP/s; the rates in brackets count the plain
  product, so one above the machine's says that most of it was spared

![ratios](ratios.svg)
"""


def write(target, results, threads):
    """Write the page to `target`, the chart and the run's line of history beside it; returns what became slower."""
    works = collect(results)
    names = [f"{name} {version}" for name in LIBRARIES if (version := installed(name))]
    brand = results["machine_info"].get("cpu", {}).get("brand_raw") or platform.processor() or platform.machine()
    lines = [
        HEAD.format(
            machine=brand,
            threads=threads,
            versions=f"Python {platform.python_version()}, " + ", ".join(names),
            product=product_rate() / 1e9,
        )
    ]
    run = history.entry(results, works, brand, threads)
    slower = history.slower(run, history.read(target.with_name("history.jsonl")))
    lines += [f"- **slower than before: {line}**" for line in slower]
    by_family = defaultdict(list)
    for name, work in works.items():
        by_family[work["family"]].append((name, work))
    for family, rows in sorted(by_family.items()):
        lines.append(f"\n## {family}\n\n| work | fastml | peer | its time | ratio | floor |\n|---|---|---|---|---|---|")
        lines += [line for name, work in rows for line in table_rows(name, work)]
        if family in PICTURES and target.with_name(PICTURES[family][1]).exists():
            words, file, script = PICTURES[family]
            lines.append(f"\n![{words}]({file})\n\n{words}, by benchmarks/{script}.")
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(target.with_name("ratios.svg"), works)
    history.append(target.with_name("history.jsonl"), run)
    return slower


def collect(results):
    """{work: {family, times {library: seconds}, floors, limit, reference: its ratio}} of a run's results."""
    works = {}
    for result in results["benchmarks"]:
        info = result["extra_info"]
        seconds = info.get("median", result["stats"]["median"])
        family = result["fullname"].split("::")[0].rsplit("/", 1)[-1].removeprefix("bench_").removesuffix(".py")
        empty = {"family": family, "times": {}, "floors": info["floors"], "limit": info["limit"], "reference": None}
        empty["reached"] = {}
        empty["operations"] = info.get("operations", 0)
        work = works.setdefault(result["group"], empty)
        if info["library"] == "reference":
            work["reference"] = seconds / info["fastml_same_size"] if "fastml_same_size" in info else None
        else:
            work["times"][info["library"]] = seconds
            if "reached" in info:
                work["reached"][info["library"]] = info["reached"]
    return {name: work for name, work in works.items() if "fastml" in work["times"]}


def table_rows(name, work):
    ours = work["times"]["fastml"]
    if work["limit"] is not None:
        met = "met" if ours <= work["limit"] else "**missed**"
        yield f"| {name} | {duration(ours)} | | | | at most {duration(work['limit'])}: {met} |"
    for library, theirs in work["times"].items():
        if library != "fastml":
            floor = work["floors"].get(library)
            verdict = "" if floor is None else f"{floor:g}: " + ("met" if theirs / ours >= floor else "**missed**")
            us = f"{duration(ours)}{rate(work)}{goal(work, 'fastml')}"
            them = f"{duration(theirs)}{goal(work, library)}"
            yield f"| {name} | {us} | {library} | {them} | {theirs / ours:.3g}× | {verdict} |"
    if work["reference"] is not None:
        yield f"| {name} | | its reference, small data | | {work['reference']:.3g}× | |"
    if len(work["times"]) == 1 and work["limit"] is None:
        yield f"| {name} | {duration(ours)} | | | | |"


def rate(work):
    """Operations of the plain product that a second of fastml's stands for."""
    if not work["operations"]:
        return ""
    return f" ({work['operations'] / work['times']['fastml'] / 1e9:.3g} GFLOP/s)"


def goal(work, library):
    """The objective that a sequential method has reached in its time."""
    return f", to {work['reached'][library]:.4g}" if library in work["reached"] else ""


def product_rate():
    """Operations a second of a float32 product by NumPy's BLAS on all threads."""
    import numpy as np

    n, best = 3000, float("inf")
    A = np.ones((n, n), np.float32)
    for _ in range(5):
        begun = time.perf_counter()
        A @ A
        best = min(best, time.perf_counter() - begun)
    return 2 * n**3 / best


def duration(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def installed(distribution):
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def draw(target, works):
    """A line a family, a dot a piece of work: how many times faster than the fastest peer, on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": "fastml", "svg.fonttype": "none"}  # the same file from the same numbers
    import matplotlib.pyplot as plt

    ratios = defaultdict(list)
    for work in works.values():
        peers = [t for library, t in work["times"].items() if not library.startswith("fastml")]
        if peers:
            ratios[work["family"]].append(min(peers) / work["times"]["fastml"])
    if not ratios:
        return
    families = sorted(ratios, key=lambda family: statistics.median(ratios[family]))
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(families) + 1.1), layout="constrained")
    for place, family in enumerate(families):
        middle = statistics.median(ratios[family])
        colours = ["#2a6f97" if ratio >= 1 else "#c1554d" for ratio in ratios[family]]
        axes.scatter(ratios[family], [place] * len(colours), c=colours, alpha=0.6, s=28, linewidths=0)
        axes.plot([middle] * 2, [place - 0.32, place + 0.32], color="black", linewidth=2)
        axes.text(middle, place + 0.34, f"{middle:.3g}×", ha="center", va="bottom", fontsize=8)
    axes.set(xscale="log", xlabel="times faster than the fastest peer: a dot a piece of work, a line at the median")
    axes.set_yticks(range(len(families)), [family.replace("_", " ") for family in families])
    axes.set_ylim(-0.6, len(families) - 0.2)
    axes.axvline(1, color="black", linewidth=0.8, linestyle=":")
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}×")
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def main(target, *files):
    """Put the results of several runs, each of some families, on one page."""
    runs = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    together = runs[-1] | {"benchmarks": [result for run in runs for result in run["benchmarks"]]}
    from fastml_ext.pool import cpu_limit

    slower = write(Path(target), together, cpu_limit())
    if slower:
        sys.exit("\n".join(["slower than before:", *slower]))


if __name__ == "__main__":
    main(*sys.argv[1:])
