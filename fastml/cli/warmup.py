"""`fastml warmup`: what was not compiled when fastml was built is compiled and kept, so that no later call waits."""

import time
import warnings

import numpy as np

from fastml.cli.families import families
from fastml.cli.info import in_cache, kernel_modules
from fastml.cli.models import CLASSIFICATION, MODELS, load
from fastml.cli.race import kernel_counts
from fastml.cli.terminal import Progress, duration

__all__ = ["run"]

INPUTS = 8  # of each function: enough to meet each dtype that it takes
METHODS = ("predict", "predict_proba", "decision_function")


def run(arguments):
    from fastml_ext import jit

    progress, started = Progress(), time.perf_counter()
    try:
        warm_functions(progress)
        warm_models(progress)
    finally:
        progress.clear()
        compiled, loaded = kernel_counts()
        print(f"{compiled} kernels compiled, {loaded} were in the cache, {duration(time.perf_counter() - started)}")
    if not compiled + loaded:
        print("nothing was left to compile: these kernels were compiled when fastml was built")
        return 0
    kernels = jit.load_all(kernel_modules())
    kept = sum(in_cache(kernel) for kernel in kernels)
    if not kept:
        print(
            "! no folder for the cache can be written: set NUMBA_CACHE_DIR to one that can, or every process compiles"
        )
        return 1
    print(f"{kept} of {len(kernels)} kernels are in the cache; the others are parts of those, or of rarer options")
    return 0


def warm_functions(progress):
    for family in families():
        for name in family.functions():
            progress(f"compiling {family.name}.{name}")
            for seed in range(INPUTS if family.case(name) else 0):
                family.case(name)(family.kernels, np.random.default_rng(seed))


def warm_models(progress):
    """What the comparison's models compile for small and large tables of both dtypes, and for one row."""
    random = np.random.default_rng(0)
    X = random.integers(0, 9, (400, 6)).astype(float)
    for row in MODELS:
        for dtype in (np.float32, np.float64):
            for classes in (2, 3) if row.task == CLASSIFICATION else (None,):
                progress(f"compiling {row.title} for {np.dtype(dtype).name}")
                y = X.sum(axis=1) % classes if classes else X @ np.arange(6.0)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # it need not converge
                    warm(load(row)[0](**row.settings), X.astype(dtype), y)


def warm(model, X, y):
    model.fit(X, y)
    for method in METHODS:
        if hasattr(model, method):
            getattr(model, method)(X)
            getattr(model, method)(X[:1])
