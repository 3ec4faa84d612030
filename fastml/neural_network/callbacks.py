"""Whom training tells of each epoch, and what scores it: callbacks, checkpoints, the user's `scoring`."""

__all__ = ["callbacks_of", "scorer_of"]


def callbacks_of(model):
    """The user's callbacks, and the one that writes checkpoints, as the training loop calls them."""
    given = [] if model.callbacks is None else model.callbacks
    given = list(given) if isinstance(given, list | tuple) else [given]
    if model.checkpoint is not None:
        given.append(write_checkpoint)

    def telling(callback):
        def call(row, learner):
            state = learner.state
            model._set_weights(state.w.copy())
            model._first, model._second, model._steps = state.first.copy(), state.second.copy(), int(state.clock[0])
            return callback(model, row)

        return call

    return [telling(callback) for callback in given]


def scorer_of(model, validation):
    """score(w, outputs, data or None for the validation set): of what the user's `scoring` says, else our own."""
    if model.scoring is None:
        return lambda w, output, data: model._own_score(output, validation if data is None else data)
    from sklearn.metrics import get_scorer

    scorer, probe = get_scorer(model.scoring), object.__new__(type(model))
    probe.__dict__ = dict(model.__dict__)

    def score(w, output, data):
        probe._set_weights(w)
        rows = validation if data is None else data
        return float(scorer(probe, rows.X, model._targets(rows.Y)))

    return score


def write_checkpoint(model, record):
    from fastml.persistence import save

    save(model, model.checkpoint)
