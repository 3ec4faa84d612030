"""What scikit-learn's LogisticRegression says of its settings: the same refusals and warnings, in its words first."""

import numpy as np

from fastml.warning import warn, warn_of_future

__all__ = ["OWN", "check_solver", "liblinear_rows", "penalty_of", "refuse_wide_indices", "warn_of_settings"]

OWN = "auto", "newton", "gd", "sgd"  # solvers that scikit-learn has not: each takes every penalty
NARROW = "liblinear", "sag", "saga"  # scikit-learn's that read sparse rows by 32-bit indices
PENALTY_GOES = (
    "'penalty' was deprecated in version 1.8 and will be removed in 1.10. To avoid this warning, leave 'penalty' set to"
    " its default value and use 'l1_ratio' or 'C' instead. Use l1_ratio=0 instead of penalty='l2', l1_ratio=1 instead"
    " of penalty='l1', l1_ratio set to a float between 0 and 1 instead of penalty='elasticnet', and C=np.inf instead of"
    " penalty=None."
)
MOST_OF_LIBLINEAR = 1e30  # from where scikit-learn refuses a table for it


def penalty_of(model):
    """None, "l1", "l2" or "elasticnet", in whichever words it was asked for."""
    if model.penalty != "deprecated":
        return model.penalty
    return None if model.C == np.inf else {None: "l2", 0: "l2", 1: "l1"}.get(model.l1_ratio, "elasticnet")


def warn_of_settings(model):
    """What scikit-learn says of settings that will go, or that say two things."""
    penalty, ratio = penalty_of(model), model.l1_ratio
    if model.penalty != "deprecated":
        warn_of_future(PENALTY_GOES)
    elif ratio is None:
        warn_of_future(
            "'l1_ratio=None' was deprecated in version 1.8 and will trigger an error in 1.10. Use 0<=l1_ratio<=1"
            " instead."
        )
    if penalty != "elasticnet" and ratio is not None and 0 < ratio < 1:
        warn(f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})")
    if model.penalty in ("l1", "l2") and ratio != float(model.penalty == "l1"):
        warn(
            f"Inconsistent values: penalty={model.penalty} with l1_ratio={ratio}. penalty is deprecated. Please use"
            " l1_ratio only."
        )
    if model.penalty is None and model.C != 1.0:
        warn("Setting penalty=None will ignore the C and l1_ratio parameters")
    if model.n_jobs is not None:
        warn_of_future(
            "'n_jobs' has no effect since 1.8 of scikit-learn and will be removed in its 1.10. You provided"
            f" 'n_jobs={model.n_jobs}', please leave it unspecified: here it bounds the threads, and the result is the"
            " same for any number"
        )


def check_solver(model):
    """Refuse what scikit-learn's solvers refuse."""
    solver, penalty = model.solver, penalty_of(model)
    if solver not in (*OWN, "liblinear", "saga") and penalty not in ("l2", None):
        raise ValueError(
            f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty. solver='saga' or 'auto'"
            " takes every penalty"
        )
    if solver != "liblinear" and model.dual:
        raise ValueError(f"Solver {solver} supports only dual=False, got dual={model.dual}: leave dual out")
    if solver == "liblinear" and penalty == "elasticnet":
        raise ValueError(
            f"Only 'saga' solver supports elasticnet penalty, got solver={solver}. 'auto' takes every penalty, too"
        )
    if solver == "liblinear" and penalty is None:
        raise ValueError(
            "C=np.inf as well as penalty=None is not supported for the liblinear solver: choose another solver"
        )
    if solver == "liblinear" and penalty == "l1" and model.dual:
        raise ValueError(
            "Unsupported set of arguments: The combination of penalty='l1' and loss='logistic_regression' are not"
            " supported when dual=True, Parameters: penalty='l1', loss='logistic_regression', dual=True: set"
            " dual=False"
        )
    if penalty == "elasticnet" and model.l1_ratio is None:
        raise ValueError(
            "l1_ratio must be specified when penalty is elasticnet: l1_ratio=None with penalty='elasticnet'"
        )


def liblinear_rows(X, n_classes):
    """X as scikit-learn's liblinear takes it, float64; or refused as it does."""
    if n_classes > 2:
        raise ValueError(
            "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Either use another"
            " solver or wrap the estimator in a OneVsRestClassifier to keep applying a one-versus-rest scheme."
        )
    if X.max() > MOST_OF_LIBLINEAR:
        raise ValueError(
            "Using the 'liblinear' solver while X contains a maximum value > 1e30 results in a frozen fit. Please"
            " choose another solver or rescale the input X."
        )
    return X.astype(np.float64, copy=False)


def refuse_wide_indices(X, solver):
    """As scikit-learn does for solvers that read 32-bit indices."""
    if solver not in NARROW:
        return
    for name in ("indices", "indptr", "row", "col"):
        kind = getattr(getattr(X, name, None), "dtype", None)
        if kind == np.int64:
            raise ValueError(
                f"Only sparse matrices with 32-bit integer indices are accepted. Got {kind} indices, with solver"
                f"={solver!r}: give X indices of int32, or take another solver"
            )
