"""Batches of a dense network: forward, loss, backward and the solver's step. Contract: reference/.

A batch is done in two phases, whose parts are cut by the shapes alone. Rows: gather, forward, loss and backward of some
rows of the batch. Weights: the gradient of a block of one layer's weights over the whole batch, and at once their step,
so that no gradient as large as the network is ever stored, none is added up, and no thread can change a bit. A small
network runs both phases in one serial kernel, for as many batches as it is given.

All arrays of a batch are flat: of each layer, rows after rows. Products go to BLAS where they are large, and to a plain
loop where calling BLAS costs more than the product (`LOOPS`, measured).
"""

import math

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastml_ext.jit import kernel

__all__ = ["forward_part", "gradient_part", "loss_part", "rows_part", "scale_of", "train_slice", "weights_part"]

LOOPS = 6000  # multiplications below which a product is a plain loop
SQUARED, ROOT, ABSOLUTE, HUBER, LOG, BINARY, POISSON, OWN = range(8)  # codes.LOSSES
IDENTITY, LOGISTIC, TANH, RELU, LEAKY, GELU, ELU, SOFTPLUS, STEP, THROUGH, EXP, SOFTMAX, USER = range(13)
SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM, ADAMW = range(7)
CHUNK = 128  # rows of a forward pass that is not trained from
LEAST = 1e-30  # smaller moments are zero: subnormal numbers take 100 times longer
INPUT = np.uint64(2**32)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@intrinsic
def gemm(typing_context, address, transposed, shape, A, B, C, keep):
    """C = A B, or C += A B if `keep`, by the BLAS function at `address`; A and B as they are or transposed (2 flags).

    shape: (m, n, k) | A, B, C: (flat array, first place, length of a row as stored)
    """

    def code(context, builder, signature, arguments):
        ir = cgutils.ir
        word, byte = ir.IntType(32), ir.IntType(8)
        number = context.get_value_type(signature.args[3][0].dtype)

        def part(i, j):
            return builder.extract_value(arguments[i], j)

        def place(kind, value):
            slot = cgutils.alloca_once(builder, kind)
            builder.store(value, slot)
            return slot

        def integer(value):
            return place(word, builder.trunc(value, word))

        def matrix(i):
            array = context.make_array(signature.args[i][0])(context, builder, part(i, 0))
            return builder.gep(array.data, [part(i, 1)])

        def letter(flag):
            return place(byte, builder.select(builder.trunc(flag, ir.IntType(1)), byte(ord("T")), byte(ord("N"))))

        one = place(number, number(1.0))
        beta = place(number, builder.select(builder.trunc(arguments[6], ir.IntType(1)), number(1.0), number(0.0)))
        m, n, k = (integer(part(2, j)) for j in range(3))
        flags = [letter(part(1, j)) for j in range(2)]
        leading = {i: integer(part(i, 2)) for i in (3, 4, 5)}
        # BLAS counts columns first: what it sees is the transposed product, B' A'.
        given = [
            flags[1],
            flags[0],
            n,
            m,
            k,
            one,
            matrix(4),
            leading[4],
            matrix(3),
            leading[3],
            beta,
            matrix(5),
            leading[5],
        ]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(address, transposed, shape, A, B, C, keep), code


@intrinsic
def call_one(typing_context, address, z):
    """Call the user's compiled function float64(float64) that stands at `address`."""

    def code(context, builder, signature, arguments):
        real = context.get_value_type(types.float64)
        pointer = builder.inttoptr(arguments[0], cgutils.ir.FunctionType(real, [real]).as_pointer())
        return builder.call(pointer, arguments[1:])

    return types.float64(types.int64, types.float64), code


@intrinsic
def call_two(typing_context, address, a, y):
    """Call the user's compiled function float64(float64, float64) that stands at `address`."""

    def code(context, builder, signature, arguments):
        real = context.get_value_type(types.float64)
        pointer = builder.inttoptr(arguments[0], cgutils.ir.FunctionType(real, [real, real]).as_pointer())
        return builder.call(pointer, arguments[1:])

    return types.float64(types.int64, types.float64, types.float64), code


