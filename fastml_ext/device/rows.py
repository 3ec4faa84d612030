"""A row of a sparse matrix times weights."""

from fastml_ext.jit import cgutils, intrinsic, types

__all__ = ["row_product", "row_product_by_four"]


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
