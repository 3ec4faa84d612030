"""Batches of a dense network: forward, loss, backward and the solver's step. Contract: reference/.

A batch is done in two phases, whose parts are cut by the shapes alone. Rows: gather, forward, loss and backward of some
rows of the batch. Weights: the gradient of a block of one layer's weights over the whole batch, and at once their step,
so that no gradient as large as the network is ever stored, none is added up, and no thread can change a bit. A small
network runs both phases in one serial kernel, for as many batches as it is given.

All arrays of a batch are flat: of each layer, rows after rows. Products go to BLAS where they are large, and to a plain
loop where calling BLAS costs more than the product (`LOOPS`, measured).
"""

import numpy as np

from fastml_ext.jit import kernel
from fastml_ext.neural.codes import Buffers, Design, State, Table
from fastml_ext.neural.functions import SOFTMAX, activate, one_loss, output_row, softmax
from fastml_ext.neural.instructions import (
    GOLDEN,
    borrow,
    gemm,
    mix,
    panel_1,
    panel_4,
    panel_16,
    panel_32,
    row_key,
)
from fastml_ext.neural.steps import move, scale_of

__all__ = [
    "few_rows",
    "forward_part",
    "gradient_part",
    "loss_part",
    "rows_part",
    "train_slice",
    "weights_part",
]

LOOPS = 6000  # multiplications below which a product is a plain loop
CHUNK = 128  # rows of a forward pass that is not trained from
INPUT = np.uint64(2**32)


@kernel
def across(C, B, A, W, n, count):
    """C[c : c + n] = B[b : b + n] + sum of A[a + j * step] * W[w + j * stride : ... + n] over j < count."""
    c, c0 = C
    b, b0 = B
    w, w0, stride = W
    o = np.int64(0)
    while o + 32 <= n:
        panel_32((c, c0 + o), (b, b0 + o), A, (w, w0 + o, stride), count)
        o += 32
    if o + 16 <= n:
        panel_16((c, c0 + o), (b, b0 + o), A, (w, w0 + o, stride), count)
        o += 16
    while o + 4 <= n:
        panel_4((c, c0 + o), (b, b0 + o), A, (w, w0 + o, stride), count)
        o += 4
    while o < n:
        panel_1((c, c0 + o), (b, b0 + o), A, (w, w0 + o, stride), count)
        o += 1


@kernel
def multiply(blas, A, W, C, m, n, k):
    """C (m, n) = A (m, k) W (k, n) + the intercepts (n,) that follow W; each a (flat array, first place)."""
    a, a0 = A
    w, w0 = W
    c, c0 = C
    bias = w0 + k * n
    if m <= 2 or m * n * k <= LOOPS:
        for i in range(m):
            across((c, c0 + i * n), (w, bias), (a, a0 + i * k, 1), (w, w0, n), n, k)
        return
    repeat(w[bias : bias + n], m, c, c0)
    gemm(blas, (0, 0), (m, n, k), (a, a0, k), (w, w0, n), (c, c0, n), 1)


@kernel
def repeat(row, m, C, c0):
    """`row` into m rows of C from c0 on."""
    n = len(row)
    for i in range(m):
        target = C[c0 + i * n : c0 + (i + 1) * n]
        for o in range(n):
            target[o] = row[o]


@kernel
def multiply_sparse(table, rows, first, last, W, w0, C, n):
    """C (rows, n) = the CSR rows times W (d, n), plus the intercepts that follow W."""
    d_n = w0 + np.int64(table.columns[0]) * n
    repeat(W[d_n : d_n + n], last - first, C, first * n)
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
        row, target = table.X[rows[r]], values[r * d : (r + 1) * d]
        for j in range(d):
            target[j] = row[j]
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
        at, to, place = buffers.places[layer, 0], buffers.places[layer, 1], buffers.places[layer, 2]
        after = buffers.places[layer + 1, 0]
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
    own, zeros = first * buffers.hidden, len(carry) - k  # parts may be at different layers: each has its own room
    if m * n * k > LOOPS:
        gemm(buffers.blas, (0, 1), (m, k, n), (slopes, to + first * n, n), (w, place, n), (carry, own, k), 0)
        row, target = carry[own : own + m * k], slopes[below + first * k : below + last * k]
        for i in range(m * k):
            target[i] *= row[i]
        return
    turned = buffers.turned[buffers.places[layer, 3] :]
    for j in range(k):
        for o in range(n):
            turned[o * k + j] = w[place + j * n + o]
    for r in range(first, last):
        across((carry, own), (carry, zeros), (slopes, to + r * n, 1), (turned, 0, k), k, n)
        target, row = slopes[below + r * k : below + (r + 1) * k], carry[own : own + k]
        for j in range(k):
            target[j] *= row[j]


