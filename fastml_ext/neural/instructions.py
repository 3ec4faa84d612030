"""What the kernels of networks are built from: BLAS, short vectors, a user's functions, exp, random bits."""

import numpy as np

from fastml_ext.jit import cgutils, intrinsic, kernel, types
from fastml_ext.products import inner_product

__all__ = [
    "GOLDEN",
    "borrow",
    "call_one",
    "call_two",
    "expm1",
    "gemm",
    "inner",
    "mix",
    "panel_1",
    "panel_4",
    "panel_16",
    "panel_32",
    "row_key",
]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@intrinsic
def borrow(typing_context, array):
    """The same array without a share in its memory: counting references costs 10 ns for each array of each call.

    The caller must keep the array that it is borrowed from.
    """

    def code(context, builder, signature, arguments):
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return view._getvalue()

    return array(array), code


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


def panel(lanes):
    """An intrinsic that computes `lanes` neighbouring sums in registers; see `sums` below."""

    @intrinsic
    def sums(typing_context, C, B, A, W, count):
        """C[c : c + lanes] = B[b : b + lanes] + sum over j < count of A[a + j * step] * W[w + j * stride : ...].

        C, B: (flat array, first place) | A, W: (flat array, first place, step) | the sum goes by ascending j
        """

        def code(context, builder, signature, arguments):
            ir = cgutils.ir
            number = context.get_value_type(signature.args[0][0].dtype)
            vector, size = ir.VectorType(number, lanes), context.get_abi_sizeof(number)
            data = [
                context.make_array(kind[0])(context, builder, builder.extract_value(value, 0)).data
                for kind, value in zip(signature.args[:4], arguments, strict=False)
            ]
            starts = [builder.extract_value(value, 1) for value in arguments[:4]]

            def wide(i, at):
                return builder.bitcast(builder.gep(data[i], [at]), vector.as_pointer())

            total = cgutils.alloca_once(builder, vector)
            builder.store(builder.load(wide(1, starts[1]), align=size), total)
            steps = [builder.extract_value(arguments[i], 2) for i in (2, 3)]
            with cgutils.for_range(builder, arguments[4]) as loop:
                places = [
                    builder.add(start, builder.mul(loop.index, step))
                    for start, step in zip(starts[2:], steps, strict=True)
                ]
                x = builder.load(builder.gep(data[2], [places[0]]))
                x = builder.insert_element(ir.Constant(vector, ir.Undefined), x, ir.IntType(32)(0))
                x = builder.shuffle_vector(x, x, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))
                product = builder.fmul(x, builder.load(wide(3, places[1]), align=size), flags=["contract"])
                builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
            builder.store(builder.load(total), wide(0, starts[0]), align=size)
            return context.get_dummy_value()

        return types.void(C, B, A, W, count), code

    return sums


panel_32, panel_16, panel_4, panel_1 = panel(32), panel(16), panel(4), panel(1)


inner = inner_product(16, 1)


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
