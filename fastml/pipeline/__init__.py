"""Steps one after the other, under scikit-learn's names; its other names are handed through."""

from fastml.base import hand_through
from fastml.pipeline.steps import Pipeline, make_pipeline

__all__ = ["Pipeline", "make_pipeline"]

__getattr__, __dir__ = hand_through(__name__, "sklearn.pipeline")
