"""What training holds in memory beside its data."""

import itertools
import tracemalloc

import numpy as np

from fastml_ext import neural as kernels
from fastml_ext.neural.codes import ACTIVATIONS, LOSSES, Data, Design, Method, State


def test_training_adds_little_to_weights_moments_and_the_activations_of_a_batch():
    units, batch, n = np.array([784, 256, 128, 10]), 200, 600
    codes = np.array([ACTIVATIONS[name] for name in ("relu", "relu", "softmax")])
    design = Design(units, codes, np.zeros((3, 2), np.int64), np.zeros(3), LOSSES["log_loss"], l2=0.1)
    random = np.random.default_rng(0)
    X, Y = random.random((n, 784), np.float32), np.eye(10, dtype=np.float32)[random.integers(0, 10, n)]
    data, order = Data(X, Y, np.empty(0)), random.permutation(n)
    P = int(sum((k + 1) * m for k, m in itertools.pairwise(units)))

    def state():
        w = random.normal(0, 0.05, P).astype(np.float32)
        return State(w, np.zeros_like(w), np.zeros_like(w), np.zeros(1, np.int64))

    kernels.train(design, Method(), order, batch, data, state())  # compiles
    tracemalloc.start()
    try:
        kernels.train(design, Method(), order, batch, data, state())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    activations = batch * int(units.sum() + units[1:].sum())  # and their derivatives
    assert peak <= 1.2 * 4 * (3 * P + activations)
