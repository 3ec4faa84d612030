"""The pool: the same answer from any number of threads, and no thread left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import pool
from fastml_ext.jit import kernel

SLOW = 1e6  # ns per item: enough for every call to be spread over the threads


@kernel
def add_up(start, stop, x):
    total = 0.0
    for i in range(start, stop):
        total += x[i]
    return total


def double(start, stop, x, out):
    out[start:stop] = 2 * x[start:stop]


def child(code, *arguments, **options):
    """Run Python code in a process of its own, with warnings as errors: what it printed."""
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@given(n=st.integers(0, 10**12), cost=st.floats(1e-3, 1e7), step=st.integers(1, 1000))
def test_ranges_cover_everything_once_and_cut_at_steps(n, cost, step):
    if n * cost > 1e12:  # more than a quarter of an hour: too many ranges to list
        n = int(1e12 / cost)
    cuts = pool.ranges(n, cost, step)
    assert [stop for _, stop in cuts[:-1]] == [start for start, _ in cuts[1:]]
    assert (cuts[0][0], cuts[-1][1]) == (0, n) if n else cuts == []
    assert all(start < stop and start % step == 0 for start, stop in cuts)
    assert all((stop - start - step) * cost <= pool.LONGEST_CHUNK for start, stop in cuts)


def test_same_bits_for_any_number_of_threads():
    x = np.random.default_rng(0).normal(size=100_000)
    sums = {sum(pool.run(add_up, len(x), x, cost=1e3, n_jobs=n_jobs)) for n_jobs in (1, 2, 3, 8, None)}
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(x.sum(), rel=1e-9)


def test_results_come_in_order_of_the_ranges():
    assert pool.run(lambda start, stop: (start, stop), 1000, cost=SLOW, n_jobs=4) == pool.ranges(1000, SLOW)


def test_short_work_runs_inline_for_a_while_after_a_helper_came_late():
    def threads(n):
        def who(start, stop):
            time.sleep(1e-3)
            return threading.get_ident()

        return set(pool.run(who, n, cost=SLOW, n_jobs=4))

    pool.came_late()
    assert threads(10) == {threading.get_ident()}
    assert len(threads(40)) > 1  # long work is shared all the same
    time.sleep(2e-9 * pool.BUSY)
    assert len(threads(10)) > 1


def test_nothing_to_do():
    assert pool.run(lambda start, stop: 1 / 0, 0, cost=SLOW) == []


def test_many_calls_at_once_from_many_threads():
    x = np.arange(1000.0)

    def call(i):
        out = np.empty_like(x)
        pool.run(double, len(x), x + i, out, cost=SLOW, n_jobs=3)
        return np.array_equal(out, 2 * (x + i))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(call, range(50))) == [True] * 50


def test_nested_calls_run_inline():
    def outer(start, stop):
        return sum(pool.run(inner, 100, threading.get_ident(), cost=SLOW, n_jobs=8))

    def inner(start, stop, caller):
        assert threading.get_ident() == caller
        return stop - start

    assert sum(pool.run(outer, 100, cost=SLOW, n_jobs=4)) == 100 * len(pool.ranges(100, SLOW))


def test_exception_reaches_the_caller_and_nothing_writes_after_it():
    written = []

    def fail(start, stop):
        if start >= 30:
            raise ValueError(f"bad range {start}")
        time.sleep(0.01)
        written.append(start)

    for _ in range(3):  # the pool works on after it
        with pytest.raises(ValueError, match="bad range"):
            pool.run(fail, 100, cost=SLOW, n_jobs=4)
        before = len(written)
        time.sleep(0.05)
        assert len(written) == before
    out = np.empty(10)
    pool.run(double, 10, np.ones(10), out, cost=SLOW, n_jobs=4)
    assert (out == 2).all()


def test_progress_counts_the_items_in_the_callers_thread():
    seen = []

    def progress(begun):
        seen.append((begun, threading.get_ident()))

    for n_jobs in (1, 3):
        seen.clear()
        pool.run(lambda start, stop: time.sleep(0.001), 50, cost=SLOW, n_jobs=n_jobs, progress=progress)
        assert seen
        assert [begun for begun, _ in seen] == sorted(begun for begun, _ in seen)
        assert {thread for _, thread in seen} == {threading.get_ident()}


INTERRUPTED = """
import sys, threading, time
from fastml_ext import pool
running = []
def work(start, stop):
    running.append(start); time.sleep(0.02)
    if start == 8: print("ready", flush=True)
try:
    pool.run(work, 10_000, cost=2e7, n_jobs=4)
