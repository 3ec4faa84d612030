"""The integers by which the kernels of several families know a loss; see losses.py for what each computes."""

__all__ = [
    "EPSILON_INSENSITIVE",
    "HINGE",
    "HUBER",
    "LOG",
    "MODIFIED_HUBER",
    "POISSON",
    "QUANTILE",
    "SQUARED",
    "SQUARED_EPSILON_INSENSITIVE",
    "SQUARED_HINGE",
    "USER",
]

SQUARED, LOG, HINGE, SQUARED_HINGE, MODIFIED_HUBER = range(5)
HUBER, EPSILON_INSENSITIVE, SQUARED_EPSILON_INSENSITIVE, QUANTILE, POISSON, USER = range(5, 11)
