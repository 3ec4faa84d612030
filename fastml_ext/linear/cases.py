"""Small inputs for the linear models; as in fastml_ext/neighbors/cases.py. Half of the tables go to the kernels as CSR.

A user's own loss is left out: it is an address in memory, which the reference cannot call.
"""

import numpy as np
import scipy.sparse as sp

from fastml_ext.linear import reference
from fastml_ext.linear.codes import COUPLINGS, LOSSES, METHODS, SCHEDULES, Task

CLOSE = {
    "augmented_svm": 1e-6,
    "average": 1e-9,
    "column_sums": 1e-12,
    "dense_epoch": 1e-9,
    "dual_svm": 1e-5,  # the optimum by another path, and only as near as the last slopes tell
    "evaluate": 1e-12,
    "gram": 1e-12,
    "hessian_product": 1e-12,
    "look": 1e-9,
    "moments": 1e-12,
    "multiclass_svm": 2e-5,
    "newton_steps": 1e-6,
    "quadratic_lasso": 1e-9,
    "quasi_newton": 1e-9,
    "residual_moments": 1e-11,
    "slopes": 1e-12,
    "small_squares": 1e-8,
    "softmax_hessian": 1e-11,
    "sparse_epoch": 1e-9,
    "sparse_residuals": 1e-12,
    "sparse_squares": 1e-7,
    "squared_lengths": 1e-12,
    "table_pass": 1e-12,
    "weights": 1e-9,
    "truncated_svm": 1e-6,
    "wide_newton": 1e-7,
}
WITHIN = {"begin": "weights"}

CLASSES = ("log", "hinge", "squared_hinge", "modified_huber")
NUMBERS = tuple(name for name in LOSSES if name not in (*CLASSES, "user"))
COUPLED = {"each": CLASSES + NUMBERS, "rest": CLASSES, "softmax": ("log",), "argmax": ("hinge",)}
EACH = np.empty(0)  # weights of one each


def newton_steps(family, random):
    """The point and the value reached; how many steps that took is decided by rounding."""
    n, p, k = int(random.integers(2, 40)), int(random.integers(1, 6)), int(random.choice([1, 1, 3]))
    code = LOSSES["log"] if k > 1 or random.integers(2) else LOSSES["squared_hinge"]
    Y = random.choice([-1.0, 1.0], n) if k == 1 else random.integers(0, k, n).astype(float)
    Z, weight = random.standard_normal((n, p)), random.uniform(0, 2, n)
    U, values, done = family.newton_steps(code, Z, Y, weight, np.full(p, 0.3), 1e-9, 50, np.zeros((k, p)))
    return U, values[-1], done


def quasi_newton(family, random):
    size = int(random.integers(1, 9))
    root, steps = random.standard_normal((size, size)), random.standard_normal((4, size))
    changes = steps @ (root @ root.T + np.eye(size))
    return family.quasi_newton(steps, changes, random.permutation(4)[:3], lambda q: 0.5 * q, np.ones(size))


def table_pass(family, random):
    """The value, its gradient, and the probabilities or curvatures."""
    n, p, k = int(random.integers(2, 40)), int(random.integers(1, 40)), int(random.choice([1, 3]))
    Y = random.choice([-1.0, 1.0], n) if k == 1 else random.integers(0, k, n).astype(float)
    Z, U, curvature = random.standard_normal((n, p)), random.standard_normal((k, p)), np.empty((n, k))
    value, gradient = family.table_pass(
        LOSSES["log"], Z, Y, random.uniform(0, 2, n), random.uniform(0, 1, p), U, curvature
    )
    return value, gradient, curvature


def wide_newton(family, random):
    """The weights, the intercept with them, and the value reached."""
    n = int(random.integers(2, 30))
    Z, Y = random.standard_normal((n, n + 3)), random.choice([-1.0, 1.0], n)
    free, weight = bool(random.integers(2)), random.uniform(0.1, 2, n)
    Y[:2] = -1.0, 1.0
    a, b, values, done = family.wide_newton(Z @ Z.T, Y, weight, 0.5, free, 1e-9, 50)
    return np.append(a, b), values[-1], done


