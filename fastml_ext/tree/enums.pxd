"""What the kernels of trees and Python call by the same names; enums.pyx makes Python's classes of it."""


cpdef enum Kind:
    """What a node tests, and by what rule a column is split."""
    LEAF = 0  # a node that tests nothing
    NUMERIC = 1  # by a threshold
    MULTIWAY = 2  # a branch for each category
    SUBSET = 3  # two branches, each for a set of categories
    BUNDLE = 4  # columns of two values of which at most one has its higher value in any row, as codes 1, 2, ...


cpdef enum Mode:
    """How the two sides of a split are added up: see growing/sweep.pxd."""
    COUNTS = 0
    SUMS = 1
    DEVIATIONS = 2


cpdef enum Criterion:
    """What a split decreases."""
    GINI = 0
    ENTROPY = 1
    SQUARED_ERROR = 2
    POISSON = 3
    ABSOLUTE_ERROR = 4


cpdef enum:
    LARGEST = 65536  # rows of a subtree: its codes fit 16 bits
