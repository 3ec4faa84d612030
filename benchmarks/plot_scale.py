"""Time and memory of fits from files against rows, drawn from what `benchmarks/scale.py --record` has measured.

python benchmarks/plot_scale.py docs/benchmarks/scale.jsonl docs/benchmarks/scale.svg
"""

import json
import sys
from pathlib import Path

import numpy as np

LINES = {  # work: colour, line, marker
    "sklearn.GaussianNB npy": ("C0", "-", "o"),
    "GaussianNB npy": ("C3", "-", "o"),
    "GaussianNB parquet": ("C3", "--", "s"),
    "LogisticRegression npy": ("C2", "-", "o"),
    "LogisticRegression parquet": ("C2", "--", "s"),
    "predict": ("C1", "--", "s"),
}
NAMES = {
    "sklearn.GaussianNB npy": "scikit-learn's GaussianNB.partial_fit, .npy",
    "predict": "fastml predict: Parquet to Parquet",
}


def read(file):
    """{work: [(rows, CPU seconds, peak in megabytes)]}; of several measurements the last counts."""
    found = {}
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        each = json.loads(line)
        found.setdefault(each["work"], {})[each["rows"]] = each["cpu"], each["peak"]
    return {work: [(n, *values) for n, values in sorted(sizes.items())] for work, sizes in found.items()}


def name_of(work):
    name, _, kind = work.partition(" ")
    return NAMES.get(work, f"fastml {name}, {'.npy' if kind == 'npy' else 'Parquet'}")


def draw(works, target):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "fastml"  # the same file for the same numbers
    import matplotlib.pyplot as plt

    figure, (times, memory) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for work, (colour, style, marker) in LINES.items():
        if work not in works:
            continue
        rows, cpu, peak = zip(*works[work], strict=True)
        options = {"color": colour, "linestyle": style, "marker": marker, "markersize": 4, "label": name_of(work)}
        times.plot(rows, cpu, **options)
        memory.plot(rows, peak, **options)
    most = max(n for points in works.values() for n, *_ in points)
    least = min(n for points in works.values() for n, *_ in points)
    sizes = np.geomspace(least, most, 100)
    memory.plot(sizes, 32 * sizes / 2**20, color="black", linewidth=0.8, linestyle=":", label="the table itself")
    times.set(xscale="log", yscale="log", xlabel="rows of 8 float32 columns", ylabel="CPU seconds")
    memory.set(
        xscale="log", xlabel="rows of 8 float32 columns", ylabel="peak memory of the process, MiB", ylim=(0, 1100)
    )
    memory.axhline(1024, color="black", linewidth=0.8)
    memory.text(least, 1015, "1 GiB", va="top", fontsize=8)
    for axes in (times, memory):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*memory.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    draw(read(sys.argv[1]), sys.argv[2])
