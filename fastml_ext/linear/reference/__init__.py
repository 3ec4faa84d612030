"""Linear models by definition: the contract of the kernels.

Shapes: n rows, d columns, k scores of a row (one, or one for each class or output). X (n, d) is dense here, where the
kernels also take scipy's CSR; coef is (k, d) and intercept (k,), so the scores are X @ coef.T + intercept. X and coef
share one dtype, float32 or float64; losses and what is summed over rows are float64. Values are finite.
"""

from fastml_ext.linear.reference.augmented import augmented_svm
from fastml_ext.linear.reference.conjugate import column_sums, sparse_residuals, sparse_squares
from fastml_ext.linear.reference.coordinates import quadratic_lasso
from fastml_ext.linear.reference.dual import dual_svm
from fastml_ext.linear.reference.epochs import average, begin, dense_epoch, look, slopes, sparse_epoch, weights
from fastml_ext.linear.reference.lengths import squared_lengths
from fastml_ext.linear.reference.multiclass import multiclass_svm
from fastml_ext.linear.reference.newton import newton_steps
from fastml_ext.linear.reference.orders import random_order
from fastml_ext.linear.reference.passes import evaluate, gram, hessian_product, softmax_hessian
from fastml_ext.linear.reference.quasi import quasi_newton, table_pass
from fastml_ext.linear.reference.scores import row_scores, scores
from fastml_ext.linear.reference.sums import moments, residual_moments, small_squares
from fastml_ext.linear.reference.truncated import truncated_svm
from fastml_ext.linear.reference.wide import wide_newton

__all__ = [
    "augmented_svm",
    "average",
    "begin",
    "column_sums",
    "dense_epoch",
    "dual_svm",
    "evaluate",
    "gram",
    "hessian_product",
    "look",
    "moments",
    "multiclass_svm",
    "newton_steps",
    "quadratic_lasso",
    "quasi_newton",
    "random_order",
    "residual_moments",
    "row_scores",
    "scores",
    "slopes",
    "small_squares",
    "softmax_hessian",
    "sparse_epoch",
    "sparse_residuals",
    "sparse_squares",
    "squared_lengths",
    "table_pass",
    "truncated_svm",
    "weights",
    "wide_newton",
]
