"""What the kernels of this family compute, from the definitions. Imports NumPy and math only."""

import math

import numpy as np

# fmt: off
NAMES = [
    "negative", "exp", "log", "log1p", "expm1", "sqrt", "abs", "sign", "sin", "cos", "tan", "tanh", "arctan", "sigmoid",
    "softplus", "relu", "step", "logical_not", "copy",
    "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "less", "less_equal", "equal", "not_equal",
    "logical_and", "logical_or",
    "where", "sum", "max", "min", "matmul", "winner", "gather", "scatter", "gather_at", "scatter_at",
]
# fmt: on

SCALAR = {
    "negative": lambda a: -a,
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "arctan": np.arctan,
    "sigmoid": lambda a: 0.5 + 0.5 * np.tanh(0.5 * a),
    "softplus": lambda a: np.logaddexp(0.0, a),
    "relu": lambda a: np.maximum(a, 0.0),
    "step": lambda a: np.heaviside(a, 1.0),
    "logical_not": lambda a: 1.0 - (a != 0),
    "copy": lambda a: a,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "less": lambda a, b: 1.0 * (a < b),
    "less_equal": lambda a, b: 1.0 * (a <= b),
    "equal": lambda a, b: 1.0 * (a == b),
    "not_equal": lambda a, b: 1.0 * (a != b),
    "logical_and": lambda a, b: 1.0 * ((a != 0) & (b != 0)),
    "logical_or": lambda a, b: 1.0 * ((a != 0) | (b != 0)),
    "where": lambda a, b, c: np.where(a != 0, b, c),
}


def run_program(code, table, work, ints):
    """Run a program: one instruction after another, each a function of entries of `work`, written back to `work`.

    code (n, 8) int64: number of the instruction's name in NAMES, number of axes d, places in `work` of the result and
        of up to three operands, place p of its numbers in `table`, entries it computes (ignored here)
    table (.) int64: at p, by instruction
        elementwise: with d = 0 nothing; else the shape (d), then the strides (d each) of result and three operands
        sum, max, min: the shape (d) of the operand, the strides (d each) of the result, 0 along reduced axes, and of
            the operand, then the number of entries of the result, which lie together
        matmul: number of products, m, k, n; then for each operand the entries between one product and the next, and
            whether it lies transposed; then for each whether its zeros annul: 0 times infinity is 0 then, not NaN;
            the result's products follow one another
        winner: rows, n; 1 at the first largest entry of each row of n (the first NaN, if there is one), otherwise 0
        gather: count, then the places, counted from the operand's first entry, whose entries follow one another
        scatter: count, entries of the result, then the places to which the operand's entries are added, from zero
        gather_at, scatter_at: number of indices k, positions n, entries r at each, entries of the indexed array, its
            first k lengths, then for each index its place in `ints`; x[i, j, ...] or zeros with += there
    work (.) float64 or float32, changed in place: numbers, constants, inputs, and every result
    ints (.) int64: the indices; negative ones count from the end

    Conditions are 1 and 0. Values are as in NumPy, NaN and infinities included; max and min give NaN if there is one.
    Raises IndexError where an index lies outside its axis. Sums are exact up to rounding, in any order.
    """
    for instruction in range(len(code)):
        number, d, out, a, b, c, p, _ = (int(v) for v in code[instruction])
        name, numbers = NAMES[number], table[p:]
        if name in SCALAR:
            _elementwise(name, d, (out, a, b, c), numbers, work)
        elif name in ("sum", "max", "min"):
            _reduction(name, d, out, a, numbers, work)
        elif name == "matmul":
            _products(out, a, b, numbers, work)
        elif name == "winner":
            rows = work[a : a + numbers[0] * numbers[1]].reshape(numbers[:2])
            best = np.argmax(rows, axis=1)
            work[out : out + rows.size] = (np.arange(rows.shape[1]) == best[:, None]).ravel()
        elif name == "gather":
            work[out : out + numbers[0]] = work[a + numbers[1 : 1 + numbers[0]]]
        elif name == "scatter":
            total = np.zeros(numbers[1])
            np.add.at(total, numbers[2 : 2 + numbers[0]], work[a : a + numbers[0]])
            work[out : out + total.size] = total
        else:
            _indexed(name, instruction, out, a, numbers, work, ints)


def _positions(start, shape, strides):
    """Places of the entries of a strided array, in row-major order."""
    grid = np.indices(shape).reshape(len(shape), math.prod(shape))
    return start + np.asarray(strides, np.int64) @ grid


