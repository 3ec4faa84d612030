"""Arrays in memory: grown, borrowed, asked for ahead of time; numbers that several threads read and write."""

import numpy as np

from fastml_ext.device.calls import call_system
from fastml_ext.jit import cgutils, intrinsic, kernel, types

__all__ = ["add_one", "borrow", "grown", "keep", "look_at", "prefetch", "wait_for"]

PATIENCE = 4000  # looks at a number that another thread will change, before this one lets others run


@kernel
def grown(array, size):
    """A copy with room for `size` items, whose end is not set."""
    larger = np.empty(size, array.dtype)
    for i in range(len(array)):  # not by slices: the error that Numba builds in for them takes two seconds to compile
        larger[i] = array[i]
    return larger


@intrinsic
def borrow(typing_context, array):
    """The same array without a share in its memory: counting references costs 10 ns for each array of each call.

    Whoever borrows from an array of its own must `keep` it afterwards.
    """

    def code(context, builder, signature, arguments):
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        view.meminfo = cgutils.get_null_value(view.meminfo.type)
        view.parent = cgutils.get_null_value(view.parent.type)
        return view._getvalue()

    return array(array), code


@intrinsic
def keep(typing_context, array):
    """Nothing, but that an array of the kernel's own lives until here, for what is borrowed from it."""

    def code(context, builder, signature, arguments):
        return context.get_dummy_value()

    return types.void(array), code


@intrinsic
def prefetch(typing_context, X, at):
    """Ask for the cache line of X's at-th value, while the processor works on something else."""

    def code(context, builder, signature, arguments):
        ir = cgutils.ir
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        line = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(ask, [line, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(X, types.intp), code


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


@kernel
def wait_for(numbers, i, least, address):
    """Until numbers[i] >= least. address: of the system's function that lets other threads run, or 0."""
    looks = 0
    while look_at(numbers, i) < least:
        looks += 1
        if looks >= PATIENCE and address != 0:
            call_system(address)
            looks = 0
