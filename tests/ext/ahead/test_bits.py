"""Kernels compiled ahead give the bits of those that Numba compiles when they are called, and of other levels.

Each case runs in a process for each way. Numba takes minutes to compile all that the cases call, so that comparison is
made where tests are asked to be thorough (HYPOTHESIS_PROFILE=thorough), as CI does.
"""

import importlib.util
import os
import subprocess
import sys

import pytest

from fastml_ext.ahead import compile as ahead
from fastml_ext.ahead.record import FAMILIES

BUILT = [level for level in ahead.LANES if importlib.util.find_spec(f"fastml_ext._kernels_{level}")]
CPUS = {"v2": "x86-64-v2", "v3": "x86-64-v3", "v4": "x86-64-v4"}
SEEDS = 12
# Families whose kernels fuse nothing where it would show: orders of neighbours, counts.
EXACT = ("neighbors", "features", "metrics", "model_selection", "tree")
# Elsewhere LLVM fuses a multiply and an add where both end up in one block, which depends on the registers too.
FUSED = {
    "linear": ("average", "dense_epoch", "sparse_epoch", "weights"),
    "naive_bayes": ("linear_scores", "bernoulli_scores", "gaussian_scores"),  # these add in whatever order is quick
}

RESULTS = """
import hashlib, importlib, inspect, sys, warnings
import numpy as np
family, seeds, lanes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
from fastml_ext import jit
if lanes:
    jit.LANES = lanes
kernels, cases = (importlib.import_module(f"fastml_ext.{family}{end}") for end in ("", ".cases"))

def add(hasher, value):
    if isinstance(value, (tuple, list)):
        for each in value:
            add(hasher, each)
    elif isinstance(value, (np.ndarray, np.generic)):
        hasher.update(str((value.dtype, value.shape)).encode() + value.tobytes())
    elif hasattr(value, "indptr"):
        add(hasher, (value.data, value.indices, value.indptr))
    elif isinstance(value, (bool, int, float, str, type(None))):
        hasher.update(repr(value).encode())
    elif type(value).__module__.startswith("fastml_ext"):
        add(hasher, [each for _, each in sorted(vars(value).items())])

warnings.simplefilter("ignore")
for name in kernels.__all__:
    for seed in range(seeds if inspect.isfunction(getattr(cases, name, None)) else 0):
        hasher = hashlib.sha256()
        add(hasher, getattr(cases, name)(kernels, np.random.default_rng(seed)))
        print(name, seed, hasher.hexdigest())
"""


def results(family, seeds=SEEDS, lanes=0, **environment):
    """A line for each case: name, seed, hash of the result."""
    command = [sys.executable, "-c", RESULTS, family, str(seeds), str(lanes)]
    environment = os.environ | environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(os.environ.get("HYPOTHESIS_PROFILE") != "thorough", reason="minutes of compiling: thorough only")
@pytest.mark.parametrize("level", BUILT)
@pytest.mark.parametrize("family", FAMILIES)
def test_ahead_of_time_and_just_in_time_have_the_same_bits(family, level):
    processor = {"NUMBA_CPU_NAME": CPUS[level], "NUMBA_CPU_FEATURES": ""} if level in CPUS else {}
    just_in_time = results(family, lanes=ahead.LANES[level], FASTML_LEVEL="jit", **processor)
    assert results(family, FASTML_LEVEL=level) == just_in_time


@pytest.mark.skipif(not {"v3", "v4"} <= set(BUILT), reason="needs two levels: FASTML_AOT=v3,v4")
@pytest.mark.parametrize("family", FAMILIES)
def test_v3_and_v4_have_the_same_bits_but_where_sums_are_known_to_differ_by_rounding(family):
    lower, higher = (results(family, FASTML_LEVEL=level) for level in ("v3", "v4"))
    differing = {a.split()[0] for a, b in zip(lower, higher, strict=True) if a != b}
    assert differing <= set(FUSED.get(family, ()))


@pytest.mark.skipif(not {"v2", "v3"} <= set(BUILT), reason="needs two levels: FASTML_AOT=v2,v3")
@pytest.mark.parametrize("family", EXACT)
def test_orders_and_counts_have_the_same_bits_at_every_level(family):
    assert results(family, FASTML_LEVEL="v2") == results(family, FASTML_LEVEL="v3")
