"""What the walk does with whole vectors: measuring the points of a leaf, and keeping the nearest of a few.

Code for LLVM, which the kernels of search.py inline: their cache sees edits of search.py only, so save that too.
"""

from fastml_ext.jit import cgutils, intrinsic, ir, types
from fastml_ext.neighbors.metrics import CHEBYSHEV, EUCLIDEAN, MINKOWSKI

__all__ = ["WEIGHTED", "keep_nearest", "lowest_bit", "scan"]

WEIGHTED = 4  # added to the code of a metric whose columns have weights


@intrinsic(prefer_literal=True)
def scan(typing, tree, leaf, Q, q, d, leaf_size, metric, worst, distances):
    """Write the reduced distances of a leaf's points from Q[q]: a bit for each that is not above `worst`.

    Written as vectors, because LLVM unrolls loops of constant length before it looks for vectors, and finds none.
    """
    size, code = leaf_size.literal_value, metric.literal_value
    signature = types.uint64(tree, leaf, Q, q, d, leaf_size, metric, worst, distances)
    dtype = Q.dtype
    vector, mask = ir.VectorType(real(dtype), size), ir.IntType(64)

    def codegen(context, builder, signature, args):
        def field(name):
            i = tree.fields.index(name)
            return builder.extract_value(args[0], i), tree.types[i]

        def pointer(array, array_type):
            return context.make_array(array_type)(context, builder, array).data

        def integer(i):
            return context.cast(builder, args[i], signature.args[i], types.int64)

        def call(name, *values):
            kind = ir.FunctionType(vector, [vector] * len(values))
            name = f"llvm.{name}.v{size}f{dtype.bitwidth}"
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)

        n_columns, power = integer(4), context.cast(builder, *field("p"), dtype)
        leaves, weights = pointer(*field("leaves")), pointer(*field("weights"))
        query = builder.gep(pointer(args[2], Q), [builder.mul(integer(3), n_columns)])
        first = builder.mul(builder.mul(integer(1), n_columns), mask(size))
        total = cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * size))
        with cgutils.for_range(builder, n_columns) as loop:
            column = builder.gep(leaves, [builder.add(first, builder.mul(loop.index, mask(size)))])
            values = builder.load(builder.bitcast(column, vector.as_pointer()))
            values.align = dtype.bitwidth // 8
            t = builder.fsub(values, splat(builder, builder.load(builder.gep(query, [loop.index])), size))
            t = builder.fmul(t, t) if code % WEIGHTED == EUCLIDEAN else call("fabs", t)
            if code % WEIGHTED == MINKOWSKI:
                t = call("pow", t, splat(builder, power, size))
            if code >= WEIGHTED:
                t = builder.fmul(splat(builder, builder.load(builder.gep(weights, [loop.index])), size), t)
            s = builder.load(total)
            s = builder.select(builder.fcmp_ordered(">", t, s), t, s) if code == CHEBYSHEV else builder.fadd(s, t)
            builder.store(s, total)
        s = builder.load(total)
        target = builder.bitcast(pointer(args[8], distances), vector.as_pointer())
        builder.store(s, target).align = dtype.bitwidth // 8
        bound = context.cast(builder, args[7], worst, dtype)
        bits = builder.bitcast(builder.fcmp_ordered("<=", s, splat(builder, bound, size)), ir.IntType(size))
        return builder.zext(bits, mask) if size < 64 else bits

    return signature, codegen


@intrinsic
def lowest_bit(typing, mask):
    """Position of the lowest bit set in a mask that is not 0."""
    return types.int64(types.uint64), lambda context, builder, signature, args: builder.cttz(args[0], ir.IntType(1)(1))


@intrinsic(prefer_literal=True)
def keep_nearest(typing, near, who, found, distances, index, leaf, lanes):
    """Put the points of a leaf that are `found` in their places among `lanes` of them, by (distance, index).

    Written as vectors and without a branch: neither where a point belongs nor whether it does can be predicted.
    """
    size, dtype = lanes.literal_value, near.dtype
    signature = types.void(near, who, found, distances, index, leaf, lanes)

    def codegen(context, builder, signature, args):
        def array(i):
            return context.make_array(signature.args[i])(context, builder, args[i])

        def one_up(x):
            return shuffled(builder, x, [0, *range(size - 1)])

        leaf_size = cgutils.unpack_tuple(builder, array(4).shape)[1]
        row = builder.gep(array(4).data, [builder.mul(args[5], leaf_size)])
        values = builder.bitcast(array(0).data, ir.VectorType(real(dtype), size).as_pointer())
        indices = builder.bitcast(array(1).data, ir.VectorType(ir.IntType(64), size).as_pointer())
        x = cgutils.alloca_once_value(builder, builder.load(values, align=4))  # in registers, until all are in place
        y = cgutils.alloca_once_value(builder, builder.load(indices, align=8))
        left = cgutils.alloca_once_value(builder, args[2])
        with cgutils.for_range(builder, builder.ctpop(args[2])):
            bits = builder.load(left)
            builder.store(builder.and_(bits, builder.sub(bits, bits.type(1))), left)
            j = [builder.cttz(bits, ir.IntType(1)(1))]
            s = splat(builder, builder.load(builder.gep(array(3).data, j)), size)
            number = context.cast(builder, builder.load(builder.gep(row, j)), index.dtype, types.int64)
            i, near, who = splat(builder, number, size), builder.load(x), builder.load(y)
            equal = builder.and_(builder.fcmp_ordered("==", s, near), builder.icmp_signed("<", i, who))
            behind = builder.or_(builder.fcmp_ordered("<", s, near), equal)
            further = builder.and_(one_up(behind), ir.Constant(behind.type, [0] + [1] * (size - 1)))
            builder.store(builder.select(behind, builder.select(further, one_up(near), s), near), x)
            builder.store(builder.select(behind, builder.select(further, one_up(who), i), who), y)
        builder.store(builder.load(x), values, align=4)
        builder.store(builder.load(y), indices, align=8)
        return context.get_dummy_value()

    return signature, codegen


def real(dtype):
    return ir.DoubleType() if dtype.bitwidth == 64 else ir.FloatType()


def splat(builder, x, size):
    one = ir.Constant(ir.VectorType(x.type, size), ir.Undefined)
    return shuffled(builder, builder.insert_element(one, x, ir.IntType(32)(0)), [0] * size)


def shuffled(builder, vector, lanes):
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)