@kernel
def block_gradient(design, rows, table, buffers, block, G, g0, keep):
    """Sum over the batch of a block's gradient into G from g0 on (added if `keep`): its coefs, then its intercepts."""
    layer, low, high = block
    at, to = buffers.places[layer, 0], buffers.places[layer, 1]
    k, n, size = design.units[layer], design.units[layer + 1], len(rows)
    values, slopes, count = buffers.values, buffers.slopes, (high - low) * n
    if not keep:
        whole = G[g0 : g0 + count + (n if high == k else 0)]
        for i in range(len(whole)):
            whole[i] = 0
    if layer == 0 and len(table.indptr) > 0:
        sparse_gradient(table, rows, low, high, slopes, to, n, G, g0)
    elif count * size > LOOPS and size > 2:
        gemm(buffers.blas, (1, 0), (high - low, n, size), (values, at + low, k), (slopes, to, n), (G, g0, n), 1)
    else:
        for j in range(low, high):
            at_j = g0 + (j - low) * n
            across((G, at_j), (G, at_j), (values, at + j, k), (slopes, to, n), n, size)
    if high == k:
        for r in range(size):
            row, target = slopes[to + r * n : to + (r + 1) * n], G[g0 + count : g0 + count + n]
            for o in range(n):
                target[o] += row[o]


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
    T, gradient, w = G.dtype.type, G[g0 : g0 + end - place], state.w[place : place + coefs]
    factor, cut, total = T(scale), T(method.clip_value), 0.0
    l1, l2 = T(design.l1 / weights), T(design.l2 / weights)
    for i in range(len(gradient)):
        gradient[i] *= factor
    if design.l2 > 0:
        total += 0.5 * design.l2 * np.dot(w, w)
        for i in range(len(w)):
            gradient[i] += l2 * w[i]
    if design.l1 > 0:
        for i in range(len(w)):
            total += design.l1 * abs(w[i])
            gradient[i] += l1 * np.sign(w[i])
    if method.clip_value < np.inf:
        for i in range(len(gradient)):
            gradient[i] = min(max(gradient[i], -cut), cut)
    return total


@kernel
def step(method, state, gradient, place, end):
    """One step of w[place:end] along `gradient`, as long; the clock has counted it already."""
    move(method, state.clock[0], state.w[place:end], state.first[place:end], state.second[place:end], gradient)


@kernel
def extent(design, buffers, block):
    """(place in w, coefs, end in w) of a block; its intercepts follow the layer's last coefs."""
    layer, low, high = block
    k, n = design.units[layer], design.units[layer + 1]
    place = buffers.places[layer, 2] + low * n
    coefs = (high - low) * n
    return place, coefs, place + coefs + (n if high == k else 0)


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
def borrowed(design, state, table, buffers):
    """The same records, to be handed to helpers at no cost; the kernel's caller keeps the arrays."""
    d, s, t, b = design, state, table, buffers
    functions, places = borrow(d.functions), borrow(b.places)
    numbers = d.loss, d.delta, d.loss_value, d.loss_slope, d.l1, d.l2, d.noise
    return (
        Design(borrow(d.units), borrow(d.activations), functions, borrow(d.dropout), *numbers),
        State(borrow(s.w), borrow(s.first), borrow(s.second), borrow(s.clock)),
        Table(
            *(borrow(t.X), borrow(t.stored), borrow(t.indices), borrow(t.indptr)),
            *(borrow(t.columns), borrow(t.Y), borrow(t.weight)),
        ),
        Buffers(
            *(b.blas, b.part, b.widest, b.hidden, places, borrow(b.blocks), borrow(b.values), borrow(b.slopes)),
            *(borrow(b.carry), borrow(b.turned), borrow(b.gradient), borrow(b.sums)),
        ),
    )


