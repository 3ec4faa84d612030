"""Features of raw data under scikit-learn's names, by compiled kernels; its other names are handed through."""

from fastml.base import hand_through
from fastml.feature_extraction import text
from fastml.feature_extraction.dictionaries import DictVectorizer
from fastml.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)  # here too: model files name an estimator by its module

__all__ = ["CountVectorizer", "DictVectorizer", "HashingVectorizer", "TfidfTransformer", "TfidfVectorizer", "text"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.feature_extraction")