@intrinsic
def power_of_two(typing_context, n):
    """2.0 ** n for -1022 <= n <= 1023: n is the exponent of a float64."""

    def code(context, builder, signature, arguments):
        ir = cgutils.ir
        wide = ir.IntType(64)
        bits = builder.shl(builder.add(arguments[0], wide(1023)), wide(52))
        return builder.bitcast(bits, ir.DoubleType())

    return types.float64(types.int64), code


@kernel
def expm1(x):
    """exp(x) - 1 without a branch, so that loops of it vectorise: 2^n (1 + series(r)) - 1, |r| <= log(2) / 2.

    The series ends where its rest is below 1e-17; x is held within [-708, 709].
    """
    x = min(max(x, -708.0), 709.0)
    n = np.floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    q = 1.6059043836821613e-10
    q = q * r + 2.08767569878681e-09
    q = q * r + 2.505210838544172e-08
    q = q * r + 2.755731922398589e-07
    q = q * r + 2.7557319223985893e-06
    q = q * r + 2.48015873015873e-05
    q = q * r + 0.0001984126984126984
    q = q * r + 0.001388888888888889
    q = q * r + 0.008333333333333333
    q = q * r + 0.041666666666666664
    q = q * r + 0.16666666666666666
    q = q * r + 0.5
    q = q * r * r + r
    scale = power_of_two(np.int64(n) - 1)  # half of it: 2^1024 is none
    return 2.0 * (scale * q + (scale - 0.5))


