"""Classical machine learning with scikit-learn's interface over compiled kernels."""

__version__ = "0.1.0"
