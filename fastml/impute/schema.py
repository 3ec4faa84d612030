"""The state of the imputers, as fastml.schema reads it: d columns."""

from fastml.preprocessing.schema import TABLES
from fastml.schema import array, either, flag, may_lack, model, names, nothing, size, types

__all__ = ["ALSO", "SCHEMAS"]

ANY = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "O")
SCHEMAS: dict = {
    "SimpleImputer": TABLES
    | {
        "statistics_": array(ANY, "d"),
        "indicator_": either(nothing, model),
        "_fit_dtype": types(*ANY),
        "_fill_dtype": types(*ANY),
    },
    "MissingIndicator": {
        "n_features_in_": may_lack(size("d")),
        "feature_names_in_": may_lack(names),
        "features_": array(("i4", "i8"), "f", low=0),
        "_n_features": size("d"),
        "_precomputed": may_lack(flag),
    },
}
ALSO: dict = {}