@kernel
def mix(z):
    """The output function of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def row_key(seed, step, row):
    """What the random numbers of a row of the batch start from."""
    key = mix(np.uint64(seed) + GOLDEN * np.uint64(step + 1))
    return mix(key + GOLDEN * np.uint64(row + 1))


@kernel
def activation(code, z, functions):
    """(activation of z, its derivative), one number each."""
    if code == RELU:
        return (z, 1.0) if z > 0 else (0.0, 0.0)
    if code == IDENTITY:
        return z, 1.0
    if code == LEAKY:
        return (z, 1.0) if z > 0 else (0.01 * z, 0.01)
    if code == GELU:
        cdf = 0.5 + 0.5 * math.erf(z * 0.7071067811865476)
        return z * cdf, cdf + z * 0.3989422804014327 * np.exp(-0.5 * z * z)
    if code == ELU:
        e = expm1(min(z, 0.0))
        return (z, 1.0) if z > 0 else (e, e + 1.0)
    if code == SOFTPLUS:
        e = np.exp(-abs(z))
        return max(z, 0.0) + np.log1p(e), (1.0 if z > 0 else e) / (1.0 + e)
    if code == STEP:
        return (1.0 if z >= 0 else 0.0), 0.0
    if code == THROUGH:
        return (1.0 if z >= 0 else 0.0), (1.0 if abs(z) <= 1 else 0.0)
    if code == EXP:
        e = np.exp(z)
        return e, e
    return call_one(functions[0], z), call_one(functions[1], z)


@kernel
def activate(code, functions, Z, first, last, D, at):
    """Activations of Z[first:last] in place; their derivatives into D from `at` on."""
    shift = at - first
    if code == RELU:
        zero = Z.dtype.type(0)
        one = Z.dtype.type(1)
        for i in range(first, last):
            z = Z[i]
            D[i + shift] = one if z > zero else zero
            Z[i] = z if z > zero else zero
    elif code == LOGISTIC:
        for i in range(first, last):
            z = np.float64(Z[i])
            e = expm1(-abs(z)) + 1.0
            s = 1.0 / (1.0 + e)
            s = s if z > 0 else e * s
            Z[i] = s
            D[i + shift] = s * (1.0 - s)
    elif code == TANH:
        for i in range(first, last):
            z = np.float64(Z[i])
            e = expm1(-2.0 * abs(z))
            t = -e / (e + 2.0)
            t = t if z > 0 else -t
            Z[i] = t
            D[i + shift] = 1.0 - t * t
    else:
        for i in range(first, last):
            a, d = activation(code, np.float64(Z[i]), functions)
            Z[i] = a
            D[i + shift] = d


@kernel
def softmax(Z, first, last):
    top, total = Z[first], 0.0
    for i in range(first + 1, last):
        top = max(top, Z[i])
    for i in range(first, last):
        e = np.exp(np.float64(Z[i] - top))
        Z[i] = e
        total += e
    for i in range(first, last):
        Z[i] /= total


@kernel
def one_loss(design, a, y, eps):
    """(loss, its derivative by a) of one output a at target y."""
    code, r = design.loss, a - y
    if code <= ROOT:
        return (0.5 * r * r, r) if code == SQUARED else (r * r, r)  # ROOT: what is missing comes with the scale
    if code == ABSOLUTE:
        return abs(r), np.sign(r)
    if code == HUBER:
        c = design.delta
        return (0.5 * r * r, r) if abs(r) <= c else (c * (abs(r) - 0.5 * c), c * np.sign(r))
    if code == OWN:
        return call_two(design.loss_value, a, y), call_two(design.loss_slope, a, y)
    a = max(a, eps)
    if code == POISSON:
        return (y * np.log(y / a) if y != 0 else 0.0) - y + a, 1.0 - y / a
    a = min(a, 1.0 - eps)
    loss = -y * np.log(a) if y != 0 else 0.0
    if code == LOG:
        return loss, -y / a
    if y != 1:
        loss -= (1.0 - y) * np.log(1.0 - a)
    return loss, (1.0 - y) / (1.0 - a) - y / a


@kernel
def output_row(design, Z, at, D, to, y, v, eps):
    """Loss of a row of weight v, whose last z stand in Z from `at` on, and its derivative by them into D from `to` on."""
    k, last = len(y), len(design.activations) - 1
    code, total = design.activations[last], 0.0
    canonical = (
        (code == SOFTMAX and design.loss == LOG)
        or (code == LOGISTIC and design.loss == BINARY)
        or (code == IDENTITY and design.loss == SQUARED)
        or (code == EXP and design.loss == POISSON)
    )
    if code == SOFTMAX:
        softmax(Z, at, at + k)
    else:
        activate(code, design.functions[last], Z, at, at + k, D, to)
    inner = 0.0
    for c in range(k):
        a = np.float64(Z[at + c])
        loss, slope = one_loss(design, a, np.float64(y[c]), eps)
        total += loss
        if canonical:
            D[to + c] = v * (a - y[c])
        elif code == SOFTMAX:
            D[to + c] = slope
            inner += slope * a
        else:
            D[to + c] *= v * slope
    if code == SOFTMAX and not canonical:
        for c in range(k):
            D[to + c] = v * Z[at + c] * (D[to + c] - inner)
    return v * total


@kernel
def multiply(blas, A, W, C, m, n, k):
    """C (m, n) += A (m, k) W (k, n); A, W, C: (flat array, first place), rows without gaps."""
    a, a0 = A
    w, w0 = W
    c, c0 = C
    if m > 2 and m * n * k > LOOPS:
        gemm(blas, (0, 0), (m, n, k), (a, a0, k), (w, w0, n), (c, c0, n), 1)
        return
    for i in range(m):
        row = c[c0 + i * n : c0 + (i + 1) * n]
        x = a[a0 + i * k : a0 + (i + 1) * k]
        whole = k - k % 4
        for j in range(0, whole, 4):
            p, q, r, s = x[j], x[j + 1], x[j + 2], x[j + 3]
            w1 = w[w0 + j * n : w0 + (j + 1) * n]
            w2 = w[w0 + (j + 1) * n : w0 + (j + 2) * n]
            w3 = w[w0 + (j + 2) * n : w0 + (j + 3) * n]
            w4 = w[w0 + (j + 3) * n : w0 + (j + 4) * n]
            for o in range(n):
                row[o] += (p * w1[o] + q * w2[o]) + (r * w3[o] + s * w4[o])
        for j in range(whole, k):
            p = x[j]
            w1 = w[w0 + j * n : w0 + (j + 1) * n]
            for o in range(n):
                row[o] += p * w1[o]


@kernel
def multiply_sparse(table, rows, first, last, W, w0, C, n):
    """C (rows, n) += the CSR rows times W (d, n)."""
    for r in range(first, last):
        i = rows[r]
        row = C[r * n : (r + 1) * n]
        for p in range(table.indptr[i], table.indptr[i + 1]):
            x, at = table.stored[p], w0 + np.int64(table.indices[p]) * n
            w = W[at : at + n]
            for o in range(n):
                row[o] += x * w[o]


@kernel
def gather(design, method, step, rows, first, last, table, values):
    """Rows of X, with noise on them, into the first layer's values."""
    d = design.units[0]
    for r in range(first, last):
        values[r * d : (r + 1) * d] = table.X[rows[r]]
        if design.noise > 0:
            key = row_key(method.seed, step, r)
            for j in range(d):
                bits = mix(key + GOLDEN * (np.uint64(j) + INPUT + np.uint64(1)))
                u = (np.float64(bits >> np.uint64(32)) + 0.5) / 2.0**32
                v = np.float64(bits & np.uint64(2**32 - 1)) / 2.0**32
                values[r * d + j] += design.noise * np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)


