"""Feature templates: declared rules that make named, sparse features of texts, dictionaries, tables and images."""

from fastml.preprocessing.templates.estimator import FeatureTemplates
from fastml.preprocessing.templates.report import Collisions

__all__ = ["Collisions", "FeatureTemplates"]
