"""From parameters to what the kernels take: codes of activations and losses, a user's own functions compiled."""

import numpy as np

from fastml_ext.neural.codes import ACTIVATIONS, LOSSES, SOLVERS, Design, Method

__all__ = ["HIDDEN", "activations_of", "compile_pair", "design_of", "is_pair", "method_of", "solver_of"]

HIDDEN = set(ACTIVATIONS) - {"softmax", "user"} | {"sigmoid"}
ALIASES = {"sigmoid": "logistic"}
POINTS = (-2.3, -0.7, 0.4, 1.9)  # where a derivative that is given is checked
OTHERS = (0.0, 0.6, 1.0, 2.5)


def activations_of(model, n_hidden):
    """The hidden layers' activations, one each: names, functions, or pairs (function, derivative)."""
    given = model.activation
    several = isinstance(given, list) or (isinstance(given, tuple) and not is_pair(given))
    layers = list(given) if several else [given] * n_hidden
    if len(layers) != n_hidden:
        raise ValueError(
            f"activation has {len(layers)} entries for {n_hidden} hidden layers: give one for each, or one"
        )
    for activation in layers:
        if not (callable(activation) or is_pair(activation) or activation in HIDDEN):
            raise ValueError(
                f"activation={activation!r} is none of {sorted(HIDDEN)}, no function and no pair (function, derivative)"
            )
    return [ALIASES.get(a, a) if isinstance(a, str) else a for a in layers]


def is_pair(given):
    return isinstance(given, tuple) and len(given) == 2 and all(map(callable, given))


def solver_of(model):
    """The kernels' name of the solver: scikit-learn's "sgd" is any of three."""
    if model.solver != "sgd" or model.momentum == 0:
        return model.solver
    return "nesterov" if model.nesterovs_momentum else "momentum"


def method_of(model, seed):
    solver = solver_of(model)
    if model.update == "immediate" and model.clip_norm is not None:
        raise ValueError("clip_norm needs all layers' gradients before a step: take update='together', or clip_value")
    return Method(
        solver=SOLVERS[solver],
        rate=float(model.learning_rate_init),
        momentum=float(model.momentum),
        beta_1=float(model.beta_1),
        beta_2=float(model.rho if solver == "rmsprop" else model.beta_2),
        epsilon=float(model.epsilon),
        decay=float(model.weight_decay) if solver == "adamw" else 0.0,
        clip_value=np.inf if model.clip_value is None else float(model.clip_value),
        clip_norm=np.inf if model.clip_norm is None else float(model.clip_norm),
        immediate=model.update == "immediate",
        seed=int(seed),
    )


def design_of(model, units, hidden, last, loss):
    """(Design, the compiled functions that must live as long as it) of a network.

    hidden: activations of the hidden layers | last: of the outputs | loss: a name of LOSSES, a function of (output, y),
    or a pair (function, derivative)
    """
    layers, kept = [*hidden, last], []
    functions = np.zeros((len(layers), 2), np.int64)
    for layer, activation in enumerate(layers):
        if not isinstance(activation, str):
            value, slope = compile_pair(activation, 1, f"activation of layer {layer + 1}")
            functions[layer] = value.address, slope.address
            kept += [value, slope]
    value_at = slope_at = 0
    if not isinstance(loss, str):
        value, slope = compile_pair(loss, 2, "loss")
        value_at, slope_at = value.address, slope.address
        kept += [value, slope]
    try:
        rates = np.ravel(model.dropout).astype(float)
    except (TypeError, ValueError):
        raise ValueError(f"dropout={model.dropout!r} is no share of the units, nor one for each layer") from None
    if rates.size not in (1, len(hidden)):
        raise ValueError(f"dropout has {rates.size} shares for {len(hidden)} hidden layers: give one for each, or one")
    if not ((rates >= 0) & (rates < 1)).all():
        raise ValueError(f"dropout={model.dropout} must lie in [0, 1): it is the share of units that are left out")
    dropout = np.append(np.broadcast_to(rates, len(hidden)), 0.0)
    design = Design(
        units=np.asarray(units, np.int64),
        activations=np.array([ACTIVATIONS[a] if isinstance(a, str) else ACTIVATIONS["user"] for a in layers]),
        functions=functions,
        dropout=dropout,
        loss=LOSSES[loss] if isinstance(loss, str) else LOSSES["user"],
        delta=float(model.delta),
        loss_value=value_at,
        loss_slope=slope_at,
        l1=float(model.l1),
        l2=float(model.alpha),
        noise=float(model.input_noise),
    )
    return design, kept


def compile_pair(given, n_arguments, name):
    """(value, derivative) compiled, each with an `address`: a function that autodiff differentiates, or a pair."""
    if callable(given):
        from fastml.autodiff import scalar_function

        found = scalar_function(given, n_arguments)
        return found.value, found.derivative
    from fastml_ext.device.calls import compile_function, numbers

    value, slope = (compile_function(function, numbers(n_arguments), name) for function in given)
    h = 1e-6
    for z in POINTS:
        for y in OTHERS if n_arguments == 2 else OTHERS[:1]:
            rest = [y] * (n_arguments - 1)
            numeric = (value.ctypes(z + h, *rest) - value.ctypes(z - h, *rest)) / (2 * h)
            found = slope.ctypes(z, *rest)
            if np.isfinite(numeric) and not abs(numeric - found) <= 1e-4 * (1 + abs(numeric)):
                raise ValueError(
                    f"{name}: the derivative given is {found:.6g} at {(z, *rest)}, where differences of the function"
                    f" give {numeric:.6g}: correct one of the two"
                )
    return value, slope
