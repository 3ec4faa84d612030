"""The state of discriminant analysis, as fastml.schema reads it: k classes, d columns."""

from fastml.schema import COMMON, FLOAT, array, each, labels, may_lack, whole

__all__ = ["ALSO", "SCHEMAS"]

CLASSES = {
    **COMMON,
    "classes_": labels("k"),
    "priors_": array(FLOAT, "k"),
    "means_": array(FLOAT, "k", "d"),
}
SCHEMAS: dict = {
    "LinearDiscriminantAnalysis": CLASSES
    | {
        "coef_": array(FLOAT, "scores", "d"),
        "intercept_": array(FLOAT, "scores"),
        "xbar_": may_lack(array(FLOAT, "d")),
        "scalings_": may_lack(array(FLOAT, "d", "*")),
        "explained_variance_ratio_": may_lack(array(FLOAT, "*")),
        "covariance_": may_lack(array(FLOAT, "d", "d")),
        "_max_components": whole(0),
        "_n_features_out": whole(0),
    },
    "QuadraticDiscriminantAnalysis": CLASSES
    | {
        "scalings_": each(array(FLOAT, "d"), "k"),
        "rotations_": each(array(FLOAT, "d", "d"), "k"),
        "covariance_": may_lack(each(array(FLOAT, "d", "d"), "k")),
    },
}
ALSO: dict = {}
