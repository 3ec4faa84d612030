"""Why training goes wrong: what the history of a run says, and one line of advice for each illness."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse

from fastml.markup import html_text

__all__ = ["Diagnosis", "Facts", "Finding", "diagnose", "facts_of"]

VANISHING = 1e-3  # norm of the first layer's gradient over the largest layer's
EXPLODING = 1000.0  # norm of a gradient, times the weights' norm, over the loss
DEAD = 0.6  # share of a layer's ReLUs that are 0 for every sample
SATURATED = 0.5  # share of a layer's activations at an end of their range, in every epoch
RISE = 1.5  # times what the loss was before
GOOD = 0.25  # of the best constant answer's loss: below, training goes well whatever else is seen
LEARNT = 0.05  # a loss that is not lower than the best constant answer's by this share has learnt nothing
FLAT = 0.01  # share by which a loss may fall in a third of the epochs, and stand still
SWING = 0.05  # mean size of the loss's moves up and down, as a share of the loss
LARGE_STEP, SMALL_STEP = 0.1, 2e-4  # of a step's norm over the weights'
LARGE_COLUMN, SMALL_COLUMN, SPREAD = 30.0, 0.01, 1000.0  # root mean square of a column; largest over median
FEW = 6  # epochs: of fewer no course can be told
SQUASHING = ("logistic", "tanh")


class Facts(NamedTuple):
    """What a run started from: the data, and the first weights."""

    activations: tuple  # names, of each layer
    column_size: np.ndarray  # (d,) root mean square of each column of X
    twins: tuple  # for each hidden layer, how many of its units have the same weights, in and out, as another
    weight_norms: np.ndarray  # (n_layers,) of the first weights, intercepts included
    first_loss: float = np.nan  # before the first step; NaN if unknown
    constant_loss: float = np.nan  # of the best answer that is the same for all samples; NaN if unknown
    asked_step: float = np.nan  # the first step size that was asked for
    n_samples: int = 2
    taken_step: float = np.nan  # and that of the run that did not diverge


class Finding(NamedTuple):
    """An illness, the layers that have it (1 is the first), and what helps."""

    name: str
    layers: tuple
    advice: str

    def __str__(self):
        where = f" in layer{'s' * (len(self.layers) > 1)} {listed(self.layers)}" if self.layers else ""
        return f"{self.name}{where}: {self.advice}"


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found, the likeliest cause first. `print` shows a line for each, a notebook a list.

    findings: list of Finding | names: their names | healthy: are there none?
    """

    findings: list = field(default_factory=list)

    @property
    def names(self):
        return [finding.name for finding in self.findings]

    @property
    def healthy(self):
        return not self.findings

    def __str__(self):
        return "\n".join(map(str, self.findings)) or "healthy: nothing in the course of training looks wrong"

    __repr__ = __str__

    def _repr_html_(self):
        return "<ul>" + "".join(f"<li>{html_text(line)}</li>" for line in str(self).splitlines()) + "</ul>"