def average(family, random):
    sparse = bool(random.integers(2))
    task, state, _ = descent(family, random, sparse, average_from=int(random.integers(-1, 9)))
    return family.average(task, state, sparse)


def look(family, random):
    sparse = bool(random.integers(2))
    task, state, _ = descent(family, random, sparse, average_from=int(random.integers(-1, 9)))
    coef, intercept = (np.array(part) for part in family.weights(state, sparse))
    now = np.column_stack([coef, intercept])
    now = np.ascontiguousarray(now.T if sparse else now)
    before = np.zeros_like(now)
    return family.look(task, state, sparse, before, now), now


def dense_epoch(family, random):
    _, state, epochs = descent(family, random, False)
    return epochs, family.weights(state, False)


def sparse_epoch(family, random):
    _, state, epochs = descent(family, random, True)
    return epochs, family.weights(state, True)


def weights(family, random):
    sparse = bool(random.integers(2))
    return family.weights(descent(family, random, sparse)[1], sparse)


def slopes(family, random):
    task, X, Y, *counts = problem(random)
    scale = 1 if task.loss == LOSSES["poisson"] else random.choice([1, 500])
    return family.slopes(task, scale * random.standard_normal((len(X), counts[1].shape[1])), Y, *counts)


def random_order(family, random):
    n, seed, epoch = (int(number) for number in random.integers([0, 0, 0], [300, 2**63 - 1, 50]))
    return family.random_order(n, seed, epoch)


def dual_svm(family, random):
    """(W, whether it is the optimum) for the hinge or its square; alpha need not be unique, sweeps tell of a path."""
    n = int(random.integers(1, 9))
    X, signs = table(random, n, 3), random.choice([-1.0, 1.0], (2, n))
    weight = random.choice([0.1, 1.0]) * random.uniform(0.5, 2, (2, n))
    box = (weight, np.zeros((2, n))) if random.integers(2) else (np.full((2, n), np.inf), 0.5 / weight)
    X, bias = layout(family, X, random.integers(2)), random.choice([0.0, 1.0])
    W, _, _, done = family.dual_svm(X, signs, *box, bias, 1e-11, 20_000, 3)
    return W, done


def augmented_svm(family, random):
    """The objectives reached; the dual variables need not be unique."""
    n, squared = int(random.integers(1, 9)), bool(random.integers(2))
    X, signs = table(random, n, 3), random.choice([-1.0, 1.0], (2, n))
    columns = np.ascontiguousarray(np.column_stack([X, np.ones(n)]).T)
    return family.augmented_svm(columns, signs, random.uniform(0.1, 2, (2, n)), squared, 1e-9, 100_000)[2]


def truncated_svm(family, random):
    """The objectives reached."""
    n, bias = int(random.integers(1, 9)), random.choice([0.0, 1.0])
    X, signs, cost = table(random, n, 3), random.choice([-1.0, 1.0], (2, n)), random.uniform(0.1, 2, (2, n))
    W = family.truncated_svm(layout(family, X, True), signs, cost, bias, 1e-9, 1000)[0]
    short = np.maximum(0.0, 1.0 - signs * (X @ W[:, :-1].T + bias * W[:, -1]).T)
    return (W**2).sum(axis=1) / 2 + (cost * short**2).sum(axis=1)


def multiclass_svm(family, random):
    """The objective reached: some of these tables need 100,000 sweeps for the last digits of the weights."""
    n, k = (int(size) for size in random.integers([2, 2], [9, 5]))
    X, codes, cost = table(random, n, 3), random.integers(0, k, n), random.uniform(0.1, 1, n)
    bias = random.choice([0.0, 1.0])
    W, *_ = family.multiclass_svm(layout(family, X, random.integers(2)), codes, k, cost, bias, 1e-8, 2000, 3)
    scores, own = X @ W[:, :-1].T + bias * W[:, -1], np.arange(k) == codes[:, None]
    margins = scores[own] - np.where(own, -np.inf, scores).max(axis=1)
    return (W**2).sum() / 2 + cost @ np.maximum(0.0, 1.0 - margins)


