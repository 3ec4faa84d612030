"""Batches of a dense network: forward, loss, backward and the solver's step. Contract: reference/.

A batch is done in two phases, whose parts are cut by the shapes alone. Rows: gather, forward, loss and backward of some
rows of the batch. Weights: the gradient of a block of one layer's weights over the whole batch, and at once their step,
so that no gradient as large as the network is ever stored, none is added up, and no thread can change a bit. Threads
take parts and blocks as they come, batch after batch, without leaving the kernel.
"""

import numpy as np

from fastml_ext.device.calls import call_system
from fastml_ext.device.memory import add_one, borrow, keep, look_at, wait_for
from fastml_ext.device.products import ROOM, inner, product, row_sums, transpose
from fastml_ext.jit import kernel
from fastml_ext.neural.codes import Buffers, Design, State, Table
from fastml_ext.neural.passes import backward_rows, forward_rows, losses_of
from fastml_ext.neural.steps import move, scale_of

__all__ = [
    "LATE",
    "LIMIT",
    "TILE",
    "clocks_of",
    "gradient_of",
    "gradient_part",
    "losses_from",
    "mirror_all",
    "rows_part",
    "train_shared",
    "train_slice",
]

TILE = 8  # rows at which parts and blocks are cut: those of a tile
LOOKS = 4000  # at a number that another thread will change, before this one lets others run
TAKEN, LATE, DONE, LIMIT = 0, 8, 16, 24  # places of the counters that threads share, a cache line apart


@kernel
def block_gradient(design, rows, table, buffers, block, G):
    """Sum over the batch of a block's gradient into G: its coefs, then its intercepts."""
    layer, low, high = block
    at, to = buffers.offsets[layer, 0], buffers.offsets[layer, 1]
    k, n, size = design.units[layer], design.units[layer + 1], len(rows)
    values, deltas, count = buffers.values, buffers.deltas, (high - low) * n
    if layer == 0 and len(table.indptr) > 0:
        sparse_gradient(table, rows, low, high, deltas, to, n, G)
    elif n == 1:
        row_sums(G, 0, buffers.zeros, 0, (deltas, to), (values, at + low, k), high - low, size)
    else:
        product((G, 0, n), (buffers.zeros, 0, 0), (values, at + low, 1, k), (deltas, to, n), high - low, n, size)
    if high == k:
        column_sums(deltas, to, size, n, G, count)


@kernel
def column_sums(deltas, to, size, n, G, count):
    total = G[count : count + n]
    for o in range(n):
        total[o] = 0
    for r in range(size):
        row = deltas[to + r * n : to + (r + 1) * n]
        for o in range(n):
            total[o] += row[o]


@kernel
def sparse_gradient(table, rows, low, high, deltas, to, n, G):
    whole = G[: (high - low) * n]
    for i in range(len(whole)):
        whole[i] = 0
    for r in range(len(rows)):
        i = rows[r]
        first, last = table.indptr[i], table.indptr[i + 1]
        delta = deltas[to + r * n : to + (r + 1) * n]
        for p in range(first + np.searchsorted(table.indices[first:last], low), last):
            j = np.int64(table.indices[p])
            if j >= high:
                break
            a = table.stored[p]
            row = G[(j - low) * n : (j - low + 1) * n]
            for o in range(n):
                row[o] += a * delta[o]


@kernel
def finish_gradient(design, method, w, start, coefs, G, scale, weights):
    """The gradient of the batch's objective in G, from sums; the penalty of the coefs in w from `start` on."""
    T, factor, cut = G.dtype.type, G.dtype.type(scale), G.dtype.type(method.clip_value)
    l1, l2, own, total = T(design.l1 / weights), T(design.l2 / weights), w[start : start + coefs], 0.0
    for i in range(len(G)):
        G[i] *= factor
    if design.l2 > 0:
        total += 0.5 * design.l2 * inner(w, start, w, start, coefs)
        for i in range(coefs):
            G[i] += l2 * own[i]
    if design.l1 > 0:
        for i in range(coefs):
            total += design.l1 * abs(own[i])
            G[i] += l1 * np.sign(own[i])
    if method.clip_value < np.inf:
        for i in range(len(G)):
            G[i] = min(max(G[i], -cut), cut)
    return total


