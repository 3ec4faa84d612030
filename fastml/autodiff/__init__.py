"""Automatic differentiation: write an expression once, get its value, derivatives, picture and compiled kernel.

>>> from fastml import autodiff as ad
>>> ad.grad(lambda x: ad.exp(2.0 * x))(0.0)
np.float64(2.0)
"""

from fastml.autodiff import methods, operations  # noqa: F401  Graph's methods; the table that every function works from
from fastml.autodiff.functions import __all__ as _functions
from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "check": ["GradientCheck", "Nonfinite", "check_gradient", "trace_nonfinite"],
        "compiled": ["Compiled", "compile"],
        "cost": ["Cost"],
        "functions": _functions,
        "graph": ["Graph", "Values"],
        "modes": ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"],
        "operations": ["table"],
        "optimize": ["Minimum", "minimize"],
        "scalar": ["ScalarFunction", "scalar_function"],
        "sympy_bridge": ["from_sympy"],
        "tracing": ["trace"],
    },
)
