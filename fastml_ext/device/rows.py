"""Rows times weights: stored values of a sparse row; a dense row, while the weights move. How to read: vectors.py."""

import contextlib

from fastml_ext.device.vectors import folded, splat, zeros
from fastml_ext.jit import cgutils, intrinsic, kernel_inline, types

__all__ = [
    "add_to_columns",
    "column_sums",
    "moved",
    "moved_ahead",
    "moved_product",
    "row_product",
    "row_product_by_four",
    "stored_moves",
    "stored_sums",
]


def row_products(n_sums):
    """An intrinsic: start + the sum of data[at] * w[indices[at]] for first <= at < last, in `n_sums` sums side by side.

    One sum would wait for each addition in turn. The sums go into each other by halves, and what is left over in the
    end into the first one, which begins with `start`; they are float64, products have the dtype of data and w.

    It is written for LLVM because a function would count a reference for each of its arrays: 10 ns each, where a row of
    14 values takes 20. Indices are taken as unsigned, so that none is tested for being negative.
    """

    @intrinsic
    def row_product(typing_context, data, indices, first, last, w, start):
        if not (isinstance(first, types.Integer) and isinstance(last, types.Integer)):
            return None

        def code(context, builder, signature, arguments):
            arrays = {i: context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 1, 4)}
            begin, end = (context.cast(builder, arguments[i], signature.args[i], types.int64) for i in (2, 3))
            real, wide = context.get_value_type(types.float64), begin.type
            widest = max(data.dtype, w.dtype, key=lambda kind: kind.bitwidth)

            def product(at):
                column = builder.load(builder.gep(arrays[1], [at]))
                column = builder.zext(column, wide) if column.type.width < wide.width else column
                x, y = builder.load(builder.gep(arrays[0], [at])), builder.load(builder.gep(arrays[4], [column]))
                x, y = context.cast(builder, x, data.dtype, widest), context.cast(builder, y, w.dtype, widest)
                value = builder.fmul(x, y, flags=["contract"])
                return context.cast(builder, value, widest, types.float64)

            def add(total, at):
                builder.store(builder.fadd(builder.load(total), product(at), flags=["contract"]), total)

            totals = [cgutils.alloca_once_value(builder, arguments[5])]
            totals += [cgutils.alloca_once_value(builder, real(0.0)) for _ in range(n_sums - 1)]
            step = wide(n_sums)
            whole = builder.mul(builder.sdiv(builder.sub(end, begin), step), step)
            whole = builder.add(begin, whole)
            with cgutils.for_range_slice(builder, begin, whole, step) as (at, _):
                for i, total in enumerate(totals):
                    add(total, builder.add(at, wide(i)))
            with cgutils.for_range_slice(builder, whole, end, wide(1)) as (at, _):
                add(totals[0], at)
            sums = [builder.load(total) for total in totals]
            while len(sums) > 1:
                sums = [builder.fadd(a, b, flags=["contract"]) for a, b in zip(sums[::2], sums[1::2], strict=True)]
            return sums[0]

        return types.float64(data, indices, first, last, w, types.float64), code

    return row_product


row_product, row_product_by_four = row_products(2), row_products(4)


def moved_product(look_ahead, *widths):
    """An intrinsic that moves weights and multiplies them with a row, in one pass over both; see `moved` below.

    Sums are added as by `inner_product`. What is stored is as wide as what the next call loads, because a load waits
    for narrower stores to reach the cache.
    """

    @intrinsic
    def moved(typing_context, w, X, last, a, this, following, count):
        """w += a * X[last:], flat places and `count` numbers each; then the products of rows with X[following:].

        (w X[following:], X[this:] X[following:]), or without `look_ahead` (w X[this:], 0)
        """
        if w.dtype != X.dtype or "C" != X.layout or "C" != w.layout:
            return None

        def code(context, builder, signature, arguments):
            data = [context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 1)]
            factor, count = arguments[3], arguments[6]
            rows = [data[0], *(builder.gep(data[1], [arguments[i]]) for i in (2, 4, 5))]
            number, done = context.get_value_type(w.dtype), count.type(0)
            sums, size = [None, None], context.get_abi_sizeof(number)
            for width in widths:
                sums = [zeros(number, width) if each is None else folded(builder, each, width) for each in sums]
                end = builder.mul(builder.udiv(count, count.type(width)), count.type(width))
                sums = add_moved(builder, rows, factor, (done, end), sums, size, look_ahead)
                done = end
            return context.make_tuple(builder, signature.return_type, sums)

        pair = types.UniTuple(w.dtype, 2)
        return pair(w, X, types.int64, w.dtype, types.int64, types.int64, types.int64), code

    return moved


def add_moved(builder, rows, factor, places, sums, size, look_ahead):
    """The sums of `moved` and their products from places[0] to places[1], as many at a time as they have lanes."""
    lanes, kind = lanes_of(sums[0]), sums[0].type.as_pointer()
    totals, factor = [cgutils.alloca_once_value(builder, each) for each in sums], repeated(builder, factor, lanes)

    def fused(x, a, b):
        return builder.fadd(x, builder.fmul(a, b, flags=["contract"]), flags=["contract"])

    with cgutils.for_range_slice(builder, *places, places[0].type(lanes)) as (i, _):
        wide = [builder.bitcast(builder.gep(row, [i]), kind) for row in rows]
        w, last, this = (builder.load(place, align=size) for place in wide[:3])
        w = fused(w, factor, last)
        builder.store(w, wide[0], align=size)
        factors = [(w, this)]
        if look_ahead:
            following = builder.load(wide[3], align=size)
            factors = [(w, following), (this, following)]
        for total, (a, b) in zip(totals, factors, strict=False):
            builder.store(fused(builder.load(total), a, b), total)
    return [builder.load(total) for total in totals]