def _elementwise(name, d, starts, numbers, work):
    function = SCALAR[name]
    n_arguments = function.nin if isinstance(function, np.ufunc) else function.__code__.co_argcount
    shape = numbers[:d]
    places = [_positions(s, shape, numbers[(q + 1) * d : (q + 2) * d]) for q, s in enumerate(starts)]
    with np.errstate(all="ignore"):
        work[places[0]] = function(*[work[at] for at in places[1 : 1 + n_arguments]])


def _reduction(name, d, out, a, numbers, work):
    shape = numbers[:d]
    to = _positions(out, shape, numbers[d : 2 * d])
    source = work[_positions(a, shape, numbers[2 * d : 3 * d])]
    for place in range(out, out + numbers[3 * d]):
        parts = source[to == place]
        if name == "sum":
            work[place] = math.fsum(parts) if np.all(np.isfinite(parts)) else np.sum(parts)
        else:
            work[place] = np.max(parts) if name == "max" else np.min(parts)


def _products(out, a, b, numbers, work):
    count, m, k, n, step_a, transposed_a, step_b, transposed_b, annuls_a, annuls_b = (int(v) for v in numbers[:10])
    for i in range(count):
        left = work[a + i * step_a :][: m * k]
        right = work[b + i * step_b :][: k * n]
        left = left.reshape(k, m).T if transposed_a else left.reshape(m, k)
        right = right.reshape(n, k).T if transposed_b else right.reshape(k, n)
        annulled = (annuls_a & (left == 0))[:, :, None] | (annuls_b & (right == 0))
        with np.errstate(all="ignore"):
            terms = np.where(annulled, 0, left[:, :, None] * right)
            work[out + i * m * n : out + (i + 1) * m * n] = terms.sum(axis=1).ravel()


def _indexed(name, instruction, out, a, numbers, work, ints):
    k, n, r, size = (int(v) for v in numbers[:4])
    lengths = numbers[4 : 4 + k]
    index = [ints[start : start + n] for start in numbers[4 + k : 4 + 2 * k]]
    if any(np.any((i < -length) | (i >= length)) for i, length in zip(index, lengths, strict=True)):
        raise IndexError(f"instruction {instruction} takes an entry outside its array")
    if name == "gather_at":
        whole = work[a : a + size].reshape(*lengths, r)
        work[out : out + n * r] = whole[tuple(index)].ravel()
    else:
        whole = np.zeros((*lengths, r))
        np.add.at(whole, tuple(index), work[a : a + n * r].reshape(n, r))
        work[out : out + size] = whole.ravel()


def sgd_step(w, g, state, hyper, l1, l2, t):
    """One step of gradient descent with momentum: v = momentum v - rate s, w = w + v, for the penalised slope s.

    w (n,) weights, changed | g (n,) gradient of the loss | state (2, n): v in its first row, changed
    hyper: (rate, momentum, ...) | l1, l2 (n,): s = g + l2 w + l1 sign(w), with sign(0) = 0 | t: not used
    Averages and velocities below 1e-30 may be taken for 0. Source: Polyak 1964.
    """
    state[0] = hyper[1] * state[0] - hyper[0] * _slope(w, g, l1, l2)
    w += state[0].astype(w.dtype)


def adagrad_step(w, g, state, hyper, l1, l2, t):
    """One step of AdaGrad: the rate of each weight is divided by the root of the sum of its squared slopes.

    hyper: (rate, epsilon, ...) | state (2, n): the sums in its first row, changed | otherwise as sgd_step
    Source: Duchi, Hazan and Singer 2011.
    """
    slope = _slope(w, g, l1, l2)
    state[0] += slope**2
    w -= (hyper[0] * slope / (np.sqrt(state[0]) + hyper[1])).astype(w.dtype)


def adam_step(w, g, state, hyper, l1, l2, t):
    """Step number t = 1, 2, ... of Adam: averages of slopes and of their squares, as if they had not begun at zero.

    hyper: (rate, epsilon, beta1, beta2) | state (2, n): both averages, changed | otherwise as sgd_step
    epsilon is added to the root before the correction of its bias, as at the end of section 2 of the source.
    Source: Kingma and Ba 2015.
    """
    slope = _slope(w, g, l1, l2)
    rate, epsilon, beta1, beta2 = hyper[:4]
    state[0] = beta1 * state[0] + (1 - beta1) * slope
    state[1] = beta2 * state[1] + (1 - beta2) * slope**2
    w -= (rate * math.sqrt(1 - beta2**t) / (1 - beta1**t) * state[0] / (np.sqrt(state[1]) + epsilon)).astype(w.dtype)


def penalty(w, l1, l2):
    """Sum over the weights w (n,) of l1 |w| + l2 w^2 / 2."""
    return float(np.sum(l1 * np.abs(w) + 0.5 * l2 * w.astype(float) ** 2))


def _slope(w, g, l1, l2):
    return g + l2 * w + l1 * np.sign(w)
