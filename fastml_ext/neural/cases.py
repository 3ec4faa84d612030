"""Small inputs for the networks; as in fastml_ext/neighbors/cases.py. Half of the tables go to the kernels as CSR.

A user's own activation and loss are left out: they are addresses in memory, which the reference cannot call.
"""

import itertools

import numpy as np
import scipy.sparse as sp

from fastml_ext.neural import reference
from fastml_ext.neural.codes import ACTIVATIONS, LOSSES, SOLVERS, Data, Design, Method, State

CLOSE = {
    "examine": 1e-9, "gradients": 1e-9, "mean_loss": 1e-12, "outputs": 1e-12, "r_squared": 1e-9, "share_right": 1e-12,
    "train": 1e-7, "update_ratios": 1e-12,
}  # fmt: skip

HIDDEN = [name for name in ACTIVATIONS if name not in ("softmax", "exp", "user")]
SHARES = ("log_loss", "binary_log_loss")
# Last activations that go with a loss: probabilities for shares, positive means for poisson.
LAST = {name: ("identity", "tanh", "softplus", "softmax") for name in LOSSES if name != "user"}
LAST |= {
    "log_loss": ("softmax", "logistic"),
    "binary_log_loss": ("logistic", "softmax"),
    "poisson": ("exp", "softplus"),
}


def outputs(family, random):
    design, w, data = problem(family, random)
    return family.outputs(design, w, data.X)


def gradients(family, random):
    return family.gradients(*problem(family, random))


def examine(family, random):
    return family.examine(*problem(family, random))


def mean_loss(family, random):
    design, w, data = problem(family, random)
    return family.mean_loss(design, reference.outputs(design, w, plain(data.X)), data)


def r_squared(family, random):
    output, Y, weight = answers(random)
    return family.r_squared(output, Y, weight)


def share_right(family, random):
    output, Y, weight = answers(random)
    return family.share_right(output, Y, weight, bool(random.integers(2)))


def answers(random):
    """(output, Y, weight): shares of one dtype, many of them equal, or all."""
    n, k, dtype = int(random.choice([1, 2, 30])), int(random.integers(1, 4)), random.choice([np.float32, np.float64])
    output, Y = (random.integers(0, random.choice([1, 2, 5]), (n, k)) / 4 for _ in range(2))
    return output.astype(dtype), Y.astype(dtype), random.uniform(0.1, 2, n) if random.integers(2) else np.empty(0)


def update_ratios(family, random):
    design, w, _ = problem(family, random)
    return family.update_ratios(design.units, w + 0.1 * random.standard_normal(len(w)), w)


def train(family, random):
    """(sums of losses of two calls, the weights before their last batch, the state after them)"""
    design, w, data = problem(family, random, noisy=True)
    n, P = data.X.shape[0], len(w)
    method = Method(
        solver=int(random.integers(len(SOLVERS))),
        rate=0.001,  # with larger steps outputs saturate, and the loss of 1 - 1e-16 is rounding
        beta_2=float(random.choice([0.9, 0.999])),
        epsilon=1e-4,  # of a size that hides what rounding leaves where gradients are 0
        decay=float(random.choice([0.0, 0.1])),
        clip_value=float(random.choice([np.inf, 0.1])),
        clip_norm=float(random.choice([np.inf, 0.2])),
        seed=int(random.integers(2**62)),
    )
    if method.clip_norm == np.inf:
        method = method._replace(immediate=bool(random.integers(2)))
    w = 0.3 * w  # large weights saturate, and rounding then shows in the first digits of the loss
    state = State(w, np.zeros(P), np.zeros(P), np.zeros(1, np.int64))
    batch = int(random.choice([1, 3, 32, n]))
    before = np.empty(P)
    losses = [family.train(design, method, random.permutation(n), batch, data, state, before) for _ in range(2)]
    return losses, before, list(state)


def problem(family, random, noisy=False):
    """(design, w, data): up to three hidden layers of up to 40 units, any activations and a loss that go together."""
    loss = str(random.choice(list(LAST)))
    depth, n = int(random.integers(4)), int(random.choice([1, 2, 7, 70]))
    units = np.concatenate([random.integers(1, 12, 1), random.integers(1, 40, depth), random.integers(1, 5, 1)])
    last = str(random.choice(LAST[loss]))
    if noisy and (last, loss) == ("softmax", "binary_log_loss"):
        last = "logistic"  # the slope of that pair grows without bound: its training is chaos
    names = [str(random.choice(HIDDEN)) for _ in range(depth)] + [last]
    noisy = noisy and random.integers(2)
    design = Design(
        units.astype(np.int64),
        np.array([ACTIVATIONS[name] for name in names]),
        np.zeros((depth + 1, 2), np.int64),
        np.append(random.choice([0.0, 0.3], depth), 0.0) if noisy else np.zeros(depth + 1),
        loss=LOSSES[loss],
        delta=0.5,
        l1=float(random.choice([0.0, 0.01])),
        l2=float(random.choice([0.0, 0.1])),
        noise=0.1 if noisy else 0.0,
    )
    w = np.concatenate([random.standard_normal((k + 1) * u) / np.sqrt(k) for k, u in itertools.pairwise(units)])
    X = random.standard_normal((n, units[0])) * (random.random((n, units[0])) < 0.7)
    Y = random.random((n, units[-1]))
    if loss in SHARES:
        Y = np.eye(units[-1])[random.integers(0, units[-1], n)]
    weight = random.uniform(0.1, 2, n) if random.integers(2) else np.empty(0)
    sparse = random.integers(2) and family is not reference and design.noise == 0
    return design, w, Data(sp.csr_matrix(X) if sparse else X, Y, weight)


def plain(X):
    return X.toarray() if sp.issparse(X) else X
