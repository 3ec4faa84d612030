"""The state of the decompositions, as fastml.schema reads it: m directions of d columns."""

from fastml.schema import COMMON, FLOAT, any_number, array, may_lack, one_of, size, whole

__all__ = ["ALSO", "SCHEMAS"]

EACH = array(FLOAT, "m")
FOUND = {
    **COMMON,
    "components_": array(FLOAT, "m", "d"),
    "explained_variance_": EACH,
    "explained_variance_ratio_": EACH,
    "singular_values_": EACH,
}
SCHEMAS: dict = {
    "PCA": FOUND
    | {
        "mean_": array(FLOAT, "d"),
        "n_components_": size("m", 0),
        "n_samples_": whole(1),
        "noise_variance_": any_number,
        "_fit_svd_solver": one_of("full", "covariance_eigh", "arpack", "randomized"),
    },
    "IncrementalPCA": FOUND
    | {
        "mean_": array("f8", "d"),
        "var_": array("f8", "d"),
        "n_components_": size("m"),
        "n_samples_seen_": whole(1),
        "noise_variance_": any_number,
        "batch_size_": may_lack(whole(1)),
    },
    "TruncatedSVD": FOUND,
}
ALSO: dict = {}
