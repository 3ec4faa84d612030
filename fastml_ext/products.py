"""Inner products that have the same bits on every processor: the kernels of all families may inline them.

`kernel_bound` lets LLVM add in an order that suits the registers there are, so it must not be used for results.
"""

from fastml_ext.jit import cgutils, intrinsic, types

__all__ = ["inner", "inner_product"]


def inner_product(*widths):
    """An intrinsic: the sum of A[a + i] * B[b + i] over i < count, of arrays that are read as flat.

    First as many as fit in `widths[0]` lanes, each lane adding every so many products; then the upper half of the lanes
    is added to the lower one, until there are `widths[1]` lanes for what is left, and so on to one.
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