@kernel
def drop(share, seed, step, first, last, n, counted, Z, z0, D, d0):
    """Multiply activations and derivatives of rows first..last with 0, or with what makes up for it."""
    up = 1.0 / (1.0 - share)
    for r in range(first, last):
        key = row_key(seed, step, r)
        for j in range(n):
            bits = mix(key + GOLDEN * np.uint64(counted + j + 1))
            factor = 0.0 if np.float64(bits >> np.uint64(11)) / 2.0**53 < share else up
            Z[z0 + r * n + j] *= factor
            D[d0 + r * n + j] *= factor


@kernel
def forward_rows(design, method, state, rows, first, last, table, buffers):
    """Values and derivatives of all layers but the last, whose z are left as they are, for rows first..last."""
    units, values, slopes, w = design.units, buffers.values, buffers.slopes, state.w
    sparse, counted = len(table.indptr) > 0, np.int64(0)
    if not sparse:
        gather(design, method, state.clock[0], rows, first, last, table, values)
    for layer in range(len(units) - 1):
        k, n = units[layer], units[layer + 1]
        at, to, place = buffers.places[layer]
        after, bias = buffers.places[layer + 1, 0], w[place + k * n : place + k * n + n]
        for r in range(first, last):
            values[after + r * n : after + (r + 1) * n] = bias
        if sparse and layer == 0:
            multiply_sparse(table, rows, first, last, w, place, values[after:], n)
        else:
            A, C = (values, at + first * k), (values, after + first * n)
            multiply(buffers.blas, A, (w, place), C, last - first, n, k)
        if layer < len(units) - 2:
            z0, z1 = after + first * n, after + last * n
            activate(design.activations[layer], design.functions[layer], values, z0, z1, slopes, to + first * n)
            if design.dropout[layer] > 0:
                share, step = design.dropout[layer], state.clock[0]
                drop(share, method.seed, step, first, last, n, counted, values, after, slopes, to)
        counted += n


@kernel
def losses_of(design, rows, first, last, table, buffers):
    """(sum of weighted losses, sum of weights) of rows first..last; the last layer's slopes."""
    total, weights, k = 0.0, 0.0, design.units[-1]
    at, to = buffers.places[-1, 0], buffers.places[-2, 1]
    eps = np.float64(np.finfo(buffers.values.dtype).eps)
    for r in range(first, last):
        i = rows[r]
        v = table.weight[i] if len(table.weight) else 1.0
        total += output_row(design, buffers.values, at + r * k, buffers.slopes, to + r * k, table.Y[i], v, eps)
        weights += v
    return total, weights


