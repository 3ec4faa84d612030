"""Functions: fastml's under the name of scikit-learn's, which is called where fastml's refuses."""

import functools
import importlib

from fastml.accel import ledger, names
from fastml.accel.refusals import takes

__all__ = ["function_of"]

# Functions besides those of metrics; plot_tree and the exports stay scikit-learn's, which read `tree_`.
SERVED = {
    "feature_selection": (
        *("chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression", "r_regression"),
    ),
    "model_selection": ("train_test_split", "cross_val_score", "cross_validate"),
    "neighbors": ("kneighbors_graph", "radius_neighbors_graph"),
}
MAKERS = {"make_pipeline": "Pipeline", "make_column_transformer": "ColumnTransformer"}
VALIDATING = ("cross_val_score", "cross_validate")


def function_of(family, name, original):
    """What a reader outside gets for a function of scikit-learn; the original for what stays."""
    if name in MAKERS and family in ("pipeline", "compose"):
        return maker(family, original, MAKERS[name])
    if family != "metrics" and name not in SERVED.get(family, ()):
        return original
    module = importlib.import_module(f"fastml.{family}")
    ours = getattr(module, name) if name in module.__all__ else original  # a name of scikit-learn's that is handed on
    return original if ours is original or isinstance(ours, type) else either(ours, original, name)


def either(ours, original, name):
    """fastml's function `ours` with scikit-learn's face, and `original` where that refuses."""

    fits = takes(original, 0)

    @functools.wraps(original)
    def call(*args, **options):
        if not fits(args, options):
            return original(*args, **options)
        why = other_than_ours(args, options) if name in VALIDATING else ""
        if not why:
            try:
                with ledger.timed(name, ledger.HERE):
                    found = ours(*args, **options)
                return dict(found) if name == "cross_validate" else found
            except Exception as error:
                why = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        with ledger.timed(name, ledger.THERE, why):
            return original(*args, **options)

    return call


def other_than_ours(args, options):
    """Why scikit-learn validates: a model of another kind, for which it starts processes; what it prints."""
    from fastml.accel.searches import leading
    from fastml.accel.shells import Shell

    model = leading(args[0] if args else options.get("estimator"))
    if not isinstance(model, Shell):
        return f"{type(model).__name__} is not fastml's"
    return f"verbose={options['verbose']}" if options.get("verbose") else ""


def maker(family, original, made):
    """A function that makes a composition, which is one with scikit-learn's face."""

    @functools.wraps(original)
    def call(*args, **options):
        model = original(*args, **options)
        cls = names.found(family, made, type(model))
        return cls(**model.get_params(deep=False))

    return call