def quadratic_lasso(family, random):
    d = int(random.integers(1, 6))
    A = random.standard_normal((2 * d, d))
    gradient, u = 3 * random.standard_normal(d), random.standard_normal(d)
    l1 = random.choice([0.0, 0.1, 1.0]) * random.random(d)
    return family.quadratic_lasso(A.T @ A + 0.1 * np.eye(d), gradient, u, l1, 1e-12, 10_000)


def evaluate(family, random):
    """(losses, gradient, the curvature that was written)"""
    code, X, Y, weight, coef, intercept = passed(random)
    X, curvature = layout(family, X, random.integers(2)), np.empty((len(X), len(coef)))
    return *family.evaluate(code, X, Y, weight, coef, intercept, curvature), curvature


def hessian_product(family, random):
    code, X, Y, weight, coef, intercept = passed(random)
    curvature, V = np.empty((len(X), len(coef))), random.standard_normal((len(coef), X.shape[1] + 1))
    reference.evaluate(code, X, Y, weight, coef, intercept, curvature)
    return family.hessian_product(layout(family, X, random.integers(2)), weight, curvature, V)


def gram(family, random):
    X = table(random, *random.integers(1, [200, 7]))
    curvature = random.random(len(X)) if random.integers(2) else EACH
    scale = random.uniform(0.1, 2, X.shape[1])
    return family.gram(layout(family, X, random.integers(2)), curvature, X.mean(axis=0), scale)


def softmax_hessian(family, random):
    X, k = table(random, *random.integers(1, [200, 7])), int(random.integers(2, 6))
    weight = random.random(len(X)) if random.integers(2) else EACH
    shares = random.dirichlet(np.ones(k), len(X))
    return family.softmax_hessian(X, weight, shares, X.mean(axis=0), random.uniform(0.1, 2, X.shape[1]))


def moments(family, random):
    return family.moments(*squares(random))


def residual_moments(family, random):
    X, Y, *others = squares(random)
    k = Y.shape[1]
    return family.residual_moments(X, Y, *others, random.standard_normal((k, X.shape[1])), random.standard_normal(k))


def small_squares(family, random):
    X, Y, weight, *_ = squares(random)
    coef, *others, solved = family.small_squares(
        X, Y, weight, random.choice([0.1, 3.0], Y.shape[1]), random.random() < 0.7
    )
    return coef if solved else 0.0, *others, solved


def squares(random):
    """(X, Y, weight, shift, shift_y) of a regression."""
    n, d, k = int(random.choice([1, 5, 200])), int(random.integers(1, 7)), int(random.choice([1, 3]))
    weight = random.uniform(0.1, 2, n) if random.integers(2) else EACH
    shift = random.choice([0.0, 1.0]) * random.standard_normal(d)
    return table(random, n, d), random.standard_normal((n, k)), weight, shift, random.standard_normal(k)


def column_sums(family, random):
    X, _, weight, *_ = squares(random)
    return family.column_sums(layout(family, X, True), weight)


def sparse_residuals(family, random):
    X, Y, weight, *_ = squares(random)
    coef = random.standard_normal(X.shape[1])
    return family.sparse_residuals(layout(family, X, True), weight, np.ascontiguousarray(Y[:, 0]), coef, 0.5)


def sparse_squares(family, random):
    """The weights; how many steps they took is decided by rounding."""
    X, Y, weight, *_ = squares(random)
    k, d = Y.shape[1], X.shape[1]
    alphas, inverses = random.choice([0.1, 3.0], k), random.uniform(0.5, 2.0, (k, d))
    arrays = layout(family, X, True), Y, weight, X.mean(axis=0), Y.mean(axis=0), alphas, inverses
    coef, _, done = family.sparse_squares(*arrays, 1e-9, 1000)
    return coef, done


def row_scores(family, random):
    (n, d, k), dtype = random.integers(1, [40, 20, 7]), random.choice([np.float32, np.float64])
    X, coef, intercept = (random.integers(-9, 10, shape).astype(dtype) / 4 for shape in ((n, d), (k, d), k))
    return family.row_scores(X, coef, intercept)


def squared_lengths(family, random):
    """Numbers of a few bits, as above."""
    (n, d, k), dtype = random.integers(1, [300, 20, 7]), random.choice([np.float32, np.float64])
    X, centre, axes = (random.integers(-9, 10, shape).astype(dtype) / 4 for shape in ((n, d), d, (k, d + 1, d)))
    return family.squared_lengths(X, centre, axes)


