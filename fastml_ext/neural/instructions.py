"""What the kernels of networks are built from: tiles of products, a user's functions, exp, random bits, turns."""

import numpy as np

from fastml_ext.jit import LANES, cgutils, intrinsic, kernel, types
from fastml_ext.products import inner_product

__all__ = [
    "GOLDEN",
    "REGISTER",
    "add_one",
    "borrow",
    "call_one",
    "call_two",
    "expm1",
    "inner",
    "mix",
    "panel",
    "row_key",
    "tile",
    "wait_for",
]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
REGISTER = 4 * LANES  # bytes
PATIENCE = 4000  # looks at a number that another thread will change, before this one lets others run


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


def tile(rows, registers):
    """An intrinsic that computes `rows` times `registers` registers of a matrix product at once; see `sums` below."""

    @intrinsic
    def sums(typing_context, C, B, A, W, n, count):
        """C[r, :n] = B[r, :n] + sum over j < count of A[r, j] * W[j, :n], for r < rows, by ascending j.

        C, B, W: (flat array, first place, elements from row to row) | A: the same, and elements from j to j + 1
        n: columns, where fewer than the registers hold. B and W are read as far as the registers go all the same.
        """

        def code(context, builder, signature, arguments):
            tiles = Tile(context, builder, signature, arguments, registers)
            totals = [cgutils.alloca_once_value(builder, tiles.load(1, r)) for r in range(rows)]
            starts = [tiles.place(2, r) for r in range(rows)]
            with cgutils.for_range(builder, arguments[5]) as loop:
                step = builder.mul(loop.index, builder.extract_value(arguments[2], 3))
                weights = tiles.load(3, loop.index)
                for start, total in zip(starts, totals, strict=True):
                    value = tiles.repeated(builder.load(builder.gep(start, [step])))
                    product = builder.fmul(value, weights, flags=["contract"])
                    builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
            whole = builder.icmp_signed(">=", arguments[4], arguments[4].type(tiles.lanes))
            with builder.if_else(whole) as (wide, narrow):
                with wide:
                    for r, total in enumerate(totals):
                        builder.store(builder.load(total), tiles.wide(0, r), align=tiles.size)
                with narrow:
                    for r, total in enumerate(totals):
                        tiles.store_first(builder.load(total), tiles.wide(0, r), arguments[4])
            return context.get_dummy_value()

        return types.void(C, B, A, W, n, count), code

    return sums


class Tile:
    """The code of `tile`: its four arrays, their offsets, and vectors of so many registers."""

    def __init__(self, context, builder, signature, arguments, registers):
        self.builder, self.arguments, self.ir = builder, arguments, cgutils.ir
        number = context.get_value_type(signature.args[0][0].dtype)
        self.size = context.get_abi_sizeof(number)  # vectors may stand at any place
        self.lanes = registers * REGISTER // self.size
        self.vector = self.ir.VectorType(number, self.lanes)
        self.data = [
            context.make_array(kind[0])(context, builder, builder.extract_value(value, 0)).data
            for kind, value in zip(signature.args[:4], arguments, strict=False)
        ]

    def place(self, i, row):
        """Address of a row of array i."""
        row = self.ir.IntType(64)(row) if isinstance(row, int) else row
        start, step = (self.builder.extract_value(self.arguments[i], j) for j in (1, 2))
        return self.builder.gep(self.data[i], [self.builder.add(start, self.builder.mul(row, step))])

    def wide(self, i, row):
        return self.builder.bitcast(self.place(i, row), self.vector.as_pointer())

    def load(self, i, row):
        return self.builder.load(self.wide(i, row), align=self.size)

    def repeated(self, value):
        """A vector of the same value, or of the same integer."""
        vector = self.ir.VectorType(value.type, self.lanes)
        first = self.builder.insert_element(self.ir.Constant(vector, self.ir.Undefined), value, self.ir.IntType(32)(0))
        lanes = self.ir.Constant(self.ir.VectorType(self.ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, first, lanes)

    def store_first(self, value, address, n):
        """Store the first n lanes and leave alone what stands behind them."""
        ir, builder = self.ir, self.builder
        word, kind = ir.IntType(32), f"v{self.lanes}f{8 * self.size}"
        numbers = ir.Constant(ir.VectorType(word, self.lanes), list(range(self.lanes)))
        mask = builder.icmp_signed("<", numbers, self.repeated(builder.trunc(n, word)))
        function = ir.FunctionType(ir.VoidType(), [self.vector, address.type, word, mask.type])
        store = cgutils.get_or_insert_function(builder.module, function, f"llvm.masked.store.{kind}.p0{kind}")
        builder.call(store, [value, address, word(self.size), mask])


def panel(lanes):
    """An intrinsic that computes `lanes` neighbouring sums in registers; see `sums` below."""

    @intrinsic
    def sums(typing_context, C, B, A, W, count):
        """C[c : c + lanes] = B[b : b + lanes] + sum over j < count of A[a + j] * W[w + j * stride : ... + lanes].

        C, B, A: (flat array, first place) | W: (flat array, first place, stride) | the sum goes by ascending j
        """

        def code(context, builder, signature, arguments):
            ir = cgutils.ir
            number = context.get_value_type(signature.args[0][0].dtype)
            vector, size = ir.VectorType(number, lanes), context.get_abi_sizeof(number)
            data = [
                context.make_array(kind[0])(context, builder, builder.extract_value(value, 0)).data
                for kind, value in zip(signature.args[:4], arguments, strict=False)
            ]
            c, b, a, w = (builder.extract_value(value, 1) for value in arguments[:4])
            stride = builder.extract_value(arguments[3], 2)

            def wide(i, at):
                return builder.bitcast(builder.gep(data[i], [at]), vector.as_pointer())

            total = cgutils.alloca_once_value(builder, builder.load(wide(1, b), align=size))
            with cgutils.for_range(builder, arguments[4]) as loop:
                x = builder.load(builder.gep(data[2], [builder.add(a, loop.index)]))
                x = builder.insert_element(ir.Constant(vector, ir.Undefined), x, ir.IntType(32)(0))
                x = builder.shuffle_vector(x, x, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))
                row = builder.load(wide(3, builder.add(w, builder.mul(loop.index, stride))), align=size)
                product = builder.fmul(x, row, flags=["contract"])
                builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
            builder.store(builder.load(total), wide(0, c), align=size)
            return context.get_dummy_value()

        return types.void(C, B, A, W, count), code

    return sums


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


@intrinsic
def add_one(typing_context, numbers, i):
    """numbers[i] += 1 as one operation of all threads' (sequentially consistent); what it was before."""

    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        one = cgutils.ir.IntType(64)(1)
        return builder.atomic_rmw("add", builder.gep(data, [arguments[1]]), one, "seq_cst")

    return types.int64(numbers, types.int64), code


@intrinsic
def look_at(typing_context, numbers, i):
    """numbers[i] as other threads have left it, and what they wrote before they did."""

    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(builder.gep(data, [arguments[1]]), "acquire", 8)

    return types.int64(numbers, types.int64), code


@intrinsic
def let_others_run(typing_context, address):
    """Call the system's function without arguments at `address`, which gives the processor to another thread."""

    def code(context, builder, signature, arguments):
        kind = cgutils.ir.FunctionType(cgutils.ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), code


@kernel
def wait_for(numbers, i, least, address):
    """Until numbers[i] >= least. address: of the system's function that lets other threads run, or 0."""
    looks = 0
    while look_at(numbers, i) < least:
        looks += 1
        if looks >= PATIENCE and address != 0:
            let_others_run(address)
            looks = 0
