"""What the first step size is multiplied with, epoch by epoch, and the weights training starts from."""

import itertools

import numpy as np

__all__ = ["INITS", "SCHEDULES", "first_weights", "schedule_of"]

SCHEDULES = {"constant", "invscaling", "adaptive", "step", "cosine", "plateau"}
INITS = {"auto", "he", "glorot", "normal"}


def schedule_of(model, descending):
    """schedule(epoch, samples seen, stalls) of the model's parameters; None for a constant step.

    descending: whether the solver is one of "sgd", "momentum" and "nesterov", which alone follow "invscaling".
    """
    name, ramp = model.learning_rate, model.warmup_epochs

    def shape(epoch, seen, stalls):
        if name == "invscaling" and descending and epoch + seen > 0:
            return 1.0 / (seen + 1) ** model.power_t
        if name == "step":
            return model.schedule_factor ** (epoch // model.schedule_epochs)
        if name == "cosine":
            return 0.5 * (1 + np.cos(np.pi * epoch / model.max_iter))
        return model.schedule_factor**stalls if name == "plateau" else 1.0

    if name in ("constant", "adaptive") and ramp == 0:
        return None
    return lambda epoch, seen, stalls: shape(epoch, seen, stalls) * min(1.0, (epoch + 1) / (ramp + 1))


def first_weights(model, units, activations, random, dtype):
    """Flat weights before the first step, drawn layer by layer, or given by hand.

    "auto" is scikit-learn's: uniform within sqrt(6 / (n_in + n_out)), or sqrt(2 / ...) where the first activation is
    logistic, intercepts too (Glorot and Bengio 2010). "he" and "glorot" are normal and "normal" has `init_scale` as its
    standard deviation; their intercepts are 0.
    """
    if not isinstance(model.init, str):
        return given_weights(model.init, units, dtype)
    parts = []
    for n_in, n_out in itertools.pairwise(units):
        if model.init == "auto":
            bound = np.sqrt((2.0 if activations[0] == "logistic" else 6.0) / (n_in + n_out))
            parts += [random.uniform(-bound, bound, n_in * n_out), random.uniform(-bound, bound, n_out)]
            continue
        scale = {"he": np.sqrt(2 / n_in), "glorot": np.sqrt(2 / (n_in + n_out)), "normal": model.init_scale}[model.init]
        parts += [scale * random.standard_normal(n_in * n_out), np.zeros(n_out)]
    return np.concatenate(parts).astype(dtype)


def given_weights(init, units, dtype):
    try:
        coefs, intercepts = init
        coefs, intercepts = [np.asarray(c, dtype) for c in coefs], [np.asarray(b, dtype) for b in intercepts]
    except (TypeError, ValueError) as error:
        raise ValueError(f"init={init!r} is neither one of {sorted(INITS)} nor a pair (coefs, intercepts)") from error
    shapes = [(c.shape, b.shape) for c, b in zip(coefs, intercepts, strict=False)]
    expected = [((k, n), (n,)) for k, n in itertools.pairwise(units)]
    if shapes != expected or len(coefs) != len(intercepts):
        raise ValueError(f"init has weights of the shapes {shapes}, but the layers need {expected}")
    parts = [part.ravel() for pair in zip(coefs, intercepts, strict=True) for part in pair]
    w = np.concatenate(parts)
    if not np.isfinite(w).all():
        raise ValueError("init holds NaN or infinity: give finite weights")
    return w