@kernel
def step_weights(design, method, state, clock, block, place, G, buffers):
    """Step number `clock` of a block's weights, which begin at `place`, along its gradient G."""
    end = place + len(G)
    move(method, clock, state.w[place:end], state.first[place:end], state.second[place:end], G)
    mirror(design.units, state.w, block, place, end, buffers)


@kernel
def mirror(units, w, block, place, end, buffers):
    """Bring the copies of a block's weights, w[place:end], up to date: the transposed ones and those of the tail."""
    layer, low, high = block
    k, n = units[layer], units[layer + 1]
    if layer > 0 and n > 1:
        transpose(w, buffers.offsets[layer, 2], k, n, low, high, buffers.transposed, buffers.offsets[layer, 3])
    if layer >= buffers.edge:
        start = buffers.offsets[buffers.edge, 2]
        for i in range(place, end):
            buffers.tail[i - start] = w[i]


@kernel
def mirror_all(units, w, buffers):
    for layer in range(len(units) - 1):
        block = np.int64(layer), np.int64(0), units[layer]
        mirror(units, w, block, buffers.offsets[layer, 2], buffers.offsets[layer + 1, 2], buffers)


@kernel
def extent(design, buffers, block):
    """(place in w, coefs, weights) of a block; its intercepts follow the layer's last coefs."""
    layer, low, high = block
    k, n = design.units[layer], design.units[layer + 1]
    coefs = (high - low) * n
    return buffers.offsets[layer, 2] + low * n, coefs, coefs + (n if high == k else 0)


@kernel
def one_block(design, method, state, clock, rows, table, buffers, block, G, scale, weights):
    """Gradient and step of a block of weights: its penalty."""
    place, coefs, count = extent(design, buffers, block)
    block_gradient(design, rows, table, buffers, block, G)
    penalty = finish_gradient(design, method, state.w, place, coefs, G[:count], scale, weights)
    step_weights(design, method, state, clock, block, place, G[:count], buffers)
    return penalty


@kernel
def borrowed(design, state, table, buffers):
    """The same records, to be handed to helpers at no cost; the kernel's caller keeps the arrays."""
    d, s, t, b = design, state, table, buffers
    numbers = d.loss, d.delta, d.loss_value, d.loss_slope, d.l1, d.l2, d.noise
    return (
        Design(borrow(d.units), borrow(d.activations), borrow(d.functions), borrow(d.dropout), *numbers),
        State(borrow(s.w), borrow(s.first), borrow(s.second), borrow(s.clock)),
        Table(
            *(borrow(t.X), borrow(t.stored), borrow(t.indices), borrow(t.indptr)),
            *(borrow(t.columns), borrow(t.Y), borrow(t.weight)),
        ),
        Buffers(
            *(b.parts, b.hidden, borrow(b.offsets), borrow(b.blocks), borrow(b.values), borrow(b.deltas)),
            *(borrow(b.workspace), borrow(b.zeros), borrow(b.transposed), b.edge, borrow(b.tail), borrow(b.gradient)),
        ),
    )


@kernel
def remember(w, before):
    """Copy the weights into `before`, if it is not empty."""
    for i in range(len(before)):
        before[i] = w[i]


@kernel
def part_of(design, method, w, step, rows, first, last, table, buffers):
    """First phase of some rows of a batch: (sum of weighted losses, sum of weights)."""
    forward_rows(design, method, w, step, rows, first, last, table, buffers)
    loss, weight = losses_of(design, rows, first, last, table, buffers)
    for layer in range(len(design.units) - 2, 0, -1):
        backward_rows(design, w, first, last, buffers, layer)
    return loss, weight


