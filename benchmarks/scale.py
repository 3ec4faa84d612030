"""Tables beyond memory: rows a second and peak memory of fits from .npy files, by hand.

python benchmarks/scale.py 1e6 1e7      each model in a process of its own, 8 columns of float32
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MODELS = ["read", "GaussianNB", "LogisticRegression", "LinearRegression", "sklearn.GaussianNB"]
D, STEP = 8, 2**18


def write(folder, n):
    """A table of n rows, of which the eighth column and a logistic error make y."""
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (n, D))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int8, (n,))
    for start in range(0, n, STEP):
        random, stop = np.random.default_rng(start), min(n, start + STEP)
        X[start:stop] = random.normal(size=(stop - start, D))
        y[start:stop] = X[start:stop] @ np.linspace(-1, 1, D) + random.logistic(size=stop - start) > 0


def fit(name, folder):
    import fastml.scale
    from fastml.linear_model import LinearRegression, LogisticRegression
    from fastml.naive_bayes import GaussianNB

    parts = fastml.scale.npy(folder / "X.npy", y=folder / "y.npy")
    if name == "read":
        for piece in parts.pieces():
            np.add.reduce(piece.X[:1], axis=0)
    elif name == "sklearn.GaussianNB":
        from sklearn.naive_bayes import GaussianNB as Peer

        model = Peer()
        for piece in parts.pieces():
            model.partial_fit(piece.X, piece.y, classes=[0, 1])
    else:
        models = {each.__name__: each for each in (GaussianNB, LinearRegression, LogisticRegression)}
        models[name]().fit(parts)


def measure(name, folder):
    fit_small(name)
    wall, cpu = time.perf_counter(), time.process_time()
    fit(name, Path(folder))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps([wall, cpu, peak()]))


def peak():
    """Megabytes; `ru_maxrss` would begin with those of the process that started this one."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), float("nan"))


def fit_small(name):
    """Imports, and kernels loaded, before the clock runs."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), 1000)
        fit(name, Path(folder))


def main(sizes):
    print(f"{'rows':>12} {'model':<20} {'seconds':>9} {'CPU s':>8} {'rows/s':>12} {'peak MB':>8}")
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), n)
            for name in MODELS:
                done = subprocess.run(
                    [sys.executable, __file__, "--one", name, folder], capture_output=True, text=True, check=True
                )
                wall, cpu, peak = json.loads(done.stdout)
                print(f"{n:>12,} {name:<20} {wall:>9.3f} {cpu:>8.2f} {n / wall:>12,.0f} {peak:>8.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(*sys.argv[2:4])
    else:
        main([int(float(each)) for each in sys.argv[1:] or ["1e6"]])