@kernel
def rows_part(start, stop, design, method, state, rows, table, buffers):
    """First phase of some parts of a batch, `buffers.part` rows each: (sum of losses, sum of weights)."""
    design, state, table, buffers = borrowed(design, state, table, buffers)
    rows, total, weights = borrow(rows), 0.0, 0.0
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
        step(method, state, G[: end - place], place, end)
    return penalty


@kernel
def gradient_part(start, stop, design, rows, table, buffers, G):
    """Second phase of some blocks, added to G (P,)."""
    for b in range(start, stop):
        block = buffers.blocks[b, 0], buffers.blocks[b, 1], buffers.blocks[b, 2]
        place, _, _ = extent(design, buffers, block)
        block_gradient(design, rows, table, buffers, block, G, place, True)


@kernel
def train_slice(design, method, state, order, batch, table, buffers, losses):
    """Whole batches in this thread; into losses: (loss before the step, penalty included) x (rows of the batch)."""
    design, state, table, buffers = borrowed(design, state, table, buffers)
    order, layers, blocks, G = borrow(order), len(design.units) - 1, buffers.blocks, buffers.gradient
    whole = method.clip_norm < np.inf
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
            step(method, state, G[g0 : g0 + end - place], place, end)
            if method.immediate and block[1] == 0 and block[0] > 0:
                backward_rows(design, state, 0, size, buffers, block[0])
        if whole:
            if square > method.clip_norm**2:
                G *= G.dtype.type(method.clip_norm / np.sqrt(square))
            step(method, state, G, 0, len(G))
        losses[begin // batch] = size * (loss + penalty / weights)


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
    flat = table.X.reshape(-1)
    for low in range(start, stop, CHUNK):
        m, place = min(CHUNK, stop - low), np.int64(0)
        for layer in range(layers):
            k, n = units[layer], units[layer + 1]
            target = one if layer % 2 == 0 else other
            source = other if layer % 2 == 0 else one
            if layer > 0:
                multiply(blas, (source, 0), (w, place), (target, 0), m, n, k)
            elif sparse:
                multiply_sparse(table, np.arange(low, low + m), 0, m, w, place, target, n)
            else:
                multiply(blas, (flat, low * k), (w, place), (target, 0), m, n, k)
            if activations[layer] == SOFTMAX:
                for r in range(m):
                    softmax(target, r * n, (r + 1) * n)
            else:
                activate(activations[layer], functions[layer], target, 0, m * n, waste, 0)
            place += k * n + n
        for r in range(m):
            row, answer = target[r * n : (r + 1) * n], out[low + r]
            for o in range(n):
                answer[o] = row[o]


@kernel
def few_rows(units, activations, functions, w, X, out):
    """Outputs of a row or two, for which BLAS is too slow to call, and so are the records of `forward_part`."""
    widest = np.int64(1)
    for n in units:
        widest = max(widest, n)
    one, other, waste = np.empty(widest, w.dtype), np.empty(widest, w.dtype), np.empty(widest, w.dtype)
    for i in range(len(X)):
        place = np.int64(0)
        for j in range(units[0]):
            one[j] = X[i, j]
        for layer in range(len(activations)):
            k, n = units[layer], units[layer + 1]
            across((other, 0), (w, place + k * n), (one, 0, 1), (w, place, n), n, k)
            if activations[layer] == SOFTMAX:
                softmax(other, 0, n)
            else:
                activate(activations[layer], functions[layer], other, 0, n, waste, 0)
            one, other = other, one
            place += k * n + n
        for o in range(len(out[i])):
            out[i, o] = one[o]