@kernel
def backward_rows(design, state, first, last, buffers, layer):
    """Slopes of the layer below `layer` for rows first..last: through its weights, times the derivatives there."""
    to, place, below = buffers.places[layer, 1], buffers.places[layer, 2], buffers.places[layer - 1, 1]
    k, n, m = design.units[layer], design.units[layer + 1], last - first
    slopes, carry, w = buffers.slopes, buffers.carry, state.w
    if m * n * k > LOOPS:
        D, C = (slopes, to + first * n, n), (carry, first * k, k)
        gemm(buffers.blas, (0, 1), (m, k, n), D, (w, place, n), C, 0)
        for i in range(first * k, last * k):
            slopes[below + i] *= carry[i]
        return
    for r in range(first, last):
        delta = slopes[to + r * n : to + (r + 1) * n]
        for j in range(k):
            row = w[place + j * n : place + (j + 1) * n]
            s = row[0] * delta[0]
            for o in range(1, n):
                s += row[o] * delta[o]
            slopes[below + r * k + j] *= s


@kernel
def block_gradient(design, rows, table, buffers, block, G, g0, keep):
    """Sum over the batch of a block's gradient into G from g0 on (added if `keep`): its coefs, then its intercepts."""
    layer, low, high = block
    at, to = buffers.places[layer, 0], buffers.places[layer, 1]
    k, n, size = design.units[layer], design.units[layer + 1], len(rows)
    values, slopes, count = buffers.values, buffers.slopes, (high - low) * n
    if not keep:
        G[g0 : g0 + count + (n if high == k else 0)] = 0
    if layer == 0 and len(table.indptr) > 0:
        sparse_gradient(table, rows, low, high, slopes, to, n, G, g0)
    elif count * size > LOOPS and size > 2:
        gemm(buffers.blas, (1, 0), (high - low, n, size), (values, at + low, k), (slopes, to, n), (G, g0, n), 1)
    else:
        for r in range(size):
            delta = slopes[to + r * n : to + (r + 1) * n]
            for j in range(low, high):
                a = values[at + r * k + j]
                row = G[g0 + (j - low) * n : g0 + (j - low + 1) * n]
                for o in range(n):
                    row[o] += a * delta[o]
    if high == k:
        for r in range(size):
            for o in range(n):
                G[g0 + count + o] += slopes[to + r * n + o]


@kernel
def sparse_gradient(table, rows, low, high, slopes, to, n, G, g0):
    for r in range(len(rows)):
        i = rows[r]
        first, last = table.indptr[i], table.indptr[i + 1]
        delta = slopes[to + r * n : to + (r + 1) * n]
        for p in range(first + np.searchsorted(table.indices[first:last], low), last):
            j = np.int64(table.indices[p])
            if j >= high:
                break
            a = table.stored[p]
            row = G[g0 + (j - low) * n : g0 + (j - low + 1) * n]
            for o in range(n):
                row[o] += a * delta[o]


@kernel
def finish_gradient(design, method, state, G, g0, place, coefs, end, scale, weights):
    """The gradient of the batch's objective in G[g0:], from sums; the penalty of the block's weights.

    The block's coefs stand in w[place : place + coefs], its intercepts up to `end`.
    """
    T, w = G.dtype.type, state.w
    factor, cut = T(scale), T(method.clip_value)
    l1, l2, total, shift = T(design.l1 / weights), T(design.l2 / weights), 0.0, g0 - place
    for i in range(place, end):
        G[i + shift] *= factor
    if design.l2 > 0:
        own = w[place : place + coefs]
        total += 0.5 * design.l2 * np.dot(own, own)
        for i in range(place, place + coefs):
            G[i + shift] += l2 * w[i]
    if design.l1 > 0:
        for i in range(place, place + coefs):
            total += design.l1 * abs(w[i])
            G[i + shift] += l1 * np.sign(w[i])
    if method.clip_value < np.inf:
        for i in range(place, end):
            G[i + shift] = min(max(G[i + shift], -cut), cut)
    return total


