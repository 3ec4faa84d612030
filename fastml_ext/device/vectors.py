"""Code that is written with whole registers, where the compiler does not find it.

How to read it. An intrinsic is a function that runs while a kernel is compiled, and writes what a call of it becomes.
It returns two things: the signature, by Numba's types, and a function that builds LLVM's instructions. There,
`arguments` are LLVM's values of what the kernel hands over; `context.make_array(kind)(context, builder, value).data` is
the address of an array's first item, `builder.gep(address, [i])` that of its i-th, and `builder.bitcast(address,
vector.as_pointer())` makes a load or a store there move a whole vector. `align` is that of one number: rows begin
anywhere, and a load that claims more than is true crashes on some processors. `flags=["contract"]` lets a product and
the sum behind it be fused, as in kernels; without it each rounds by itself. A vector wider than a register becomes
several registers.

Nothing here knows how wide a register is: kernels say it, by LANES of jit.py, because a wheel holds them for
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

__all__ = [
    "LARGEST",
    "POWERS",
    "SIZES",
    "SQUARES",
    "WEIGHTED",
    "compare_mask",
    "inner",
    "inner_product",
    "keep_nearest",
    "leaf_distances",
    "lowest_bit",
    "panel",
    "panel_product",
    "tile",
]

SQUARES, SIZES, LARGEST, POWERS = range(4)  # what a column adds to a distance; LARGEST: the greatest size counts
WEIGHTED = 4  # added to these where columns have weights


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
    """The code of `tile`: its four arrays, their offsets, and vectors of so many bytes."""

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


def panel_product(height, lanes):
    """An intrinsic for `height` rows and two vectors of `lanes` float32 each; see `multiply` below."""
    width = 2 * lanes

    @intrinsic
    def multiply(typing_context, queries, group, points, panel, scores, column):
        """scores[:, column : column + width] = queries[group]' points[panel]: a product whose sums stay in registers.

        queries (groups, depth, height), points (panels, depth, width), scores (height, ...): float32
        """

        def code(context, builder, signature, values):
            def data(at):
                array = context.make_array(signature.args[at])(context, builder, values[at])
                return array.data, [builder.extract_value(array.shape, axis) for axis in range(signature.args[at].ndim)]

            (a, (_, depth, _)), (b, _), (c, (_, stride)) = data(0), data(2), data(4)
            size = depth.type
            a = builder.gep(a, [builder.mul(builder.mul(values[1], depth), size(height))])
            b = builder.gep(b, [builder.mul(builder.mul(values[3], depth), size(width))])
            sums = emit_product(builder, a, b, depth, height, lanes)
            for i in range(height):
                for j in range(2):
                    at = builder.add(builder.add(builder.mul(stride, size(i)), values[5]), size(j * lanes))
                    place = builder.bitcast(builder.gep(c, [at]), sums[i][j].type.as_pointer())
                    builder.store(sums[i][j], place, align=4)
            return context.get_dummy_value()

        return types.void(queries, types.intp, points, types.intp, scores, types.intp), code

    return multiply


def emit_product(builder, a, b, depth, height, lanes):
    """Code for sums[i][j] = sum over t < depth of a[t, i] * b[t, vector j], for `height` rows and two vectors."""
    ir = cgutils.ir
    size, vector = depth.type, ir.VectorType(ir.FloatType(), lanes)
    before, loop, after = builder.block, builder.append_basic_block("depth"), builder.append_basic_block("product")
    builder.branch(loop)
    builder.position_at_end(loop)
    t = builder.phi(size)
    sums = [[builder.phi(vector) for _ in range(2)] for _ in range(height)]
    row, column = builder.gep(a, [builder.mul(t, size(height))]), builder.gep(b, [builder.mul(t, size(2 * lanes))])
    right = [
        builder.load(builder.bitcast(builder.gep(column, [size(j * lanes)]), vector.as_pointer()), align=4)
        for j in range(2)
    ]
    following = builder.add(t, size(1))
    t.add_incoming(size(0), before)
    t.add_incoming(following, loop)
    for i in range(height):
        left = splat(builder, builder.load(builder.gep(row, [size(i)])), lanes)
        for j in range(2):
            product = builder.fmul(left, right[j], flags=("contract",))
            total = builder.fadd(product, sums[i][j], flags=("contract",))
            sums[i][j].add_incoming(ir.Constant(vector, [0.0] * lanes), before)
            sums[i][j].add_incoming(total, loop)
            sums[i][j] = total
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
    builder.position_at_end(after)
    return sums


def compare_mask(width):
    """An intrinsic for `width` float32 at once; see `not_below` below."""

    @intrinsic
    def not_below(typing_context, row, column, cut):
        """Bit j says that row[column + j], if need be behind the row's end, is not below the cut, or no number."""

        def code(context, builder, signature, values):
            ir = cgutils.ir
            data = context.make_array(row)(context, builder, values[0]).data
            place = builder.gep(data, [values[1]])
            place = builder.bitcast(place, ir.VectorType(ir.FloatType(), width).as_pointer())
            hits = builder.fcmp_unordered(">=", builder.load(place, align=4), splat(builder, values[2], width))
            return builder.zext(builder.bitcast(hits, ir.IntType(width)), ir.IntType(64))

        return types.uint64(row, types.intp, types.float32), code

    return not_below


@intrinsic
def lowest_bit(typing_context, bits):
    """Place of the lowest bit set in bits that are not all 0."""

    def code(context, builder, signature, arguments):
        return builder.cttz(arguments[0], cgutils.ir.IntType(1)(1))

    return types.int64(types.uint64), code


def real(dtype):
    return cgutils.ir.DoubleType() if dtype.bitwidth == 64 else cgutils.ir.FloatType()


