"""Objective minus optimum against time, of every solver of every library, in one picture.

python benchmarks/plot_solvers.py docs/benchmarks/solvers.svg  # needs FASTML_DATA; leaves out what is not installed

Each point is one whole fit, from the table to the weights, that was told to stop at some precision. All libraries solve
one problem: sum of the losses + |w|^2 / 2, a column of ones for the intercept. Vowpal Wabbit reads its rows from a file
of text that is written beforehand, and the reading is in its time, as the checking of the input is in the others'.
"""

import importlib
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from datasets import a9a, reuters

ROUNDS = 3
LONGEST = 1.5  # seconds: a solver's finer precisions are left out after a fit that took this long
TOLERANCES = [1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8]
NOWHERE = 1e-13  # what is drawn for an optimum reached
COLORS = {"fastml": "C3", "scikit-learn": "C0", "scikit-learn-intelex": "C2", "Vowpal Wabbit": "C1"}
STYLES = [("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"), ((0, (5, 1, 1, 1, 1, 1)), "v"), ((0, (1, 3)), "x")]


def with_ones(data):
    X, y = data
    X = sp.csr_matrix(sp.hstack([X, np.ones((X.shape[0], 1))]))
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X, y.astype(np.int64)


def objective(w, X, y, loss):
    z = y * (X @ w)
    losses = np.logaddexp(0, -z) if loss == "log" else np.maximum(0, 1 - z) ** (2 if loss == "squared hinge" else 1)
    return losses.sum() + 0.5 * w @ w


def estimator(name, **options):
    """fit(X, y, tol) -> weights, by a class "module.Class"."""
    module, _, cls = name.rpartition(".")
    cls = getattr(importlib.import_module(module), cls)

    def fit(X, y, tol):
        return cls(fit_intercept=False, tol=tol, **options).fit(X, y).coef_[0]

    return fit


def vowpal_wabbit(loss):
    """fit(X, y, tol) by its L-BFGS; tol is the decrease at which it stops."""
    module = importlib.import_module("vowpalwabbit")
    folder = Path(tempfile.mkdtemp())

    def fit(X, y, tol):
        text = folder / f"{X.shape[0]}x{X.shape[1]}.vw"
        if not text.exists():
            text.write_text("\n".join(rows_as_text(X, y)), encoding="utf-8")
            return None  # written, not timed
        told = f"-d {text} -c -k --noconstant --bfgs --passes 200 --mem 20 --l2 1 -b 18 --quiet"
        workspace = module.Workspace(f"{told} --loss_function {loss} --termination {tol * 1e-3}")
        w = np.array([workspace.get_weight(j + 1) for j in range(X.shape[1])])
        workspace.finish()
        return w

    return fit


def rows_as_text(X, y):
    for i in range(X.shape[0]):
        at = slice(X.indptr[i], X.indptr[i + 1])
        stored = zip(X.indices[at].tolist(), X.data[at].tolist(), strict=True)
        yield f"{y[i]} | " + " ".join(f"{j + 1}:{x!r}" for j, x in stored)


def logistic():
    """{(library, solver): a function that makes its fit}."""
    ours, theirs = "fastml.linear_model.LogisticRegression", "sklearn.linear_model.LogisticRegression"
    intel = "sklearnex.linear_model.LogisticRegression"
    runs = {("fastml", s): (estimator, ours, {"solver": s}) for s in ("newton", "newton-cg", "lbfgs")}
    peers = ("newton-cholesky", "newton-cg", "lbfgs", "liblinear", "sag", "saga")
    runs |= {("scikit-learn", s): (estimator, theirs, {"solver": s, "max_iter": 1000}) for s in peers}
    runs["scikit-learn-intelex", "lbfgs"] = estimator, intel, {"max_iter": 1000}
    runs["Vowpal Wabbit", "bfgs"] = vowpal_wabbit, "logistic", {}
    return runs


def support_vectors(loss):
    ours, theirs, name = "fastml.svm.LinearSVC", "sklearn.svm.LinearSVC", loss.replace(" ", "_")
    dual = {"loss": name, "dual": True, "max_iter": 10**6, "random_state": 0}
    runs = {("fastml", "dual"): (estimator, ours, dual), ("scikit-learn", "liblinear dual"): (estimator, theirs, dual)}
    if loss == "squared hinge":
        primal = {"dual": False, "max_iter": 10_000}
        runs["fastml", "newton"] = estimator, ours, primal
        runs["scikit-learn", "liblinear primal"] = estimator, theirs, primal
    return runs


PANELS = {
    "logistic, a9a 32,561 × 123": (a9a, "log", logistic),
    "logistic, Reuters 7,770 × 8,315": (reuters, "log", logistic),
    "hinge, a9a": (a9a, "hinge", lambda: support_vectors("hinge")),
    "squared hinge, a9a": (a9a, "squared hinge", lambda: support_vectors("squared hinge")),
}


def path(fit, X, y, loss):
    """[(seconds, objective)] of one solver, from coarse to fine."""
    points = []
    fit(X, y, 1.0)  # compiles, or writes its file
    for tol in TOLERANCES:
        seconds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            w = fit(X, y, tol)
            seconds.append(time.perf_counter() - start)
        points.append((sorted(seconds)[len(seconds) // 2], objective(w, X, y, loss)))
        if seconds[-1] > LONGEST:
            break
    return points


def measured(loader, loss, table):
    X, y = with_ones(loader())
    paths = {}
    for (library, solver), (maker, name, options) in table().items():
        try:
            fit = maker(name, **options)
        except ImportError:
            print(f"{library} is not installed", file=sys.stderr)
            continue
        paths[library, solver] = path(fit, X, y, loss)
        print(library, solver, *(f"{1e3 * s:.1f} ms: {v:.9g}" for s, v in paths[library, solver]), file=sys.stderr)
    return paths


def draw(target, panels):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    for axis, (title, paths) in zip(axes.flat, panels.items(), strict=True):
        best = min(value for points in paths.values() for _, value in points)
        seen: dict = {}
        for (library, solver), points in paths.items():
            line, marker = STYLES[seen.setdefault(library, 0)]
            seen[library] += 1
            times, values = np.array(points).T
            gaps = np.maximum((values - best) / best, NOWHERE)
            axis.plot(1e3 * times, gaps, ls=line, marker=marker, ms=4, c=COLORS[library], label=f"{library} {solver}")
        axis.axhline(1e-6, c="0.8", zorder=0)
        axis.set(
            title=title, xlabel="milliseconds", ylabel="(objective − optimum) / optimum", xscale="log", yscale="log"
        )
        axis.legend(fontsize=7)
    figure.savefig(target)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if "FASTML_DATA" not in os.environ:
        sys.exit("FASTML_DATA must name the folder of the data sets")
    warnings.simplefilter("ignore")
    draw(sys.argv[1], {title: measured(*panel) for title, panel in PANELS.items()})


if __name__ == "__main__":
    main()
