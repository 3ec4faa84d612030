"""Feature maps: bins, harmonics, thermometers and expressions between raw columns and a model."""

from fastml.base import hand_through

__all__: list[str] = [
    # columns of numbers and ordered categories
    # records and texts
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.preprocessing")
