"""Linear models: stochastic and full gradients, Newton's method, dual and primal coordinates. Contract: reference."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "augmented": ["augmented_svm"],
        "codes": ["COUPLINGS", "LOSSES", "METHODS", "SCHEDULES", "State", "Task"],
        "conjugate": ["column_sums", "sparse_residuals", "sparse_squares"],
        "dual": ["dual_svm"],
        "epochs": ["begin", "dense_epoch", "slopes", "sparse_epoch"],
        "settled": ["average", "look", "weights"],
        "multiclass": ["multiclass_svm"],
        "sums": ["moments", "residual_moments", "small_squares"],
        "newton": ["newton_steps"],
        "quasi": ["quasi_newton", "table_pass"],
        "orders": ["random_order"],
        "coordinates": ["quadratic_lasso"],
        "passes": ["evaluate", "gram", "hessian_product", "softmax_hessian"],
        "decisions": ["row_scores", "scores"],
        "lengths": ["squared_lengths"],
        "truncated": ["truncated_svm"],
        "wide": ["wide_newton"],
    },
)
