"""A user's loss(score, y) as a machine function that the kernels call by its address."""

from fastml_ext.jit import need_numba

__all__ = ["compile_pair"]

SIGNATURE = "float64(float64, float64)"


def compile_pair(loss, derivative):
    """loss(score, y) and its derivative by the score, compiled; they must live as long as their `address` is called."""
    numba, compiled = need_numba("loss=function"), []
    for name, function in (("loss", loss), ("derivative", derivative)):
        try:
            compiled.append(numba.cfunc(SIGNATURE)(function))
        except numba.core.errors.NumbaError as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(
                f"{name}={getattr(function, '__name__', function)} does not compile ({reason}): write it with numbers"
                " and NumPy's functions of one number, such as np.exp, as a function of (score, y)"
            ) from error
    return compiled
