"""Columns combined into fewer: principal components and truncated singular value decompositions.

spectra.py     what both stand on: products of the columns in one pass, eigenvectors, singular vectors, signs
pca.py         PCA
truncated.py   TruncatedSVD
incremental.py IncrementalPCA
"""

from fastml.base import hand_through
from fastml.decomposition.incremental import IncrementalPCA
from fastml.decomposition.pca import PCA
from fastml.decomposition.truncated import TruncatedSVD

__all__ = ["PCA", "IncrementalPCA", "TruncatedSVD"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.decomposition")