@kernel
def bounds(part, parts, rows):
    """(first, last) row of a part: tiles of TILE rows are shared out evenly."""
    tiles = (rows + TILE - 1) // TILE
    return min(part * tiles // parts * TILE, rows), min((part + 1) * tiles // parts * TILE, rows)


@kernel
def rows_part(start, stop, design, method, state, rows, table, buffers):
    """First phase of some of the `buffers.parts` parts of a batch: (sum of losses, sum of weights)."""
    design, state, table, buffers = borrowed(design, state, table, buffers)
    rows, total, weights = borrow(rows), 0.0, 0.0
    for p in range(start, stop):
        first, last = bounds(p, buffers.parts, len(rows))
        if first < last:
            loss, weight = part_of(design, method, state.w, 0, rows, first, last, table, buffers)
            total, weights = total + loss, weights + weight
    return total, weights


@kernel
def gradient_part(start, stop, design, rows, table, buffers, G):
    """Second phase of some blocks, added to G (P,)."""
    own = np.empty(len(buffers.gradient), G.dtype)
    for b in range(start, stop):
        block = buffers.blocks[b, 0], buffers.blocks[b, 1], buffers.blocks[b, 2]
        place, _, count = extent(design, buffers, block)
        block_gradient(design, rows, table, buffers, block, own)
        for i in range(count):
            G[place + i] += own[i]


@kernel
def gradient_of(design, method, state, rows, table, buffers, G):
    """Both phases of a batch in this thread: (sum of losses, sum of weights); the gradient, added to G (P,)."""
    design, state, table, buffers = borrowed(design, state, table, buffers)
    rows, G = borrow(rows), borrow(G)
    mirror_all(design.units, state.w, buffers)
    total, weights = rows_part(0, buffers.parts, design, method, state, rows, table, buffers)
    gradient_part(0, len(buffers.blocks), design, rows, table, buffers, G)
    return total, weights


@kernel
def train_shared(
    start, stop, design, method, state, order, batch, table, buffers, before, clocks, sums, counters, relax
):
    """As train_slice, by all who call this at once: parts and blocks are taken as they come, until none is left.

    A part or block is taken, then waits until every one of the phase before is done: whoever has taken one is at work
    on it, so nobody waits in vain, however many callers there are. Where the system lets another program run in the
    place of a caller, those who wait for it may wait a thousand times as long as the work takes: the first who has
    waited for more than LIMIT goes on alone, the others leave.

    clocks: steps done after each batch | sums (batches, parts + blocks, 2): losses and weights of parts, penalties
    counters (32,): of what is TAKEN and DONE, and of callers who waited too long; LIMIT, see `is_late`
    relax: address of a function that lets other threads run, or 0
    """
    design, state, table, buffers = borrowed(design, state, table, buffers)
    order, clocks, sums, counters = borrow(order), borrow(clocks), borrow(sums), borrow(counters)
    own = np.empty(len(buffers.gradient), state.w.dtype)
    G, before = borrow(own), borrow(before)
    each, parts, alone = sums.shape[1], buffers.parts, False
    while alone or look_at(counters, LATE) == 0:
        taken = add_one(counters, TAKEN)
        if taken >= len(sums) * each:
            break
        number, item = taken // each, taken % each
        rows = order[number * batch : (number + 1) * batch]
        least = number * each + (0 if item < parts else parts)
        if is_late(counters, least, relax) and not alone:
            alone = add_one(counters, LATE) == 0
        wait_for(counters, DONE, least, relax)
        if item < parts:
            if item == 0 and number == len(sums) - 1:
                remember(state.w, before)
            first, last = bounds(item, parts, len(rows))
            if first < last:
                step = clocks[number - 1] if number else state.clock[0]
                loss, weight = part_of(design, method, state.w, step, rows, first, last, table, buffers)
                sums[number, item, 0], sums[number, item, 1] = loss, weight
        else:
            total, weights = totals(sums, number, parts)
            if weights > 0:
                scale, b = scale_of(design, total, weights)[1], item - parts
                block = buffers.blocks[b, 0], buffers.blocks[b, 1], buffers.blocks[b, 2]
                arguments = rows, table, buffers, block, G, scale, weights
                sums[number, item, 0] = one_block(design, method, state, clocks[number], *arguments)
        add_one(counters, DONE)
    keep(own)


@kernel
def is_late(counters, least, relax):
    """Whether fewer than `least` are done after counters[LIMIT] times LOOKS looks: a microsecond or two each time."""
    for _ in range(counters[LIMIT]):
        for _ in range(LOOKS):
            if look_at(counters, DONE) >= least:
                return False
        if relax != 0:
            call_system(relax)
    return look_at(counters, DONE) < least


@kernel
def totals(sums, number, parts):
    """(sum of losses, sum of weights) of a batch."""
    total, weights = 0.0, 0.0
    for p in range(parts):
        total, weights = total + sums[number, p, 0], weights + sums[number, p, 1]
    return total, weights


@kernel
def losses_from(design, order, batch, parts, sums, losses):
    """What train_shared found, as train_slice says it."""
    for number in range(len(sums)):
        total, weights = totals(sums, number, parts)
        if weights > 0:
            penalty, size = 0.0, min(batch, len(order) - number * batch)
            for item in range(sums.shape[1] - 1, parts - 1, -1):
                penalty += sums[number, item, 0]
            losses[number] = size * (scale_of(design, total, weights)[0] + penalty / weights)


@kernel
def clocks_of(order, batch, weight, clock, clocks):
    """Steps done after each batch: those whose weights sum to 0 take none."""
    for number in range(len(clocks)):
        total = 0.0
        for i in range(number * batch, min((number + 1) * batch, len(order))):
            total += weight[order[i]]
        clock += 1 if total > 0 else 0
        clocks[number] = clock


@kernel
def train_slice(design, method, state, order, batch, table, buffers, before, losses):
    """Whole batches in this thread; into losses: (loss before the step, penalty included) x (rows of the batch).

    before: (P,) for the weights before the last batch, or empty
    """
    design, state, table, buffers = borrowed(design, state, table, buffers)
    order, layers, blocks, G = borrow(order), len(design.units) - 1, buffers.blocks, buffers.gradient
    whole, w = method.clip_norm < np.inf, state.w
    mirror_all(design.units, w, buffers)
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        size, clock = len(rows), state.clock[0]
        if begin + batch >= len(order):
            remember(w, before)
        forward_rows(design, method, w, clock, rows, 0, size, table, buffers)
        total, weights = losses_of(design, rows, 0, size, table, buffers)
        if weights == 0:
            continue
        loss, scale = scale_of(design, total, weights)
        clock += 1
        state.clock[0] = clock
        if not method.immediate:
            for layer in range(layers - 1, 0, -1):
                backward_rows(design, w, 0, size, buffers, layer)
        penalty, square = 0.0, 0.0
        for b in range(len(blocks) - 1, -1, -1):
            block = blocks[b, 0], blocks[b, 1], blocks[b, 2]
            if not whole:
                penalty += one_block(design, method, state, clock, rows, table, buffers, block, G, scale, weights)
                if method.immediate and block[1] == 0 and block[0] > 0:
                    backward_rows(design, w, 0, size, buffers, block[0])
                continue
            place, coefs, count = extent(design, buffers, block)
            own = G[place : place + count + ROOM]
            block_gradient(design, rows, table, buffers, block, own)
            penalty += finish_gradient(design, method, w, place, coefs, own[:count], scale, weights)
            for i in range(count):
                square += np.float64(own[i]) ** 2
        if whole:
            step_whole(design, method, state, clock, square, buffers)
        losses[begin // batch] = size * (loss + penalty / weights)


@kernel
def step_whole(design, method, state, clock, square, buffers):
    """One step along the gradient of all weights, whose sum of squares is `square`, scaled down to clip_norm."""
    G = buffers.gradient[: buffers.offsets[-1, 2]]
    if square > method.clip_norm**2:
        factor = G.dtype.type(method.clip_norm / np.sqrt(square))
        for i in range(len(G)):
            G[i] *= factor
    move(method, clock, state.w[: len(G)], state.first, state.second, G)
    mirror_all(design.units, state.w, buffers)
