"""What benchmarks share: a table of works, each done by fastml, its reference and its peers, checked, then timed.

A family's bench_<family>.py lists its works:

    WORKS = [
        Work(
            name="brute search, digits",
            setup=digits,                                    # setup(tiny) -> the data, made once for all libraries
            runs={"fastml": search_fastml, "scikit-learn": search_sklearn},  # run(data) -> the function to time
            same=same_neighbors,                             # same(data, result of fastml, result of the peer) asserts
            floors={"scikit-learn": 12},                     # fastml must be this many times faster
        ),
    ]
    bench_<family> = benchmarks(WORKS)
"""

import functools
import gc
import importlib.metadata
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

__all__ = ["Work", "absent", "benchmarks"]

# The distribution that each library named in a table comes from.
DISTRIBUTIONS = {
    "scikit-learn": "scikit-learn",
    "scikit-learn-intelex": "scikit-learn-intelex",
    "SciPy": "scipy",
    "faiss": "faiss-cpu",
    "pykdtree": "pykdtree",
    "LightGBM": "lightgbm",
    "PyTorch": "torch",
    "autograd": "autograd",
    "JAX": "jax",
    "Vowpal Wabbit": "vowpalwabbit",
}
OURS = ("fastml", "reference")


@dataclass(frozen=True, eq=False)  # a work is its own key
class Work:
    """One piece of work that several libraries can do."""

    name: str
    setup: Callable  # setup(tiny): data for every run; pytest.skip() where a data set is not there
    runs: dict[str, Callable]  # library: run(data), which returns the function to be timed
    same: Callable | None = None  # same(data, ours, theirs): asserts that both results are right
    floors: dict[str, float] = field(default_factory=dict)  # library: how many times faster fastml must at least be
    limit: float | None = None  # seconds: an absolute floor for fastml
    rounds: int = 5
    iterations: int = 1  # calls in a round, for work of microseconds
    reference_tiny: bool = True  # the reference can only bear the tiny size
    operations: int = 0  # of the plain product or sum at full size: the page then says how fast the machine was used
    measures_itself: bool = False  # run()() returns its seconds, of a process of its own, say
    reached: Callable | None = None  # reached(data, result): objective of a sequential method, shown beside its time


def absent(library):
    """The pip name of a library that is not installed, else None; "name, remark" is the library `name`."""
    distribution = DISTRIBUTIONS.get(library.split(",")[0])
    if distribution is None:
        return None
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return distribution
    return None


def benchmarks(works):
    """The benchmark function of a table: one test for each work and library."""
    pairs = [pytest.param(work, library, id=f"{work.name}-{library}") for work in works for library in work.runs]

    @pytest.mark.parametrize(("work", "library"), pairs)
    def bench(benchmark, tiny, work, library):
        missing = absent(library)
        if missing:
            pytest.skip(f"{library} is not installed: pip install {missing}")
        small = tiny or (library == "reference" and work.reference_tiny)
        data = prepared(work, small)
        run = work.runs[library](data)
        result = run()  # compiles and warms up; a wrong answer is never timed
        if library != "fastml" and work.same is not None:
            work.same(data, answer(work, small), result)
        benchmark.group = work.name
        benchmark.extra_info |= {"library": library, "tiny": small, "floors": work.floors, "limit": work.limit}
        benchmark.extra_info["operations"] = work.operations
        if work.reached is not None and library != "reference":
            benchmark.extra_info["reached"] = work.reached(data, result)
        rounds = 1 if tiny else work.rounds
        told = []
        timed = (lambda: told.append(run())) if work.measures_itself else run
        benchmark.pedantic(timed, rounds=rounds, iterations=1 if tiny else work.iterations)
        if told:
            benchmark.extra_info["median"] = statistics.median(told)
        if library == "reference" and small and not tiny:
            benchmark.extra_info["fastml_same_size"] = time_fastml(work, data)

    return bench


@functools.lru_cache(maxsize=1)
def prepared(work, tiny):
    """The data of the work in hand; those of the one before are let go."""
    gc.collect()
    return work.setup(tiny)


@functools.lru_cache(maxsize=1)
def answer(work, tiny):
    return work.runs["fastml"](prepared(work, tiny))()


def time_fastml(work, data):
    """Median seconds of fastml on the reference's small data, so that the two can be compared."""
    run, seconds = work.runs["fastml"](data), []
    run()
    for _ in range(5):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
