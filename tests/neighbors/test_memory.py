"""What a large search adds to the memory of its process."""

import subprocess
import sys

import pytest

# 60,000 points and 10,000 queries of 784 correlated columns, made in place: the peak before is what they take.
SEARCH = """
import resource
import numpy as np
from fastml.neighbors import NearestNeighbors

def table(n, seed):
    random, X = np.random.default_rng(seed), np.empty((n, 784), np.float32)
    mix = np.random.default_rng(0).normal(size=(40, 784)).astype(np.float32)
    for start in range(0, n, 1000):
        X[start : start + 1000] = random.normal(size=(1000, 40)).astype(np.float32) @ mix
        X[start : start + 1000] += 0.1 * random.normal(size=(1000, 784)).astype(np.float32)
    return X

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if {mac} else 1024)

small = table(2000, 3)
NearestNeighbors().fit(small).kneighbors(small)  # compiled and loaded before the count begins
search, Q = NearestNeighbors(algorithm="brute").fit(table(60_000, 1)), table(10_000, 2)
before = peak()
search.kneighbors(Q)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process its peak in this way")
def test_a_large_search_adds_little_memory():
    code = SEARCH.format(mac=sys.platform == "darwin")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 300 * 2**20
