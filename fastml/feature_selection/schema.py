"""The state of the selectors, as fastml.schema reads it: d columns."""

from fastml.schema import COMMON, array, either, nothing

__all__ = ["ALSO", "SCHEMAS"]

SCORES = array(("f8", "f4", "i8", "i4", "b1"), "d")
SCORED = {**COMMON, "scores_": SCORES, "pvalues_": either(nothing, SCORES)}
SCHEMAS: dict = {
    "SelectKBest": SCORED,
    "SelectPercentile": SCORED,
    "SelectFpr": SCORED,
    "SelectFdr": SCORED,
    "SelectFwe": SCORED,
    "GenericUnivariateSelect": SCORED,
    "VarianceThreshold": {**COMMON, "variances_": array("f8", "d")},
}
ALSO: dict = {}
