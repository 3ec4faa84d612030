"""Intrinsics on arrays; see test_device_sorting.py for `grown`."""

import threading
import time

import numpy as np

from fastml_ext.device import memory
from fastml_ext.jit import kernel


@kernel
def total_of_borrowed(x):
    y, total = memory.borrow(x), 0.0
    for i in range(len(y)):
        total += y[i]
        y[i] = 0.0
    return total


@kernel
def total_of_own(n):
    own = np.arange(n)
    x, total = memory.borrow(own), 0
    for _ in range(3):
        other = np.full(n, 7)  # would be given the memory of an array that is gone
        for i in range(n):
            total += x[i] * other[i]
    memory.keep(own)
    return total


@kernel
def total_with_prefetch(x):
    total = 0.0
    for i in range(len(x)):
        memory.prefetch(x, i + 1000)  # beyond the end too: it is a hint
        total += x[i]
    return total


@kernel
def count(numbers, i, times):
    for _ in range(times):
        memory.add_one(numbers, i)
    return memory.look_at(numbers, i)


@kernel
def wait(numbers, i, least):
    memory.wait_for(numbers, i, least, 0)


def test_borrow_is_the_same_array():
    x = np.arange(5.0)
    assert total_of_borrowed(x) == 10.0
    assert not x.any()


def test_an_array_of_the_kernels_own_is_kept():
    assert total_of_own(1000) == 3 * 7 * sum(range(1000))


def test_prefetch_changes_nothing():
    x = np.arange(5.0)
    assert total_with_prefetch(x) == 10.0
    assert x.tolist() == [0, 1, 2, 3, 4]


def test_threads_that_count_lose_nothing():
    numbers = np.zeros(3, np.int64)
    count(numbers, 2, 1)
    threads = [threading.Thread(target=count, args=(numbers, 1, 100_000)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers.tolist() == [0, 400_000, 1]
    assert count(numbers, 1, 0) == 400_000


def test_waiting_ends_when_another_thread_has_counted():
    numbers = np.zeros(1, np.int64)
    wait(numbers, 0, 0)  # compiled
    thread = threading.Thread(target=wait, args=(numbers, 0, 1))
    thread.start()
    time.sleep(0.02)
    assert thread.is_alive()
    count(numbers, 0, 1)
    thread.join(30)
    assert not thread.is_alive()
