"""Tables beyond memory: rows a second and peak memory of fits from files, and of the command on a folder of Parquet.

python benchmarks/scale.py                 10**6 and 10**7 rows of 8 float32 columns; 1e8 takes 7 GB of disk
python benchmarks/scale.py 1e6 --dask      beside them the same on a cluster of two processes on this machine
python benchmarks/scale.py 1e8 --record docs/benchmarks/scale.jsonl      keeps the numbers, for plot_scale.py

Each piece of work has a process of its own, whose imports and first small fit are not timed.
"""

import contextlib
import importlib.util
import io
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

D, STEP, FILES = 8, 2**18, 8
MEMORY = "1GiB"  # of the command
CLASSIFIERS = ["GaussianNB", "LogisticRegression", "LinearSVC", "DecisionTreeClassifier"]
WORK = [
    "read npy",
    *[f"{name} npy" for name in [*CLASSIFIERS, "LinearRegression", "RobustScaler"]],
    "search npy",
    "sklearn.GaussianNB npy",
]
PARQUET = ["read parquet", *[f"{name} parquet" for name in CLASSIFIERS], "train LogisticRegression", "predict"]
DASK = [f"{name} dask" for name in [*CLASSIFIERS, "search"]]


def write(folder, n):
    """A table of n rows, y made of a line through its columns and a logistic error: as .npy, and as Parquet."""
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (n, D))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int8, (n,))
    (folder / "parquet").mkdir()
    with contextlib.ExitStack() as stack:
        writers: dict = {}
        for start in range(0, n, STEP):
            random, stop = np.random.default_rng(start), min(n, start + STEP)
            X[start:stop] = random.normal(size=(stop - start, D))
            y[start:stop] = X[start:stop] @ np.linspace(-1, 1, D) + random.logistic(size=stop - start) > 0
            if has("pyarrow"):
                path = folder / "parquet" / f"{start * FILES // n}.parquet"
                append(stack, writers, path, X[start:stop], y[start:stop])


def append(stack, writers, path, X, y):
    """More rows for a Parquet file; its writer is closed with the stack."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({**{f"x{j}": np.ascontiguousarray(X[:, j]) for j in range(D)}, "y": y})
    if path not in writers:
        writers[path] = stack.enter_context(pq.ParquetWriter(path, table.schema))
    writers[path].write_table(table)


def has(module):
    return importlib.util.find_spec(module) is not None


def fit(work, folder):
    import fastml.scale
    from fastml.linear_model import LinearRegression, LogisticRegression
    from fastml.naive_bayes import GaussianNB
    from fastml.preprocessing import RobustScaler
    from fastml.svm import LinearSVC

    name, _, kind = work.partition(" ")
    if name in ("train", "predict"):
        return command(name, kind, folder)
    if kind == "parquet":
        parts = fastml.scale.parquet(folder / "parquet", target="y")
    else:
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
        models = [GaussianNB, LinearRegression, LinearSVC, LogisticRegression, RobustScaler]
        made = {each.__name__: each for each in models} | {"DecisionTreeClassifier": tree_of_depth_8, "search": search}
        model = made[name]()
        if kind == "dask":
            import fastml.dask

            parts = fastml.dask.spread(parts, rows=2**18)
        model.fit(parts)


def search():
    """51 fits: ten candidates on five folds, and the best one on all rows."""
    from fastml.model_selection import GridSearchCV
    from fastml.naive_bayes import GaussianNB

    return GridSearchCV(GaussianNB(), {"var_smoothing": np.logspace(-9, 0, 10)}, cv=5)


def tree_of_depth_8():
    from fastml.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=8)


def command(name, model, folder):
    from fastml.cli import main

    tables, kept = str(folder / "parquet"), str(folder / "model.fml")
    given = {
        "train": ["train", tables, "--target", "y", "--model", model, "--memory", MEMORY, "-o", kept],
        "predict": ["predict", kept, tables, "--memory", MEMORY, "-o", str(folder / "out.parquet")],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(given[name]) == 0


def measure(work, folder):
    with cluster(work.endswith(" dask")), own_memory() as most:
        with tempfile.TemporaryDirectory() as small:  # imports, and kernels loaded, before the clock runs
            write(Path(small), 1000)
            if work == "predict":
                fit("train GaussianNB", Path(small))
            fit(work, Path(small))
        wall, cpu = time.perf_counter(), time.process_time()
        fit(work, Path(folder))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps([wall, cpu, told("VmHWM"), most[0]]))


@contextlib.contextmanager
def cluster(wanted):
    if not wanted:
        yield
        return
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local, Client(local):
        yield


@contextlib.contextmanager
def own_memory():
    """[most megabytes of this process that are no pages of files], looked at every 20 ms."""
    most, ended = [0.0], threading.Event()

    def look():
        while not ended.wait(0.02):
            most[0] = max(most[0], told("RssAnon"))

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    try:
        yield most
    finally:
        ended.set()
        watching.join()


def told(name):
    """Megabytes; VmHWM is the peak of all, where `ru_maxrss` would begin with that of the process that started this."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), float("nan"))


def keep(record, numbers):
    if record is not None:
        with open(record, "a") as file:
            file.write(json.dumps(numbers) + "\n")


def main(sizes, on_dask, record=None):
    work = WORK + PARQUET * has("pyarrow") + DASK * (on_dask and has("distributed"))
    print(f"{'rows':>12} {'work':<26} {'seconds':>9} {'CPU s':>8} {'rows/s':>12} {'peak MB':>8} {'no file':>8}")
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), n)
            for each in work:
                done = subprocess.run([sys.executable, __file__, "--one", each, folder], capture_output=True, text=True)
                if done.returncode:
                    sys.exit(done.stderr)
                wall, cpu, most, own = json.loads(done.stdout.splitlines()[-1])
                keep(record, {"rows": n, "work": each, "seconds": wall, "cpu": cpu, "peak": most, "own": own})
                cpu = f"{cpu:>8.2f}" if not each.endswith("dask") else f"{'':>8}"  # other processes have it
                print(f"{n:>12,} {each:<26} {wall:>9.3f} {cpu} {n / wall:>12,.0f} {most:>8.0f} {own:>8.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(*sys.argv[2:4])
    else:
        given = [each for each in sys.argv[1:] if each != "--dask"]
        record = None
        if "--record" in given:
            at = given.index("--record")
            record = given.pop(at + 1)
            del given[at]
        main([int(float(each)) for each in given or ["1e6", "1e7"]], "--dask" in sys.argv, record)
