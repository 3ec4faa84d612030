"""Dense networks by definition: the contract of the kernels, and what a student reads.

Shapes: n rows, d columns, k outputs, L layers; a layer's weights are coefs[layer] (n_in, n_out) and
intercepts[layer] (n_out,), as scikit-learn's coefs_ and intercepts_, and its activations are
activate(name, values @ coef + intercept). X, Y and weights share one dtype, float32 or float64. Values are finite.

`forward`, `backward`, `activate`, `loss`... take names and lists; `outputs`, `gradients` and `train` take what the
kernels take: codes.Design, flat weights, codes.Data. X is dense here, where the kernels also take scipy's CSR.
"""

from fastml_ext.neural.reference.chance import dropout_factors, input_noise, random_bits
from fastml_ext.neural.reference.functions import (
    ACTIVATIONS,
    CANONICAL,
    LOSSES,
    activate,
    activation_derivative,
    loss,
    loss_derivative,
)
from fastml_ext.neural.reference.layers import backward, forward, join, pre_activations, split
from fastml_ext.neural.reference.training import (
    examine,
    gradients,
    mean_loss,
    outputs,
    r_squared,
    share_right,
    step,
    train,
    update_ratios,
)

__all__ = [
    "ACTIVATIONS",
    "CANONICAL",
    "LOSSES",
    "activate",
    "activation_derivative",
    "backward",
    "dropout_factors",
    "examine",
    "forward",
    "gradients",
    "input_noise",
    "join",
    "loss",
    "loss_derivative",
    "mean_loss",
    "outputs",
    "pre_activations",
    "r_squared",
    "random_bits",
    "share_right",
    "split",
    "step",
    "train",
    "update_ratios",
]