except KeyboardInterrupt:
    caught = time.time()
    before = len(running); time.sleep(0.2)
    print(caught, len(running) - before, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that a parent can send to one child alone")
def test_ctrl_c_returns_within_a_second_and_nothing_goes_on():
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"  # well inside
    sent = time.time()
    process.send_signal(signal.SIGINT)
    caught, after = process.communicate(timeout=60)[0].split()
    assert float(caught) - sent < 1
    assert after == "0"


FORKED = """
import os, numpy as np
from fastml_ext import pool
def double(start, stop, x, out): out[start:stop] = 2 * x[start:stop]
def check():
    x, out = np.arange(100.0), np.zeros(100)
    pool.run(double, 100, x, out, cost=1e6, n_jobs=4)
    assert (out == 2 * x).all()
check()
if (pid := os.fork()) == 0:
    check(); os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
check()
print("both")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_works_in_a_forked_child_and_after_it_in_the_parent():
    assert child(FORKED) == "both\n"


def test_one_job_starts_no_thread():
    code = """
import threading
from fastml_ext import pool
pool.run(lambda start, stop: None, 1000, cost=1e6, n_jobs=1)
assert threading.active_count() == 1
pool.run(lambda start, stop: None, 1000, cost=1e6, n_jobs=2)
assert threading.active_count() == 2
"""
    child(code)


def test_a_short_call_stays_in_the_callers_thread():
    threads = set(pool.run(lambda start, stop: threading.get_ident(), 1000, cost=1, n_jobs=8))
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("name", pool.ENVIRONMENT)
def test_the_environment_limits_the_threads(monkeypatch, name):
    for other in pool.ENVIRONMENT:
        monkeypatch.delenv(other, raising=False)
    unlimited = pool.cpu_limit()
    monkeypatch.setenv(name, "1")
    assert pool.effective_jobs() == pool.effective_jobs(-1) == 1
    monkeypatch.setenv(name, "1,4")
    assert pool.effective_jobs() == 1
    for meaningless in ("", "0", "-2", "many"):
        monkeypatch.setenv(name, meaningless)
        assert pool.effective_jobs() == unlimited


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_affinity_limits_the_threads():
    code = """
import os
from fastml_ext import pool
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(pool.cpu_limit())
"""
    assert child(code) == "1\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_cgroup_quota(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert pool._cgroup_quota(tmp_path) == expected


def test_numbers_of_jobs():
    assert pool.effective_jobs(5) == 5
    assert pool.effective_jobs(-1) == pool.cpu_limit()
    assert pool.effective_jobs(-1000) == 1
    with pytest.raises(ValueError, match="n_jobs=0"):
        pool.effective_jobs(0)


AT_THE_END = """
import atexit, sys, threading
from fastml_ext import pool

def double(start, stop, x, out):
    out[start:stop] = [2 * value for value in x[start:stop]]

def answer():
    x, out = list(range(1000)), [None] * 1000
    pool.run(double, 1000, x, out, cost=1e6, n_jobs=3)
    return out == [2 * value for value in x]

assert sys.argv[1] == "cold" or answer()
"""


@pytest.mark.parametrize("warm", ["cold", "warm"])
@pytest.mark.parametrize(
    "end",
    [
        "atexit.register(lambda: print(answer()))",
        "threading._register_atexit(lambda: print(answer()))",
        # a daemon thread that works on while the interpreter joins the others
        "results, go = [], threading.Event()\n"
        "def work():\n    go.wait()\n    results.extend(answer() for _ in range(20))\n    done.set()\n"
        "done = threading.Event()\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "atexit.register(lambda: (go.set(), done.wait(60), print(all(results))))",
        "import os\natexit.register(lambda: print(answer()) if (pid := os.fork()) == 0 else os.waitpid(pid, 0))",
    ],
    ids=["atexit", "threads joined", "daemon", "fork"],
)
def test_a_call_while_the_interpreter_ends_is_answered(warm, end):
    assert child(AT_THE_END + end, warm).split() == ["True"]


@pytest.mark.parametrize("started", [0, 1])
def test_where_no_more_threads_can_be_started_the_caller_works(monkeypatch, started):
    """And with those that were started; nothing is left in a queue."""
    left = [started]
    start = threading.Thread.start

    def limited(thread):
        if left[0] == 0:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(pool, "_executor", None)
    monkeypatch.setattr(threading.Thread, "start", limited)
    x = np.arange(1000.0)
    for _ in range(3):
        out = np.empty_like(x)
        pool.run(double, len(x), x, out, cost=SLOW, n_jobs=4)
        assert np.array_equal(out, 2 * x)
    monkeypatch.setattr(threading.Thread, "start", start)
    out = np.empty_like(x)
    pool.run(double, len(x), x, out, cost=SLOW, n_jobs=4)
    assert np.array_equal(out, 2 * x)
