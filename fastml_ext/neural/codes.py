"""The integers by which the kernels know activations, losses and solvers, and what training is made of.

The one table of them: `fastml.neural_network` takes these names, and reference/ states what each computes.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["ACTIVATIONS", "LOSSES", "SOLVERS", "Buffers", "Data", "Design", "Method", "State", "Table"]

IDENTITY, LOGISTIC, TANH, RELU, LEAKY, GELU, ELU, SOFTPLUS, STEP, THROUGH, EXP, SOFTMAX, USER = range(13)
ACTIVATIONS = {
    "identity": IDENTITY,
    "logistic": LOGISTIC,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY,
    "gelu": GELU,
    "elu": ELU,
    "softplus": SOFTPLUS,
    "step": STEP,
    "straight_through": THROUGH,
    "exp": EXP,
    "softmax": SOFTMAX,
    "user": USER,
}
SQUARED, ROOT, ABSOLUTE, HUBER, LOG, BINARY, POISSON, OWN = range(8)
LOSSES = {
    "squared_error": SQUARED,
    "root_mean_squared_error": ROOT,
    "absolute_error": ABSOLUTE,
    "huber": HUBER,
    "log_loss": LOG,
    "binary_log_loss": BINARY,
    "poisson": POISSON,
    "user": OWN,
}
SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM, ADAMW = range(7)
SOLVERS = {
    "sgd": SGD,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "adagrad": ADAGRAD,
    "rmsprop": RMSPROP,
    "adam": ADAM,
    "adamw": ADAMW,
}


class Design(NamedTuple):
    """A network of L layers, and what it is to make small."""

    units: np.ndarray  # (L + 1,) int64: columns of X, then units of each layer
    activations: np.ndarray  # (L,) int64
    functions: np.ndarray  # (L, 2) int64: addresses of a user's own activation and its derivative
    dropout: np.ndarray  # (L,) float64: share of each layer's units left out while training; 0 for the last
    loss: int = SQUARED
    delta: float = 1.0  # where "huber" turns linear
    loss_value: int = 0  # addresses of a user's own loss(output, y) and of its derivative by the output
    loss_slope: int = 0
    l1: float = 0.0
    l2: float = 0.0
    noise: float = 0.0  # standard deviation of what is added to X while training


class Method(NamedTuple):
    """How the weights are stepped."""

    solver: int = ADAM
    rate: float = 1e-3
    momentum: float = 0.9
    beta_1: float = 0.9
    beta_2: float = 0.999  # of Adam; what RMSProp keeps of its mean square
    epsilon: float = 1e-8
    decay: float = 0.0  # AdamW's
    clip_value: float = np.inf
    clip_norm: float = np.inf
    immediate: bool = False
    seed: int = 0


class State(NamedTuple):
    """The weights on their way, each layer's (n_in, n_out) in C order followed by its intercepts."""

    w: np.ndarray  # (P,)
    first: np.ndarray  # (P,), or empty: velocity, or mean gradient
    second: np.ndarray  # (P,), or empty: sum or mean of squared gradients
    clock: np.ndarray  # (1,) int64: steps done


class Data(NamedTuple):
    """What is learnt from."""

    X: object  # (n, d), or CSR
    Y: np.ndarray  # (n, k), X's dtype
    weight: np.ndarray  # (n,) float64, or empty: one each


class Table(NamedTuple):
    """Rows as the kernels take them: dense, or CSR."""

    X: np.ndarray  # (n, d), or empty
    stored: np.ndarray  # CSR: values, columns, where rows begin; or empty
    indices: np.ndarray
    indptr: np.ndarray
    columns: np.ndarray  # (1,): columns of X
    Y: np.ndarray
    weight: np.ndarray


class Buffers(NamedTuple):
    """Room for one batch."""

    parts: int  # that the rows of a batch are cut into
    hidden: int  # units of the widest hidden layer
    offsets: np.ndarray  # (L + 1, 4): where each layer's input values, deltas, weights and transposed weights begin
    blocks: np.ndarray  # (b, 3): layer, first and last row of its coefs
    values: np.ndarray
    deltas: np.ndarray  # derivatives of activations, then those of the losses by z
    workspace: np.ndarray  # deltas times weights, on their way to the layer below
    zeros: np.ndarray
    transposed: np.ndarray  # weights that deltas go back through, the other way round
    edge: int  # the first layer whose weights end less than ROOM before those of the last
    tail: np.ndarray  # the weights from that layer on, with ROOM behind them: tiles read there
    gradient: np.ndarray  # of a block, or of all weights
