"""Rows times weights: stored values of a sparse row; a dense row, while the weights move. How to read: vectors.py."""

from fastml_ext.device.vectors import folded, splat, zeros
from fastml_ext.jit import cgutils, intrinsic, types

__all__ = ["moved", "moved_ahead", "moved_product", "row_product", "row_product_by_four"]


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
