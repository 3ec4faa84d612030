"""Kernels of automatic differentiation: the machine that runs large graphs, and the steps of the optimisers.

Kernels that are generated for one graph come from `fastml_ext.autodiff.generated`.
"""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "machine": ["run_program"],
        "steps": ["adagrad_step", "adam_step", "penalty", "sgd_step"],
    },
)
