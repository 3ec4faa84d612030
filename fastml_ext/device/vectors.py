"""Code that is written with whole registers, where the compiler does not find it.

How to read it. An intrinsic is a function that runs while a kernel is compiled, and writes what a call of it becomes.
It returns two things: the signature, by Numba's types, and a function that builds LLVM's instructions. There,
`arguments` are LLVM's values of what the kernel hands over; `context.make_array(kind)(context, builder, value).data` is
the address of an array's first item, `builder.gep(address, [i])` that of its i-th, and `builder.bitcast(address,
vector.as_pointer())` makes a load or a store there move a whole vector. `align` is that of one number: rows begin
anywhere, and a load that claims more than is true crashes on some processors. `flags=["contract"]` lets a product and
the sum behind it be fused, as in kernels; without it each rounds by itself. A vector wider than a register becomes
several registers.

Nothing here knows how wide a register is: kernels say it, by `fastml_ext.jit.LANES`, because a wheel holds them for
several widths.

How to see what became of it. `kernel.dispatcher.inspect_asm(kernel.dispatcher.signatures[0])` is the assembly of a
kernel that Numba has compiled (FASTML_LEVEL=jit), `inspect_llvm` what LLVM was given; of what is compiled ahead,
`objdump -d build/ahead/v4/<symbol>.o` shows it. Registers of 512 bits are called zmm, and a spilled one shows as a
move to (%rsp).

How to test it. Intrinsics cannot be called from Python, nor under NUMBA_DISABLE_JIT=1: a test wraps each in a kernel of
one line and compares it with a loop over numbers (tests/ext/device/test_device_vectors.py), on integers, so that no sum
is rounded, with places that are not aligned, and with what stands before and behind the result, which must stay.
"""

from fastml_ext.jit import cgutils, intrinsic, types

__all__ = ["inner", "inner_product", "panel", "tile"]


def splat(builder, x, lanes):
    """A vector of the same value in all lanes."""
    one = cgutils.ir.Constant(cgutils.ir.VectorType(x.type, lanes), cgutils.ir.Undefined)
    return shuffled(builder, builder.insert_element(one, x, cgutils.ir.IntType(32)(0)), [0] * lanes)


def shuffled(builder, vector, lanes):
    """The lanes of these numbers, in this order."""
    mask = cgutils.ir.Constant(cgutils.ir.VectorType(cgutils.ir.IntType(32), len(lanes)), lanes)
    return builder.shuffle_vector(vector, cgutils.ir.Constant(vector.type, cgutils.ir.Undefined), mask)


def inner_product(*widths):
    """An intrinsic: the sum of A[a + i] * B[b + i] over i < count, of arrays that are read as flat.

    First as many as fit in `widths[0]` lanes, each lane adding every so many products; then the upper half of the lanes
    is added to the lower one, until there are `widths[1]` lanes for what is left, and so on to one. So the bits are the
    same on every processor: `kernel_bound` lets LLVM add in an order that suits the registers there are.
    """

    @intrinsic
    def inner(typing_context, A, a, B, b, count):
        if A.dtype != B.dtype or "C" != A.layout or "C" != B.layout:
            return None

        def code(context, builder, signature, arguments):
            starts, count = (arguments[1], arguments[3]), arguments[4]
            arrays = [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2)]
            data = [builder.gep(array.data, [start]) for array, start in zip(arrays, starts, strict=True)]
            number, value, done = context.get_value_type(signature.return_type), None, count.type(0)
            size = context.get_abi_sizeof(number)
            for width in widths:
                value = zeros(number, width) if value is None else folded(builder, value, width)
                end = builder.mul(builder.udiv(count, count.type(width)), count.type(width))
                value, done = add_products(builder, data, done, end, value, size), end
            return value

        return A.dtype(A, types.int64, B, types.int64, types.int64), code

    return inner


def zeros(number, width):
    ir = cgutils.ir
    return ir.Constant(ir.VectorType(number, width), [0.0] * width) if width > 1 else number(0.0)


def folded(builder, value, width):
    """A vector's upper half added to the lower one until it has `width` lanes; with one lane a number."""
    ir = cgutils.ir
    while (lanes := value.type.count) > width:
        halves = [list(range(low, low + lanes // 2)) for low in (0, lanes // 2)]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), lanes // 2), half) for half in halves]
        value = builder.fadd(*(builder.shuffle_vector(value, value, mask) for mask in masks))
    return builder.extract_element(value, ir.IntType(32)(0)) if width == 1 else value


def add_products(builder, data, start, stop, value, size):
    """value + the products from start to stop, as many at a time as it has lanes."""
    ir = cgutils.ir
    total = cgutils.alloca_once_value(builder, value)
    step = start.type(value.type.count if isinstance(value.type, ir.VectorType) else 1)
    with cgutils.for_range_slice(builder, start, stop, step) as (i, _):
        places = [builder.bitcast(builder.gep(each, [i]), value.type.as_pointer()) for each in data]
        product = builder.fmul(*(builder.load(place, align=size) for place in places), flags=["contract"])
        builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
    return builder.load(total)


inner = inner_product(16, 4, 1)


def tile(rows, size):
    """An intrinsic that computes `rows` rows of a matrix product at once, `size` bytes of each; see `sums` below."""

    @intrinsic
    def sums(typing_context, C, B, A, W, n, count):
        """C[r, :n] = B[r, :n] + sum over j < count of A[r, j] * W[j, :n], for r < rows, by ascending j.

        C, B, W: (flat array, first place, elements from row to row) | A: the same, and elements from j to j + 1
        n: columns, where fewer than `size` bytes hold. B and W are read as far as that all the same.
        """

        def code(context, builder, signature, arguments):
            tiles = Tile(context, builder, signature, arguments, size)
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
    """The code of `tile`: its four arrays, their places, and vectors of so many bytes."""

    def __init__(self, context, builder, signature, arguments, size):
        self.builder, self.arguments, self.ir = builder, arguments, cgutils.ir
        number = context.get_value_type(signature.args[0][0].dtype)
        self.size = context.get_abi_sizeof(number)  # vectors may stand at any place
        self.lanes = size // self.size
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
        return splat(self.builder, value, self.lanes)

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
                row = builder.load(wide(3, builder.add(w, builder.mul(loop.index, stride))), align=size)
                product = builder.fmul(splat(builder, x, lanes), row, flags=["contract"])
                builder.store(builder.fadd(builder.load(total), product, flags=["contract"]), total)
            builder.store(builder.load(total), wide(0, c), align=size)
            return context.get_dummy_value()

        return types.void(C, B, A, W, count), code

    return sums