@kernel
def move(method, state, G, g0, place, end):
    """One step of w[place:end] along G[g0:]; the clock has counted it already."""
    w, first, second, shift = state.w, state.first, state.second, g0 - place
    T, t, solver = w.dtype.type, np.float64(state.clock[0]), method.solver
    rate, mu, eps, least = T(method.rate), T(method.momentum), T(method.epsilon), T(LEAST)
    zero = T(0)
    if solver == SGD:
        for i in range(place, end):
            w[i] -= rate * G[i + shift]
    elif solver <= NESTEROV:
        ahead, along = (mu, rate) if solver == NESTEROV else (T(1), zero)
        for i in range(place, end):
            v = mu * first[i] - rate * G[i + shift]
            v = v if abs(v) > least else zero
            first[i] = v
            w[i] += ahead * v - along * G[i + shift]
    elif solver <= RMSPROP:
        keep, share = (T(1), T(1)) if solver == ADAGRAD else (T(method.beta_2), T(1 - method.beta_2))
        for i in range(place, end):
            g = G[i + shift]
            s = keep * second[i] + share * (g * g)
            s = s if s > least else zero
            second[i] = s
            w[i] -= rate * g / (np.sqrt(s) + eps)
    else:
        b1, b2 = T(method.beta_1), T(method.beta_2)
        c1, c2 = T(1 - method.beta_1), T(1 - method.beta_2)
        rate = T(method.rate * np.sqrt(1 - method.beta_2**t) / (1 - method.beta_1**t))
        keep = T(1 - method.rate * method.decay) if solver == ADAMW else T(1)
        for i in range(place, end):
            g = G[i + shift]
            m = b1 * first[i] + c1 * g
            s = b2 * second[i] + c2 * (g * g)
            m = m if abs(m) > least else zero
            s = s if s > least else zero
            first[i], second[i] = m, s
            w[i] = keep * w[i] - rate * m / (np.sqrt(s) + eps)


@kernel
def extent(design, buffers, block):
    """(place in w, coefs, end in w) of a block; its intercepts follow the layer's last coefs."""
    layer, low, high = block
    k, n = design.units[layer], design.units[layer + 1]
    place = buffers.places[layer, 2] + low * n
    coefs = (high - low) * n
    return place, coefs, place + coefs + (n if high == k else 0)


@kernel
def scale_of(design, total, weights):
    """(loss of a batch, what sums of slopes are multiplied with) from the sums of its losses and of its weights."""
    if design.loss == ROOT:
        value = np.sqrt(total / weights)
        return value, (1.0 / (weights * value) if value > 0 else 0.0)
    return total / weights, 1.0 / weights


@kernel
def loss_part(start, stop, design, output, Y, weight):
    """(sum of weighted losses, sum of weights) of given outputs."""
    total, weights, eps = 0.0, 0.0, np.float64(np.finfo(output.dtype).eps)
    for i in range(start, stop):
        v = weight[i] if len(weight) else 1.0
        for c in range(Y.shape[1]):
            total += v * one_loss(design, np.float64(output[i, c]), np.float64(Y[i, c]), eps)[0]
        weights += v
    return total, weights


@kernel
def rows_part(start, stop, design, method, state, rows, table, buffers):
    """First phase of some parts of a batch, `buffers.part` rows each: (sum of losses, sum of weights)."""
    total, weights = 0.0, 0.0
    for p in range(start, stop):
        first, last = p * buffers.part, min((p + 1) * buffers.part, len(rows))
        forward_rows(design, method, state, rows, first, last, table, buffers)
        loss, weight = losses_of(design, rows, first, last, table, buffers)
        total, weights = total + loss, weights + weight
        for layer in range(len(design.units) - 2, 0, -1):
            backward_rows(design, state, first, last, buffers, layer)
    return total, weights


@kernel
def weights_part(start, stop, design, method, state, rows, table, buffers):
    """Second phase of some blocks, whose steps are taken: their penalty. buffers.sums: (scale, sum of weights)."""
    G, penalty = np.empty(buffers.widest, state.w.dtype), 0.0
    scale, weights = buffers.sums
    for b in range(start, stop):
        block = buffers.blocks[b, 0], buffers.blocks[b, 1], buffers.blocks[b, 2]
        place, coefs, end = extent(design, buffers, block)
        block_gradient(design, rows, table, buffers, block, G, 0, False)
        penalty += finish_gradient(design, method, state, G, 0, place, coefs, end, scale, weights)
        move(method, state, G, 0, place, end)
    return penalty


