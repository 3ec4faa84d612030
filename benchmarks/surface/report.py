"""The surface as a table by family, its worst problems, and a picture of ratios over sizes."""

import platform
from collections import defaultdict

import numpy as np

import fastml
from fastml_ext import pool

WORST = 20


def ratio(pair):
    ours, theirs = pair
    return theirs / ours


def table(rows, seed, drawn=None):
    """The page in Markdown."""
    counted = [row for row in rows if row.worse is None]
    lines = [
        "# The random surface",
        "",
        f"{len(rows)} problems from seed {seed}; fastml {fastml.__version__}, Python {platform.python_version()},"
        f" {platform.machine()}, {pool.cpu_limit()} threads.",
        "Ratios are scikit-learn's time over fastml's; above 1 fastml is faster.",
        "",
        *([f"![the ratios over the rows and the columns of each problem]({drawn})", ""] if drawn else []),
    ]
    for what in ("fit", "predict"):
        lines += [
            f"## {what}",
            "",
            "| family | problems | p5 | p25 | median | geometric mean | below 1 |",
            "|---|---|---|---|---|---|---|",
        ]
        by_family = defaultdict(list)
        for row in counted:
            by_family[row.problem.family].append(ratio(getattr(row, what)))
        every = [r for ratios in by_family.values() for r in ratios]
        for name, ratios in [("**all**", every), *sorted(by_family.items())]:
            lines.append(line(name, ratios))
        lines.append("")
    lines += beside_others(rows)
    lines += ["## The slowest against scikit-learn", ""]
    ranked = sorted(
        ((ratio(getattr(row, what)), what, row.problem) for row in counted for what in ("fit", "predict")),
        key=lambda r: r[0],
    )
    lines += [
        f"- {value:.2f} {what}: {problem.title} (`--repeat {problem.seed}`)" for value, what, problem in ranked[:WORST]
    ]
    worse = [row for row in rows if row.worse]
    if worse:
        lines += ["", "## Not counted: fastml's result was worse than scikit-learn's", ""]
        lines += [f"- {row.problem.title}: {row.worse} (`--repeat {row.problem.seed}`)" for row in worse]
    return "\n".join(lines) + "\n"


def beside_others(rows):
    """The same ratios for other libraries, and how often these gave no result, or a worse one."""
    by_library = defaultdict(list)
    for row in rows:
        for library, found in row.others.items():
            by_library[library, row.problem.family].append(found)
    if not by_library:
        return []
    lines = [
        "## Beside other libraries",
        "",
        "Where they give a result that is no worse; the last column counts the other problems.",
        "",
        "| library, family, what | problems | p5 | p25 | median | geometric mean | below 1 | none or worse |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (library, family), found in sorted(by_library.items()):
        good = [pair for pair in found if len(pair) == 2]
        for k, what in enumerate(("fit", "predict")):
            ratios = [ratio(pair[k]) for pair in good]
            lines.append(f"{line(f'{library}, {family}, {what}', ratios)} {len(found) - len(good)} |")
    return [*lines, ""]


def line(name, ratios):
    if not ratios:
        return f"| {name} | 0 | | | | | |"
    p5, p25, p50 = np.percentile(ratios, [5, 25, 50])
    mean = np.exp(np.mean(np.log(ratios)))
    below = 100 * np.mean(np.array(ratios) < 1)
    return f"| {name} | {len(ratios)} | {p5:.2f} | {p25:.2f} | {p50:.2f} | {mean:.2f} | {below:.0f} % |"


def picture(rows, path):
    """Each problem as a dot over rows and columns, coloured by the ratio of the fits and of the predictions."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.colors import TwoSlopeNorm

    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), sharey=True, layout="constrained")
    for axes, what in zip(panels, ("fit", "predict"), strict=True):
        n, d = [row.problem.n for row in rows], [row.problem.d for row in rows]
        value = np.log2([ratio(getattr(row, what)) for row in rows])
        dots = axes.scatter(
            n, d, c=value, s=26, cmap="RdYlGn", norm=TwoSlopeNorm(0, -3, 5), edgecolors="0.3", linewidths=0.3
        )
        axes.set(xscale="log", yscale="log", xlabel="rows", title=what)
    panels[0].set_ylabel("columns")
    bar = figure.colorbar(dots, ax=panels, ticks=range(-3, 6))
    bar.ax.set_yticklabels([f"{2.0**t:g}" for t in range(-3, 6)])
    bar.set_label("scikit-learn's time over fastml's")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