@intrinsic(prefer_literal=True)
def leaf_distances(typing, points, leaf, Q, q, d, leaf_size, kind, worst, distances):
    """Write the reduced distances of a leaf's points from Q[q]: a bit for each that is not above `worst`.

    points: (leaves (leaves, d, leaf_size), weights (d,), power), the points column by column | leaf_size, kind:
    constants | kind: SQUARES, SIZES, LARGEST or POWERS, plus WEIGHTED where columns have weights

    Written as vectors, because LLVM unrolls loops of constant length before it looks for vectors, and finds none.
    """
    size, code = leaf_size.literal_value, kind.literal_value
    signature = types.uint64(points, leaf, Q, q, d, leaf_size, kind, worst, distances)
    dtype = Q.dtype
    vector, mask = cgutils.ir.VectorType(real(dtype), size), cgutils.ir.IntType(64)

    def codegen(context, builder, signature, args):
        def pointer(kind, array):
            return context.make_array(kind)(context, builder, array).data

        def integer(i):
            return context.cast(builder, args[i], signature.args[i], types.int64)

        def call(name, *values):
            function = cgutils.ir.FunctionType(vector, [vector] * len(values))
            name = f"llvm.{name}.v{size}f{dtype.bitwidth}"
            return builder.call(cgutils.get_or_insert_function(builder.module, function, name), values)

        leaves, weights, power = (builder.extract_value(args[0], i) for i in range(3))
        n_columns, exponent = integer(4), context.cast(builder, power, points[2], dtype)
        leaves, weights = pointer(points[0], leaves), pointer(points[1], weights)
        query = builder.gep(pointer(Q, args[2]), [builder.mul(integer(3), n_columns)])
        first = builder.mul(builder.mul(integer(1), n_columns), mask(size))
        total = cgutils.alloca_once_value(builder, cgutils.ir.Constant(vector, [0.0] * size))
        with cgutils.for_range(builder, n_columns) as loop:
            column = builder.gep(leaves, [builder.add(first, builder.mul(loop.index, mask(size)))])
            values = builder.load(builder.bitcast(column, vector.as_pointer()))
            values.align = dtype.bitwidth // 8
            t = builder.fsub(values, splat(builder, builder.load(builder.gep(query, [loop.index])), size))
            t = builder.fmul(t, t) if code % WEIGHTED == SQUARES else call("fabs", t)
            if code % WEIGHTED == POWERS:
                t = call("pow", t, splat(builder, exponent, size))
            if code >= WEIGHTED:
                t = builder.fmul(splat(builder, builder.load(builder.gep(weights, [loop.index])), size), t)
            s = builder.load(total)
            s = builder.select(builder.fcmp_ordered(">", t, s), t, s) if code == LARGEST else builder.fadd(s, t)
            builder.store(s, total)
        s = builder.load(total)
        target = builder.bitcast(pointer(distances, args[8]), vector.as_pointer())
        builder.store(s, target).align = dtype.bitwidth // 8
        bound = context.cast(builder, args[7], worst, dtype)
        bits = builder.bitcast(builder.fcmp_ordered("<=", s, splat(builder, bound, size)), cgutils.ir.IntType(size))
        return builder.zext(bits, mask) if size < 64 else bits

    return signature, codegen


@intrinsic(prefer_literal=True)
def keep_nearest(typing, held, held_indices, found, distances, index, leaf, lanes):
    """Put the points of a leaf that are `found` in their places among `lanes` of them, by (distance, index).

    Written as vectors and without a branch: neither where a point belongs nor whether it does can be predicted.
    """
    size, dtype = lanes.literal_value, held.dtype
    signature = types.void(held, held_indices, found, distances, index, leaf, lanes)

    def codegen(context, builder, signature, args):
        def array(i):
            return context.make_array(signature.args[i])(context, builder, args[i])

        def one_up(x):
            return shuffled(builder, x, [0, *range(size - 1)])

        leaf_size = cgutils.unpack_tuple(builder, array(4).shape)[1]
        row = builder.gep(array(4).data, [builder.mul(args[5], leaf_size)])
        values = builder.bitcast(array(0).data, cgutils.ir.VectorType(real(dtype), size).as_pointer())
        indices = builder.bitcast(array(1).data, cgutils.ir.VectorType(cgutils.ir.IntType(64), size).as_pointer())
        x = cgutils.alloca_once_value(builder, builder.load(values, align=4))  # in registers, until all are in place
        y = cgutils.alloca_once_value(builder, builder.load(indices, align=8))
        left = cgutils.alloca_once_value(builder, args[2])
        with cgutils.for_range(builder, builder.ctpop(args[2])):
            bits = builder.load(left)
            builder.store(builder.and_(bits, builder.sub(bits, bits.type(1))), left)
            j = [builder.cttz(bits, cgutils.ir.IntType(1)(1))]
            s = splat(builder, builder.load(builder.gep(array(3).data, j)), size)
            number = context.cast(builder, builder.load(builder.gep(row, j)), index.dtype, types.int64)
            i, old_s, old_i = splat(builder, number, size), builder.load(x), builder.load(y)
            equal = builder.and_(builder.fcmp_ordered("==", s, old_s), builder.icmp_signed("<", i, old_i))
            behind = builder.or_(builder.fcmp_ordered("<", s, old_s), equal)
            further = builder.and_(one_up(behind), cgutils.ir.Constant(behind.type, [0] + [1] * (size - 1)))
            builder.store(builder.select(behind, builder.select(further, one_up(old_s), s), old_s), x)
            builder.store(builder.select(behind, builder.select(further, one_up(old_i), i), old_i), y)
        builder.store(builder.load(x), values, align=4)
        builder.store(builder.load(y), indices, align=8)
        return context.get_dummy_value()

    return signature, codegen
