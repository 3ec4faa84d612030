"""Searches and cross-validation of rows in memory whose fits are tasks on the workers of a Dask client."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from joblib.parallel import get_active_backend

__all__ = ["Workers", "workers", "workers_now"]

ATTEMPTS = 5  # rounds in which no task ends, because rows have been lost with their workers

_there: ContextVar = ContextVar("fastml_dask_workers", default=None)


@contextlib.contextmanager
def workers(client: Any = None) -> Iterator[None]:
    """Send the fits of searches and cross-validation of rows in memory to the workers of a Dask client.

    Within it a fit of a candidate on a fold is a task. The rows are sent to the workers once, tasks name theirs by the
    number of the split, and candidates that share work are one task. joblib's `parallel_config("dask")` does the same
    for searches and cross-validation of fastml. The best estimator is fitted here, where the rows are.

    Parameters
    ----------
    client : distributed.Client, default=None
        None for the current one; inside a task that of its worker, which does other tasks meanwhile.

    Examples
    --------
    >>> import fastml.dask
    >>> from distributed import Client
    >>> from fastml.model_selection import GridSearchCV
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> X, y = [[i] for i in range(20)], [0] * 9 + [1, 0] + [1] * 9
    >>> with Client(processes=False, dashboard_address=None) as client, fastml.dask.workers():
    ...     search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5]}).fit(X, y)
    >>> search.best_params_
    {'n_neighbors': 3}
    """
    token = _there.set(Workers(client))
    try:
        yield
    finally:
        _there.reset(token)


def workers_now() -> "Workers | None":
    """Where fits are to be sent by `workers`, or by joblib's backend "dask"; None for nowhere."""
    found = _there.get()
    if found is not None:
        return found
    backend = get_active_backend()[0]
    return Workers(backend.client) if type(backend).__name__ == "DaskDistributedBackend" else None


class Workers:
    """The workers of a client, as what does tasks with rows that they all have."""

    def __init__(self, client: Any = None):
        self.given = client

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """The client; inside a task, whose thread is given to others meanwhile."""
        import distributed

        if self.given is not None:
            yield self.given
            return
        try:
            distributed.get_worker()
        except ValueError:
            try:
                yield distributed.get_client()
            except ValueError:
                raise ValueError("there is no Dask client: make one first, distributed.Client(...)") from None
            return
        with distributed.worker_client() as client:
            yield client

    def run(self, function: Callable, rows: Any, splits: list, tasks: list[tuple]) -> Iterator[tuple[int, Any]]:
        """(place, function(rows, split, *arguments)) of each of the tasks (number of split, *arguments), as they end.

        After an error or Ctrl-C, no task is left.
        """
        with self.client() as client:
            left, attempts = set(range(len(tasks))), ATTEMPTS
            while left:
                before = len(left)
                for place, result in done_by(client, function, rows, splits, {place: tasks[place] for place in left}):
                    left.discard(place)
                    yield place, result
                attempts = ATTEMPTS if len(left) < before else attempts - 1
                if left and not attempts:
                    raise RuntimeError(f"the rows of {len(left)} tasks were lost with their workers, {ATTEMPTS} times")


def done_by(client: Any, function: Callable, rows: Any, splits: list, tasks: dict) -> Iterator[tuple[int, Any]]:
    """Results as they come, but those of tasks whose rows are lost, because a worker is: these want another round."""
    from concurrent.futures import CancelledError

    from distributed import as_completed

    futures: dict = {}
    held: list = []
    try:
        held = client.scatter([rows, *splits], broadcast=True, hash=False)
        for place, (split, *arguments) in tasks.items():
            futures[client.submit(function, held[0], held[1 + split], *arguments, pure=False)] = place
        for future in as_completed(futures):
            try:
                result = future.result()
            except CancelledError:
                continue
            yield futures[future], result
    finally:
        client.cancel([*futures, *held])
