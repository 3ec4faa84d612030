"""The methods by which a fitted tree is read; every tree estimator of fastml has them."""

__all__ = ["TreeReading"]