def scores(family, random):
    """Numbers of a few bits, so that the sums are exact in any order."""
    (n, d, k), dtype = random.integers(1, [40, 20, 7]), random.choice([np.float32, np.float64])
    X, coef, intercept = (random.integers(-9, 10, shape).astype(dtype) / 4 for shape in ((n, d), (k, d), k))
    return family.scores(X, coef, intercept)


def table(random, n, d):
    """Many zeros, also whole rows and columns of them."""
    return random.standard_normal((n, d)) * (random.random((n, d)) < 0.6)


def layout(family, X, sparse):
    """CSR rows for the kernels; the reference takes dense ones only."""
    return sp.csr_matrix(X) if sparse and family is not reference else X


def passed(random):
    """(code, X, Y, weight, coef, intercept) of a full pass: one score with any of four losses, or three classes."""
    n, d, k = int(random.choice([1, 5, 200])), int(random.integers(1, 7)), int(random.choice([1, 3]))
    loss = random.choice(["squared", "log", "squared_hinge", "poisson"]) if k == 1 else "log"
    Y = random.choice([-1.0, 1.0], n) if k == 1 else random.integers(0, k, n).astype(float)
    weight = random.uniform(0, 2, n) if random.integers(2) else EACH
    return LOSSES[loss], table(random, n, d), Y, weight, random.standard_normal((k, d)), random.standard_normal(k)


def problem(random, average_from=-1):
    """(task, X, Y, weight, class_weight): any loss, coupling, penalty, schedule and method that go together."""
    coupling = str(random.choice(list(COUPLED), p=[0.7, 0.1, 0.1, 0.1]))  # most losses come with "each" only
    loss, method = str(random.choice(COUPLED[coupling])), str(random.choice(list(METHODS), p=[0.7, 0.1, 0.1, 0.1]))
    passive = method == "plain" and coupling != "argmax" and loss in ("hinge", "epsilon_insensitive")
    schedules = 2 if loss == "poisson" else len(SCHEDULES) if passive else 3  # long steps make exp overflow
    task = Task(
        loss=LOSSES[loss],
        parameter=float(random.choice([0.0, 1.0])) if loss == "hinge" else 0.3,
        coupling=COUPLINGS[coupling],
        l1=float(random.choice([0.0, 0.05])),
        l2=float(random.choice([0.0, 0.1, 3.0])),
        schedule=int(random.integers(schedules)),
        eta0=0.01 if loss == "poisson" else 0.2,
        optimal=2.0,
        alpha=0.5,
        method=METHODS[method],
        batch=int(random.choice([1, 3, 100])),
        intercept=float(random.integers(2)),
        average_from=average_from,
    )
    n, d, k = (int(size) for size in random.integers([1, 1, 1 if coupling == "each" else 2], [12, 20, 4]))
    Y = random.integers(0, k, (n, 1)).astype(float)
    if coupling == "each":
        Y = random.choice([-1.0, 1.0], (n, k)) if loss in CLASSES else np.abs(random.standard_normal((n, k)))
    weight = random.uniform(0.1, 2, n) if random.integers(2) else EACH
    class_weight = random.uniform(0.5, 2, (2, k)) if loss in CLASSES else np.ones((2, k))
    return task, table(random, n, d), Y, weight, class_weight


def descent(family, random, sparse, average_from=-1):
    """(task, state, [(sum of losses, all were finite, hits)]) after two epochs."""
    task, X, Y, weight, class_weight = problem(random, average_from)
    (n, d), k = X.shape, class_weight.shape[1]
    strength = random.uniform(0, 2, d) if task.schedule < SCHEDULES["pa1"] and random.integers(2) else None
    state = family.begin(task, random.standard_normal((k, d)) / 4, random.standard_normal(k), sparse, strength)
    epoch, rows, epochs = family.sparse_epoch if sparse else family.dense_epoch, layout(family, X, sparse), []
    for _ in range(2):
        hits = np.zeros((n, k), np.int8)
        epochs.append((*epoch(task, random.permutation(n), rows, Y, weight, class_weight, state, hits), hits))
    return task, state, epochs
