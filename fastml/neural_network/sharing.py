"""What networks share in a search: one training run serves all values of max_iter."""

from numbers import Integral

from sklearn.base import clone

from fastml.sharing import NotShared, rows_of, separate_fit

__all__ = ["epochs_add_up", "responses_of"]


def epochs_add_up(model):
    """Whether the weights after m epochs are those of a fit with max_iter=m."""
    return (
        model.solver != "lbfgs"
        and model.learning_rate != "cosine"
        and not (model.early_stopping or model.warm_start)
        and model.max_time is None
        and model.callbacks is None
        and model.checkpoint is None
        and (model.random_state is None or isinstance(model.random_state, Integral))
    )


def responses_of(given, X, y, splits, settings, method):
    """Responses of all values of max_iter from one training run a split, as separate fits would give them."""
    counts = [setting["max_iter"] for setting in settings]
    if not all(isinstance(count, Integral) and int(count) > 0 for count in counts):
        raise NotShared("only values of max_iter that are whole numbers above 0 are shared")
    for train, test in splits:
        kept: dict = {}

        def keep(model, record, kept=kept):
            if record["epoch"] in counts:
                kept[record["epoch"]] = model._flat_weights()

        model = clone(given).set_params(max_iter=max(counts), callbacks=keep)
        with separate_fit():
            model.fit(rows_of(X, train), rows_of(y, train))
        if model.learning_rate_ != model.learning_rate_init:
            raise NotShared("training diverged and started again, which fewer epochs might not have done")
        last = model._flat_weights()
        responses = []
        for count in counts:
            model._set_weights(kept.get(count, last))
            with separate_fit():
                responses.append(getattr(model, method)(rows_of(X, test)))
        yield responses
