"""Small inputs for the machine that runs recorded graphs; as in fastml_ext/neighbors/cases.py."""

import numpy as np

from fastml_ext.autodiff.codes import CODES

CLOSE = {"run_program": 1e-12, "penalty": 1e-12, "sgd_step": 1e-12, "adagrad_step": 1e-12, "adam_step": 1e-12}
WITHIN: dict[str, str] = {}

ELEMENTWISE = ("add", "subtract", "multiply", "exp", "sin", "tanh")


def run_program(family, random):
    """Two instructions: a function of two rows of a table, entry by entry, and its sum over the columns."""
    rows, n = (int(size) for size in random.integers(1, 6, 2))
    size = rows * n
    known = [name for name in ELEMENTWISE if name in CODES]
    work = np.concatenate([random.standard_normal(2 * size), np.zeros(size + rows)])
    strides = [n, 1]
    table = [rows, n, *strides * 4, rows, n, 1, 0, *strides, rows]
    code = [
        [CODES[random.choice(known)], 2, 2 * size, 0, size, 0, 0, size],
        [CODES["sum"], 2, 3 * size, 2 * size, 0, 0, 10, size],
    ]
    family.run_program(np.array(code), np.array(table), work, np.empty(0, np.int64))
    return work


def penalty(family, random):
    n = random.integers(1, 9)
    return family.penalty(random.standard_normal(n), random.random(n), random.random(n))


def sgd_step(family, random):
    return step(family.sgd_step, random)


def adagrad_step(family, random):
    return step(family.adagrad_step, random)


def adam_step(family, random):
    return step(family.adam_step, random)


def step(function, random):
    """(weights, state) after one step; some weights are 0."""
    n = random.integers(1, 9)
    w, g = random.standard_normal((2, n)) * random.integers(0, 2, n)
    state, (l1, l2) = random.random((2, n)), random.random((2, n))
    w, g = w.copy(), g.copy()
    function(w, g, state, np.array([0.1, 0.01, 0.9, 0.99]), l1, l2, int(random.integers(1, 6)))
    return w, state
