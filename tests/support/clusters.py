"""What the tests of a cluster share: a table, its lazy form, and what must not be left on the scheduler."""

import time

import numpy as np

__all__ = ["CHUNK", "N", "assert_nothing_is_left", "lazily", "two_classes"]

N, CHUNK = 30_000, 5000


def two_classes():
    random = np.random.default_rng(0)
    X = random.normal(size=(N, 3)) * [1, 20, 3]
    return X, (X[:, 0] + random.logistic(size=N) > 0.3).astype(int)


def lazily(X, y):
    import dask.array as da

    return da.from_array(X, chunks=(CHUNK, -1)), da.from_array(y, chunks=CHUNK)


def assert_nothing_is_left(client):
    """No future here, and no task on the scheduler; it forgets what is released in its own time."""
    for _ in range(100):
        left = len(client.futures) or client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"{left} tasks are left")
