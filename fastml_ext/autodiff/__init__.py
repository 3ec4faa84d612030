"""Kernels of automatic differentiation: the machine that runs large graphs, generated kernels, steps of the optimisers."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "machine": ["run_program"],
        "generated": ["callbacks", "define", "load"],
        "steps": ["adagrad_step", "adam_step", "penalty", "sgd_step"],
    },
)
