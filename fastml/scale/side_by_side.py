"""Fits side by side, which share the passes over a table: each runs until it wants the table, then all of them wait.

A fit is an ordinary loop that asks for a pass and goes on with what it gets. Here each runs in a thread of its own, one
at a time: the next begins where the last one asks or ends, so that nothing depends on how threads are scheduled. When
all of them wait, one pass answers all; requests for the same state of the same rows are answered once.
"""

import contextvars
import copy
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sklearn import config_context, get_config

from fastml.scale.fitting import Checks
from fastml.scale.labels import counted_piece
from fastml.scale.reduction import rows_of_block
from fastml.scale.shared_passes import serve
from fastml.scale.sides import ALL, TRAIN
from fastml.scale.views import Request, Splits

__all__ = ["MOST", "Together"]

MOST = 256  # fits side by side


class Cancelled(BaseException):
    """Ends a fit that nobody waits for any more."""


class Job:
    """A function in a thread of its own, which runs when it is told to, until it asks or ends."""

    def __init__(self, number: int, function: Callable[[], Any], host: "Together"):
        self.number, self.function, self.host = number, function, host
        self.go = threading.Semaphore(0)
        self.request: Request | None = None  # what it waits for
        self.answer: Any = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.cancelled = False
        self.config, self.context = get_config(), contextvars.copy_context()
        self.thread = threading.Thread(target=self.context.run, args=(self.work,), name="fastml-fit", daemon=True)

    def work(self) -> None:
        self.go.acquire()
        self.host.own.job = self
        try:
            if not self.cancelled:
                with config_context(**self.config):
                    self.result = self.function()
        except BaseException as error:  # it is raised where the job is waited for
            self.error = error
        self.host.back.release()

    def ask(self, request: Request) -> Any:
        self.request = request
        self.host.back.release()
        self.go.acquire()
        self.request = None
        if self.cancelled:
            raise Cancelled
        answer, self.answer = self.answer, None
        return answer


class Together:
    """What serves the views of a table whose fits share passes.

    memory: bytes that drawn rows of several views may take at once
    passes: over X, so far
    """

    def __init__(self, splits: Splits, shared: bool = True):
        self.splits, self.shared = splits, shared
        self.back = threading.Semaphore(0)
        self.own = threading.local()
        self.known: dict = {}  # states that fits to come may ask for: those whose reductions have a `key`
        self.steps: dict = {}  # that rows go through before they are learnt from
        self.passes = 0
        splits.host = self

    def ask(self, request: Request) -> Any:
        """The answer, now or when a pass has been made; fits call it by way of their views."""
        if request.asks:  # equal steps become one object, by which equal requests are known
            request = request._replace(asks=tuple(self.steps.setdefault(pickled(ask), ask) for ask in request.asks))
        job = getattr(self.own, "job", None)
        return self.answered([request])[0] if job is None else job.ask(request)

    def run(self, functions: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """(number, result) of each function, as they end; the first error ends all."""
        todo = [Job(number, function, self) for number, function in enumerate(functions)]
        todo.reverse()
        waiting: list[Job] = []
        try:
            while todo or waiting:
                while todo and len(waiting) < MOST:
                    job = todo.pop()
                    waiting.append(job)  # before its start, in which Ctrl-C may come
                    job.thread.start()
                    yield from self.advance(waiting, job)
                if waiting:
                    yield from self.serve(waiting)
        finally:
            self.stop(waiting)

    def advance(self, waiting: list[Job], job: Job) -> Iterator[tuple[int, Any]]:
        """Let a job go on to its next request, or to its end."""
        job.go.release()
        self.back.acquire()
        if job.request is None:
            waiting.remove(job)
            job.thread.join()
            if job.error is not None:
                raise job.error
            yield job.number, job.result

    def stop(self, waiting: list[Job]) -> None:
        for job in waiting:
            job.cancelled = True
            job.go.release()
        for job in waiting:
            if job.thread.ident is not None:
                job.thread.join()

    def serve(self, waiting: list[Job]) -> Iterator[tuple[int, Any]]:
        """One pass: what is asked of y first, then rows by number, then states."""
        asked = {job: job.request for job in waiting if job.request is not None}
        kinds = {request.kind for request in asked.values()}
        kind = next(kind for kind in ("targets", "choose", "tally", "reduce") if kind in kinds)
        jobs = [job for job, request in asked.items() if request.kind == kind]
        if kind in ("choose", "tally"):
            jobs = self.that_fit(jobs)
        answers = self.answered([asked[job] for job in jobs])
        for place, job in enumerate(jobs):
            answer, answers[place] = answers[place], None  # rows are dropped when the last fit has used them
            if kind == "tally" and any(answer is each for each in answers):  # which a fit may change
                answer = copy.deepcopy(answer)
            job.answer = answer
            del answer
            yield from self.advance(waiting, job)

    def that_fit(self, jobs: list[Job]) -> list[Job]:
        """Those whose rows may be held at once: of a view at least, and of more while the memory suffices."""
        parts, held = self.splits.parts, 0
        taken: dict = {}
        for job in jobs:
            request = job.request
            assert request is not None
            view = request.split, request.side
            if view not in taken:
                rows = len(request.work) if request.kind == "choose" else self.splits.length(*view)
                size = rows * max(1, parts.n_features) * parts.dtype.itemsize
                taken[view] = not taken or held + size <= parts.memory // 2
                held += size if taken[view] else 0
        return [job for job in jobs if job.request is not None and taken[job.request.split, job.request.side]]

    def answered(self, requests: list[Request]) -> list:
        """The answers, of as few requests as there are different ones."""
        keys = [key_of(request) for request in requests]
        asked = {key: request for key, request in zip(keys, requests, strict=True) if key not in self.known}
        for request in list(asked.values()) if self.shared else []:
            whole = request._replace(split=ALL, side=TRAIN)
            # The fit of all rows is to come.
            if is_lasting(request) and request.side == TRAIN and request.kind == "reduce":
                asked.setdefault(key_of(whole), whole)
        found: dict = {}
        if asked:
            self.passes += requests[0].kind != "targets"
            found = dict(zip(asked, serve(self.splits, list(asked.values())), strict=True))
            self.known |= {key: found[key] for key, request in asked.items() if is_lasting(request)}
        return [found[key] if key in found else self.known[key] for key in keys]


def is_lasting(request: Request) -> bool:
    """Whether others may ask for the same later: it is small, and it is known what it depends on."""
    if request.kind == "targets":
        return request.work.function is counted_piece
    return request.kind == "reduce" and not request.asks and hasattr(request.work, "key")


def key_of(request: Request) -> Any:
    """What tells requests apart: two of one key have one answer."""
    checks = request.checks
    asks = tuple(map(id, request.asks))
    own: Any
    if request.kind == "choose":
        own = request.work.tobytes()
    elif request.kind == "targets":
        own = pickled(request.work)
    else:
        own = getattr(request.work, "key", None) or pickled(request.work), rows_of_block(request.work)
    if checks is not None and not isinstance(checks, Checks):
        checks = pickled(checks)
    elif checks is not None:
        labels = None if checks.labels is None else checks.labels.classes
        checks = pickled(
            (checks.who, checks.finite, checks.allow_nan, checks.numbers, checks.raw, checks.factors, labels)
        )
    return request.kind, request.split, request.side, asks, checks, own


def pickled(value: Any) -> Any:
    """The bytes of a value; where it has none, something that equals nothing else, so that no answer is shared."""
    try:
        return pickle.dumps(value)
    except Exception:
        return object()
