"""A user's activation(z) or loss(output, y) as a machine function that the kernels call by its address."""

from fastml_ext.jit import need_numba

__all__ = ["compile_function"]


def compile_function(function, n_arguments, name):
    """function(numbers) compiled; it must live as long as its `address` is called. name: for the error."""
    numba = need_numba(f"{name}=function")
    try:
        return numba.cfunc(f"float64({', '.join(['float64'] * n_arguments)})")(function)
    except numba.core.errors.NumbaError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{name}={getattr(function, '__name__', function)} does not compile ({reason}): write it with numbers"
            " and NumPy's functions of one number, such as np.exp"
        ) from error
