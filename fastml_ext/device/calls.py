"""Functions of the user: compiled to machine code that C would call, and called by kernels through their address.

So one kernel serves every function: the address is a number among its arguments. Whoever hands an address on keeps what
`compile_function` returned, for the code goes when that does.
"""

from fastml_ext.jit import cgutils, intrinsic, need_numba, types

__all__ = ["ROWS", "call_one", "call_rows", "call_system", "call_two", "compile_function", "numbers"]

FAILURE = "does not compile ({reason}): write it with numbers and NumPy's functions of one number, such as np.exp"
ROWS = "float64(CPointer(float64), CPointer(float64), intp)"  # of two rows and their length


def numbers(n):
    """The signature of a function of n numbers."""
    return f"float64({', '.join(['float64'] * n)})"


def compile_function(function, signature, name, failure=FAILURE):
    """A function compiled for a signature, with its `address`; a ValueError where Numba cannot.

    name: the parameter of the user's that it stands for | failure: what is said of it then, {reason} being Numba's
    """
    numba = need_numba(f"{name}=function")
    try:
        return numba.cfunc(signature)(function)
    except numba.core.errors.NumbaError as error:
        reason = str(error).strip().splitlines()[0]
        shown = getattr(function, "__name__", function)
        raise ValueError(f"{name}={shown} {failure.replace('{reason}', reason)}") from error


def emit_call(builder, address, result, values):
    """Code for a call of the function at an address, whose LLVM types are `result` and those of the values."""
    kind = cgutils.ir.FunctionType(result, [value.type for value in values])
    return builder.call(builder.inttoptr(address, kind.as_pointer()), values)


@intrinsic
def call_one(typing_context, address, x):
    """Value of the compiled function float64(float64) that stands at `address`."""

    def code(context, builder, signature, arguments):
        return emit_call(builder, arguments[0], cgutils.ir.DoubleType(), arguments[1:])

    return types.float64(types.int64, types.float64), code


@intrinsic
def call_two(typing_context, address, x, y):
    """Value of the compiled function float64(float64, float64) that stands at `address`."""

    def code(context, builder, signature, arguments):
        return emit_call(builder, arguments[0], cgutils.ir.DoubleType(), arguments[1:])

    return types.float64(types.int64, types.float64, types.float64), code


@intrinsic
def call_rows(typing_context, address, x, y):
    """Value of the compiled function of two rows of float64, and their length, that stands at `address`."""

    def code(context, builder, signature, arguments):
        a, b = (context.make_array(signature.args[at])(context, builder, arguments[at]) for at in (1, 2))
        real = cgutils.ir.DoubleType()
        rows = [builder.bitcast(row.data, real.as_pointer()) for row in (a, b)]
        return emit_call(builder, arguments[0], real, [*rows, builder.extract_value(a.shape, 0)])

    return types.float64(types.intp, x, y), code


@intrinsic
def call_system(typing_context, address):
    """Call the system's function without arguments that stands at `address`; what it returns is dropped."""

    def code(context, builder, signature, arguments):
        emit_call(builder, arguments[0], cgutils.ir.IntType(32), [])
        return context.get_dummy_value()

    return types.void(types.int64), code