@kernel
def gradient_part(start, stop, design, rows, table, buffers, G):
    """Second phase of some blocks, added to G (P,)."""
    for b in range(start, stop):
        block = buffers.blocks[b, 0], buffers.blocks[b, 1], buffers.blocks[b, 2]
        place, _, _ = extent(design, buffers, block)
        block_gradient(design, rows, table, buffers, block, G, place, True)


@kernel
def train_slice(design, method, state, order, batch, table, buffers):
    """Whole batches in this thread: sum of (loss before the step, penalty included) x (rows of the batch)."""
    result, layers, blocks = 0.0, len(design.units) - 1, buffers.blocks
    G, whole = (
        np.empty(len(state.w) if method.clip_norm < np.inf else buffers.widest, state.w.dtype),
        method.clip_norm < np.inf,
    )
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        size = len(rows)
        forward_rows(design, method, state, rows, 0, size, table, buffers)
        total, weights = losses_of(design, rows, 0, size, table, buffers)
        if weights == 0:
            continue
        loss, scale = scale_of(design, total, weights)
        state.clock[0] += 1
        if not method.immediate:
            for layer in range(layers - 1, 0, -1):
                backward_rows(design, state, 0, size, buffers, layer)
        penalty, square = 0.0, 0.0
        for b in range(len(blocks) - 1, -1, -1):
            block = blocks[b, 0], blocks[b, 1], blocks[b, 2]
            place, coefs, end = extent(design, buffers, block)
            g0 = place if whole else np.int64(0)
            block_gradient(design, rows, table, buffers, block, G, g0, False)
            penalty += finish_gradient(design, method, state, G, g0, place, coefs, end, scale, weights)
            if whole:
                for i in range(place, end):
                    square += np.float64(G[i]) ** 2
                continue
            move(method, state, G, g0, place, end)
            if method.immediate and block[1] == 0 and block[0] > 0:
                backward_rows(design, state, 0, size, buffers, block[0])
        if whole:
            if square > method.clip_norm**2:
                G *= G.dtype.type(method.clip_norm / np.sqrt(square))
            move(method, state, G, 0, 0, len(G))
        result += size * (loss + penalty / weights)
    return result


@kernel
def forward_part(start, stop, units, activations, functions, w, table, out, blas):
    """Outputs of rows start..stop of a table into out, CHUNK rows at a time."""
    layers, widest, sparse = len(activations), np.int64(1), len(table.indptr) > 0
    for layer in range(layers):
        widest = max(widest, units[layer + 1])
    size = min(stop - start, CHUNK)
    one, other, waste = (
        np.empty(size * widest, w.dtype),
        np.empty(size * widest, w.dtype),
        np.empty(size * widest, w.dtype),
    )
    for low in range(start, stop, CHUNK):
        m, place = min(CHUNK, stop - low), np.int64(0)
        for layer in range(layers):
            k, n = units[layer], units[layer + 1]
            target = one if layer % 2 == 0 else other
            source = other if layer % 2 == 0 else one
            bias = w[place + k * n : place + k * n + n]
            for r in range(m):
                target[r * n : (r + 1) * n] = bias
            if layer > 0:
                multiply(blas, (source, 0), (w, place), (target, 0), m, n, k)
            elif sparse:
                multiply_sparse(table, np.arange(low, low + m), 0, m, w, place, target, n)
            else:
                multiply(blas, (table.X.reshape(-1), low * k), (w, place), (target, 0), m, n, k)
            if activations[layer] == SOFTMAX:
                for r in range(m):
                    softmax(target, r * n, (r + 1) * n)
            else:
                activate(activations[layer], functions[layer], target, 0, m * n, waste, 0)
            place += k * n + n
        for r in range(m):
            out[low + r] = target[r * n : (r + 1) * n]