def facts_of(X, coefs, intercepts, activations, first_loss=np.nan, constant_loss=np.nan):
    """The Facts of a run before its first step.

    Parameters
    ----------
    X : array or CSR of shape (n_samples, n_features)
    coefs, intercepts : lists of ndarray
        The first weights, (n_in, n_out) and (n_out,) of each layer.
    activations : list of str
        Names, of each layer.
    first_loss, constant_loss : float
        The loss before the first step, and that of the best answer that is the same for all samples; NaN if unknown.
    """
    n, d = X.shape
    if issparse(X):
        squares = np.bincount(X.indices, np.square(X.data, dtype=float), d) / n
    else:
        squares = np.mean(np.square(X[:: max(1, n // 256)], dtype=float), axis=0)  # some of the rows tell well enough
    twins = tuple(twins_of(coefs[k], intercepts[k], coefs[k + 1]) for k in range(len(coefs) - 1))
    norms = np.sqrt([np.vdot(c, c) + np.vdot(b, b) for c, b in zip(coefs, intercepts, strict=True)])
    return Facts(
        tuple(activations), np.sqrt(squares), twins, norms, float(first_loss), float(constant_loss), n_samples=n
    )


def twins_of(coef, intercept, above):
    """How many units of a layer have the weights of another: coef (n_in, n), intercept (n,), above (n, n_out)."""
    for one in (intercept, coef[0], above[:, 0]):
        if len(set(one.tolist())) == len(one):  # most often: the rest need not be looked at
            return 0
    units = np.hstack([coef.T, intercept[:, None], above])
    return len(units) - len(np.unique(units, axis=0))


def diagnose(history, facts):
    """Look for illnesses in the course of a training run: vanishing and exploding gradients, dead ReLUs, saturation,
    plateau, oscillation, a step that is too large or too small, unscaled input, equal initial rows.

    Parameters
    ----------
    history : dict of lists or tables, a row an epoch
        "loss": mean training loss; "gradient_norm" and "update_ratio" (n_epochs, n_layers): norm of each layer's
        gradient, and of a step over the weights'; "dead" and "saturated" (n_epochs, n_layers - 1): shares of each
        hidden layer's units with one activation for all samples, and of its activations at an end of their range.
    facts : Facts
        What training started from, as `facts_of` gives it.

    Returns
    -------
    Diagnosis
        Each illness at most once; effects of one that is found are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from fastml.neural_network.doctor import diagnose, facts_of
    >>> X, first = np.ones((10, 2)), [np.zeros((2, 3)), np.zeros((3, 1))]
    >>> facts = facts_of(X, first, [np.zeros(3), np.zeros(1)], ["relu", "identity"])
    >>> print(diagnose({"loss": [1.0]}, facts))
    equal initial rows in layer 1: 3 units start with the same weights and stay equal: start from small random numbers
    """
    run = Course(history, facts)
    found = [illness(run) for illness in (equal_rows, unscaled, dead_relus, saturation)]
    found += [vanishing(run) if not any(f and f.name in BLOCKING for f in found) else None, exploding(run)]
    found.append(too_large(run))
    ill = [f for f in found if f]
    if not {f.name for f in ill} & {"step too large", "exploding gradients"}:
        ill += [f for f in [oscillation(run)] if f]
    if not {f.name for f in ill} - {"unscaled input"}:
        standing = too_small(run) or plateau(run)
        ill += [standing] if standing else []
    return Diagnosis(ill)


class Course:
    """A history as arrays; what is not there is None."""

    def __init__(self, history, facts):
        self.facts = facts
        self.loss = np.array([np.nan if v is None else v for v in history.get("loss", [])], float)
        self.epochs = len(self.loss)
        self.norms, self.ratios, self.dead, self.saturated = (
            self.table(history.get(key)) for key in ("gradient_norm", "update_ratio", "dead", "saturated")
        )

    def table(self, rows):
        """(epochs, layers), or None."""
        if rows is None or len(rows) == 0 or any(row is None for row in rows):
            return None
        return np.array(rows, float)

    @property
    def goes_well(self):
        """Is the loss, at last, far below the best constant answer's?"""
        return self.epochs > 0 and self.loss[-1] < GOOD * self.facts.constant_loss

    @property
    def learnt_nothing(self):
        """Is the loss, at last, no better than the best constant answer's?"""
        late = np.median(self.loss[-max(1, self.epochs // 3) :])
        return self.epochs > 0 and late > (1 - LEARNT) * self.facts.constant_loss


BLOCKING = ("equal initial rows", "dead ReLUs")  # they make gradients vanish


def equal_rows(run):
    layers = [layer for layer, twins in enumerate(run.facts.twins, 1) if twins]
    if not layers:
        return None
    units = sum(run.facts.twins) + len(layers)
    advice = f"{units} units start with the same weights and stay equal: start from small random numbers"
    return Finding("equal initial rows", tuple(layers), advice)


def unscaled(run):
    size = run.facts.column_size
    size = size[size > 0]
    if not len(size):
        return None
    largest, middle = size.max(), np.median(size)
    if SMALL_COLUMN <= largest <= LARGE_COLUMN and largest <= SPREAD * middle:
        return None
    what = f"columns of X are of size {size.min():.2g} to {largest:.2g}"
    return Finding("unscaled input", (), f"{what}: put StandardScaler or MinMaxScaler before the network")


def dead_relus(run):
    if run.dead is None or run.facts.n_samples < 2:
        return None
    ill = [
        layer
        for layer, (name, share) in enumerate(zip(run.facts.activations, run.dead[-1], strict=False), 1)
        if name == "relu" and share > DEAD
    ]
    if not ill:
        return None
    share = max(run.dead[-1][layer - 1] for layer in ill)
    advice = f"up to {share:.0%} of the units are 0 for every sample and learn no more: take a smaller step, leaky_relu"
    return Finding("dead ReLUs", tuple(ill), advice + " or elu, or init='he'")


def saturation(run):
    if run.saturated is None or run.goes_well:
        return None
    lowest = run.saturated.min(axis=0)
    ill = [
        layer
        for layer, (name, share) in enumerate(zip(run.facts.activations, lowest, strict=False), 1)
        if name in SQUASHING and share > SATURATED
    ]
    if not ill:
        return None
    share = max(lowest[layer - 1] for layer in ill)
    advice = f"{share:.0%} of the activations stand at an end of their range, where slopes are near 0: smaller first"
    return Finding("saturation", tuple(ill), advice + " weights (init='glorot'), scaled columns, or relu")


def vanishing(run):
    if run.norms is None or run.norms.shape[1] < 2:
        return None
    steps = [layer for layer, name in enumerate(run.facts.activations[:-1], 1) if name == "step"]
    if steps:
        advice = "step has the derivative 0, so nothing below learns: take straight_through, or a smooth activation"
        return Finding("vanishing gradients", tuple(steps), advice)
    with np.errstate(all="ignore"):
        share = np.nanmedian(run.norms / run.norms.max(axis=1, keepdims=True), axis=0)
    ill = tuple(int(layer) + 1 for layer in np.flatnonzero(share[:-1] < VANISHING))
    if not ill:
        return None
    squashing = [name for name in run.facts.activations[:-1] if name in SQUASHING]
    advice = f"the gradient shrinks to {share.min():.0e} of the largest layer's on its way down: "
    advice += "relu in place of " + squashing[0] if squashing else "larger first weights (init='he')"
    return Finding("vanishing gradients", ill, advice + ", or fewer layers")


def exploding(run):
    if run.norms is None or len(run.facts.weight_norms) != run.norms.shape[1]:
        return None
    felt = run.norms[0] * run.facts.weight_norms / max(run.loss[0], 1e-300)
    ill = tuple(int(layer) + 1 for layer in np.flatnonzero(~(felt <= EXPLODING)))
    if not ill:
        return None
    advice = (
        f"at first, a change of the weights by 1 % changes the loss by up to {felt.max():.0f} %: smaller first weights"
    )
    return Finding("exploding gradients", ill, advice + " (init='glorot'), clip_norm=1")


def too_large(run):
    facts, name = run.facts, "step too large"
    if facts.taken_step < facts.asked_step:
        advice = f"the loss diverged with steps of {facts.asked_step:.3g}, and training was restarted with"
        return Finding(name, (), f"{advice} {facts.taken_step:.3g}: set learning_rate_init to that or less")
    if run.epochs == 0:
        return None
    least = 0.1 * np.nan_to_num(facts.constant_loss)
    if run.loss[0] > RISE * max(facts.first_loss, least):
        advice = f"the first steps raise the loss from {facts.first_loss:.3g} to {run.loss[0]:.3g}: divide"
        return Finding(name, (), advice + " learning_rate_init by 10, or warm up (warmup_epochs=3)")
    if not np.isfinite(run.loss).all() or run.loss[-1] > RISE * max(run.loss.min(), least):
        advice = (
            f"the loss rises again, from {np.nanmin(run.loss):.3g} to {run.loss[-1]:.3g}: divide learning_rate_init"
        )
        return Finding(name, (), advice + " by 10, or let it shrink (learning_rate='cosine')")
    if run.ratios is None or run.epochs < FEW:
        return None
    ratio = np.median(run.ratios[run.epochs // 2 :], axis=0).max()
    if not (ratio > LARGE_STEP and (swings(run) or run.learnt_nothing)):
        return None
    advice = f"a step moves the weights by {ratio:.0%} of their size, and the loss does not settle: divide"
    return Finding(name, (), advice + " learning_rate_init by 10")


def swings(run):
    """Does the loss go up and down in the second half, by more than settling explains?"""
    late = run.loss[run.epochs // 2 :]
    if len(late) < FEW // 2 + 1 or not np.isfinite(late).all():
        return False
    moves = np.diff(late)
    turns = np.mean(moves[1:] * moves[:-1] < 0)
    level = max(late.mean(), GOOD * np.nan_to_num(run.facts.constant_loss))
    return bool(turns >= 0.5 and np.abs(moves).mean() > SWING * level)


def oscillation(run):
    if run.epochs < FEW or not swings(run):
        return None
    advice = "the loss goes up and down from epoch to epoch: halve learning_rate_init, take larger batches, or let the"
    return Finding("oscillation", (), advice + " step shrink (learning_rate='cosine')")


def too_small(run):
    if run.ratios is None or run.epochs < FEW:
        return None
    ratio, moves = np.median(run.ratios, axis=0).max(), np.diff(run.loss)
    steady = np.mean(moves < 0) > 0.8 and -moves[len(moves) // 2 :].sum() > -0.5 * moves[: len(moves) // 2].sum()
    slow = run.loss[-1] > 0.8 * run.loss[0]
    if not (ratio < SMALL_STEP and slow and (steady or run.learnt_nothing)):
        return None
    advice = f"a step moves the weights by {ratio:.0e} of their size, and the loss hardly falls: multiply"
    return Finding("step too small", (), advice + " learning_rate_init by 10")


def plateau(run):
    if run.epochs < FEW or not run.learnt_nothing:
        return None
    late = run.loss[-max(3, run.epochs // 3) :]
    if not abs(late[0] - late[-1]) < FLAT * run.facts.constant_loss:
        return None
    advice = f"the loss stands at {late[-1]:.3g}, where the best constant answer stands: other first weights, a larger"
    return Finding("plateau", (), advice + " step or momentum, more units, or columns that tell more")


def listed(layers):
    """1, 2 and 3 as "1 to 3", others with commas."""
    if len(layers) > 2 and list(layers) == list(range(layers[0], layers[-1] + 1)):
        return f"{layers[0]} to {layers[-1]}"
    return ", ".join(map(str, layers))