def lanes_of(value):
    return getattr(value.type, "count", 1)


def repeated(builder, x, lanes):
    return splat(builder, x, lanes) if lanes > 1 else x


moved, moved_ahead = moved_product(False, 16, 4, 1), moved_product(True, 16, 4, 1)


def stored_sums(width):
    """An intrinsic for a sparse row and `width` neighbours among the scores of weights (columns, k), see below."""

    @intrinsic
    def sums(typing_context, data, indices, first, last, W, c, k, scores):
        """scores[c : c + width] = sums of data[at] * W[indices[at] * k + c :] for first <= at < last. W is flat.

        Products have the dtype of data and W, scores and sums are float64.
        """

        def code(context, builder, signature, arguments):
            wide = StoredRow(context, builder, signature, arguments, width)
            ir = cgutils.ir
            kind = ir.VectorType(ir.DoubleType(), width)
            total = cgutils.alloca_once_value(builder, ir.Constant(kind, [0.0] * width))
            with wide.each_value() as (x, place):
                product = builder.fmul(x, builder.load(place, align=wide.size), flags=["contract"])
                product = builder.fpext(product, kind) if wide.size < 8 else product
                builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
            builder.store(builder.load(total), wide.scores(7), align=8)
            return context.get_dummy_value()

        places = data, indices, types.int64, types.int64, W, types.int64, types.int64
        return types.void(*places, scores), code

    return sums


def stored_moves(width):
    """An intrinsic for a sparse row and `width` neighbours among the scores of weights (columns, k), see below."""

    @intrinsic
    def moves(typing_context, data, indices, first, last, W, c, k, steps):
        """W[indices[at] * k + c :] += data[at] * steps[c : c + width] for first <= at < last. W is flat."""

        def code(context, builder, signature, arguments):
            wide = StoredRow(context, builder, signature, arguments, width)
            steps = builder.load(wide.scores(7), align=8)
            steps = builder.fptrunc(steps, wide.vector) if wide.size < 8 else steps
            with wide.each_value() as (x, place):
                product = builder.fmul(x, steps, flags=["contract"])
                moved = builder.fadd(builder.load(place, align=wide.size), product, flags=["contract"])
                builder.store(moved, place, align=wide.size)
            return context.get_dummy_value()

        places = data, indices, types.int64, types.int64, W, types.int64, types.int64
        return types.void(*places, steps), code

    return moves


class StoredRow:
    """The code of a loop over the stored values of a row, and of the weights that each one meets."""

    def __init__(self, context, builder, signature, arguments, width):
        self.context, self.builder, self.arguments, self.width = context, builder, arguments, width
        self.data = {
            i: context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 1, 4, 7)
        }
        number = context.get_value_type(signature.args[4].dtype)
        self.vector, self.size = cgutils.ir.VectorType(number, width), context.get_abi_sizeof(number)

    @contextlib.contextmanager
    def each_value(self):
        """(the value in all lanes, the address of its weights), once for each stored value."""
        builder, (first, last, c, k) = self.builder, (self.arguments[i] for i in (2, 3, 5, 6))
        with cgutils.for_range_slice(builder, first, last, first.type(1)) as (at, _):
            column = builder.load(builder.gep(self.data[1], [at]))
            column = builder.zext(column, k.type) if column.type.width < k.type.width else column
            place = builder.gep(self.data[4], [builder.add(builder.mul(column, k), c)])
            x = splat(builder, builder.load(builder.gep(self.data[0], [at])), self.width)
            yield x, builder.bitcast(place, self.vector.as_pointer())

    def scores(self, i):
        """The address of argument i, float64, at the first of the scores."""
        kind = cgutils.ir.VectorType(cgutils.ir.DoubleType(), self.width)
        return self.builder.bitcast(self.builder.gep(self.data[i], [self.arguments[5]]), kind.as_pointer())


sums_of_8, sums_of_4, sums_of_2, sums_of_1 = stored_sums(8), stored_sums(4), stored_sums(2), stored_sums(1)
moves_of_8, moves_of_4, moves_of_2, moves_of_1 = stored_moves(8), stored_moves(4), stored_moves(2), stored_moves(1)


@kernel_inline
def column_sums(data, indices, first, last, W, k, scores):
    """scores (k,) = the row's stored values times W (columns, k), which is flat."""
    whole = k - k % 8
    for c in range(0, whole, 8):
        sums_of_8(data, indices, first, last, W, c, k, scores)
    if k & 4:
        sums_of_4(data, indices, first, last, W, whole, k, scores)
    if k & 2:
        sums_of_2(data, indices, first, last, W, whole + (k & 4), k, scores)
    if k & 1:
        sums_of_1(data, indices, first, last, W, k - 1, k, scores)


@kernel_inline
def add_to_columns(data, indices, first, last, W, k, steps):
    """W (columns, k), which is flat, += the outer product of the row's stored values and steps (k,)."""
    whole = k - k % 8
    for c in range(0, whole, 8):
        moves_of_8(data, indices, first, last, W, c, k, steps)
    if k & 4:
        moves_of_4(data, indices, first, last, W, whole, k, steps)
    if k & 2:
        moves_of_2(data, indices, first, last, W, whole + (k & 4), k, steps)
    if k & 1:
        moves_of_1(data, indices, first, last, W, k - 1, k, steps)
