"""The one thread pool. `run(kernel, n, *arrays)` calls a kernel on ranges that cover [0, n), on several threads.

A kernel is serial, releases the GIL, and takes (start, stop, *arrays). Where [0, n) is cut depends on n and on the
stated cost alone, never on the number of threads, so sums added in the order of the ranges have the same bits on any
machine. Numba's own parallel loops take 25 times longer to compile, kill a forked child or abort under two threads.
"""

import functools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

__all__ = ["came_late", "cpu_limit", "effective_jobs", "ranges", "run"]

LONGEST_CHUNK = 20e6  # ns: what Ctrl-C, progress and a waiting thread may have to wait for
SHORTEST_CHUNK = 50e3  # ns: what handing a chunk over may cost
SHORTEST_PARALLEL = 300e3  # ns: below this the call is over before a second thread is awake
CHUNKS = 32  # enough for an even end on many cores
SHORT = 20e6  # ns: work that one thread does alone after a helper came late
BUSY = 50e6  # ns: how long after that
LATE = 300e3  # ns beyond the time of two ranges, from which on a helper is late
ENVIRONMENT = ("FASTML_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


def run(kernel, n, *arrays, cost, step=1, n_jobs=None, progress=None):
    """[kernel(start, stop, *arrays) for each range of [0, n)], on up to `n_jobs` threads: results in order of ranges.

    cost: estimated nanoseconds per item, from shapes alone | step: every cut is a multiple of it
    n_jobs: threads, counting the caller's; None for all that this process may use (see `effective_jobs`)
    progress: called in the caller's thread, now and then, with the number of items begun

    After an exception or Ctrl-C no new range starts and the running ones are awaited, then it is raised: nothing goes
    on writing into the arrays. A call from inside a running kernel runs inline, and so does one for which no thread can
    be started: while the interpreter ends, or where the system has no more threads to give. Short work runs inline
    for a while after a helper came late, because other programs had its processor: it would wait longer than it takes.
    """
    if step == 1 and 0 < n * cost <= SHORTEST_CHUNK and progress is None:  # one range: a single row must be quick
        return [kernel(0, n, *arrays)]
    cuts = ranges(n, cost, step)
    threads = min(effective_jobs(n_jobs), len(cuts)) if n * cost >= SHORTEST_PARALLEL else 1
    if threads < 2 or getattr(_caller, "inside", False) or (n * cost < SHORT and time.perf_counter_ns() < _busy_until):
        return _run_inline(kernel, cuts, arrays, progress)
    job = _Job(kernel, cuts, arrays)
    helpers, taken = [], 0
    began = time.perf_counter_ns()
    try:
        _submit(job.help, threads - 1, helpers)
        taken = job.work(progress)
    except BaseException as error:
        job.stop(error)
    done = time.perf_counter_ns()
    _finish(job, helpers)
    if time.perf_counter_ns() - done > LATE + 2 * (done - began) / max(1, taken):
        came_late()
    if job.error is not None:
        raise job.error
    return job.results


def came_late():
    """Say that a helper came late: until BUSY has passed, short work runs inline."""
    global _busy_until
    _busy_until = time.perf_counter_ns() + BUSY


def ranges(n, cost, step=1):
    """The (start, stop) pairs that `run` cuts [0, n) into; a function of its arguments alone."""
    cost = max(cost, 1e-3)
    size = min(max(n / CHUNKS, SHORTEST_CHUNK / cost), LONGEST_CHUNK / cost)
    size = max(1, round(size / step)) * step
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def effective_jobs(n_jobs=None):
    """Number of threads that `n_jobs` stands for.

    None is every processor this process may use: the smallest of its affinity, its cgroup's quota and the variables
    FASTML_NUM_THREADS, OMP_NUM_THREADS and NUMBA_NUM_THREADS. Negative counts back from that: -1 all, -2 all but one.
    """
    if n_jobs is None:
        return cpu_limit()
    if n_jobs == 0:
        raise ValueError("n_jobs=0 means no thread at all; pass None for every processor, or a positive number")
    return n_jobs if n_jobs > 0 else max(1, cpu_limit() + 1 + n_jobs)


def cpu_limit():
    """Processors this process may use: affinity, cgroup quota and the environment, whichever allows least."""
    limits = [_affinity(), _cgroup_quota()]
    for name in ENVIRONMENT:
        value = os.environ.get(name, "").split(",")[0].strip()  # OMP_NUM_THREADS may be a list, one for each level
        if value.isdigit() and int(value) > 0:
            limits.append(int(value))
    return max(1, min(limit for limit in limits if limit is not None))


def _affinity():
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def _cgroup_quota(root="/sys/fs/cgroup"):
    """Processors granted by the control group, rounded up; None where there is no quota. Read once: it takes 40 us."""
    try:
        with open(f"{root}/cpu.max") as file:
            quota, period = file.read().split()
    except (OSError, ValueError):
        try:
            with open(f"{root}/cpu/cpu.cfs_quota_us") as file:
                quota = file.read()
            with open(f"{root}/cpu/cpu.cfs_period_us") as file:
                period = file.read()
        except OSError:
            return None
    try:
        quota, period = int(quota), int(period)
    except ValueError:  # "max": no quota
        return None
    return max(1, -(-quota // period)) if quota > 0 and period > 0 else None


class _Job:
    """One call of `run`: ranges handed out one at a time to whoever asks, until all are done or one has failed."""

    def __init__(self, kernel, cuts, arrays):
        self.kernel, self.cuts, self.arrays = kernel, cuts, arrays
        self.results = [None] * len(cuts)
        self.error = None
        self._next = 0
        self._helping = 0
        self._lock = threading.Condition()

    def work(self, progress=None):
        """Take ranges until none is left: how many were taken; an exception of the kernel is kept for the caller."""
        _caller.inside, taken = True, 0
        try:
            while (i := self._take()) is not None:
                taken += 1
                start, stop = self.cuts[i]
                if progress is not None:
                    progress(start)
                self.results[i] = self.kernel(start, stop, *self.arrays)
        except Exception as error:
            self.stop(error)
        finally:
            _caller.inside = False
        return taken

    def help(self):
        """What a helper thread does: `work`, counted, so that the caller can wait for its end."""
        with self._lock:
            if self._next >= len(self.cuts):
                return
            self._helping += 1
        try:
            self.work()
        finally:
            with self._lock:
                self._helping -= 1
                self._lock.notify_all()

    def wait(self):
        """Until no helper is at work; one that comes later finds nothing left."""
        with self._lock:
            while self._helping:
                self._lock.wait()

    def stop(self, error=None):
        """No range starts after this; the first error is the one the caller sees."""
        with self._lock:
            self._next = len(self.cuts)
            self.error = self.error or error

    def _take(self):
        with self._lock:
            i = self._next
            if i >= len(self.cuts):
                return None
            self._next = i + 1
            return i


def _run_inline(kernel, cuts, arrays, progress):
    results = []
    for start, stop in cuts:
        if progress is not None:
            progress(start)
        results.append(kernel(start, stop, *arrays))
    return results


def _finish(job, helpers):
    """Wait for the helpers that have begun, and take back the others; Ctrl-C meanwhile waits its turn."""
    while True:
        try:
            for helper in helpers:
                helper.cancel()
            job.wait()
            return
        except BaseException as error:
            job.stop(error)


_caller = threading.local()
_busy_until = 0  # ns of time.perf_counter_ns
_executor = None
_executor_size = 0
_executor_lock = threading.Lock()


def _submit(work, count, helpers):
    """Append to `helpers` the futures of up to `count` threads that run `work`: of as many as can be started."""
    global _executor, _executor_size
    with _executor_lock:
        size = max(count, cpu_limit() - 1)
        if _executor is None or _executor_size < size:
            if _executor is not None:
                _executor.shutdown(wait=False)  # finishes what it has begun
            _executor, _executor_size = ThreadPoolExecutor(size, thread_name_prefix="fastml"), size
        try:
            for _ in range(count):
                helpers.append(_executor.submit(_counted, work))
        except RuntimeError:  # the interpreter ends, or the system has no thread left
            _executor.shutdown(wait=False, cancel_futures=True)  # what is queued, its callers do themselves
            _executor = None


_working = 0
_working_lock = threading.Lock()


def _counted(work):
    global _working
    with _working_lock:
        _working += 1
    try:
        work()
    finally:
        with _working_lock:
            _working -= 1


def _before_fork():
    """End the idle threads: Python 3.12 warns when a process with threads forks, and a child inherits none of them."""
    global _executor
    _executor_lock.acquire()
    if _executor is not None and _working == 0:
        _executor.shutdown(wait=True)
        _executor = None


def _after_fork_in_parent():
    _executor_lock.release()


def _after_fork_in_child():
    """Start afresh: locks may have been held, and the threads that would have run the queued work do not exist here."""
    global _executor, _executor_lock, _caller, _working, _working_lock
    _executor, _executor_lock, _caller = None, threading.Lock(), threading.local()
    _working, _working_lock = 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
