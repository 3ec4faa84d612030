"""What a search tells callbacks, as scikit-learn's own searches do; its versions before 1.9 have none."""

import inspect

__all__ = ["SearchCallbacks"]


class SearchCallbacks:
    """The task of one search: its candidates on every split, and the refit.

    context: what the strategy of the search gets; None where scikit-learn's strategies take none
    """

    def __init__(self, search, X, y, params):
        weight = params.get("sample_weight")
        metadata = None if weight is None else {"sample_weight": weight}
        self.told = {"estimator": search, "X": X, "y": y, "metadata": metadata}
        self.search, self.context = search, None
        if "callback_ctx" in inspect.signature(search._run_search).parameters:
            context = search._init_callback_context(max_subtasks=1 + (search.refit is not False))
            self.context = context.call_on_fit_task_begin(**self.told)

    def run(self, evaluate):
        """Let scikit-learn's own strategy choose the candidates."""
        if self.context is None:
            self.search._run_search(evaluate)
        else:
            self.search._run_search(evaluate, callback_ctx=self.context)

    def refit(self, estimator, fit):
        """Call `fit`, which fits the best estimator."""
        if self.context is None:
            fit()
            return
        context = self.context.subcontext(task_name="refit-with-best-params")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(**self.told)
            fit()
        context.call_on_fit_task_end(**self.told)

    def end(self):
        if self.context is not None:
            self.context.call_on_fit_task_end(**self.told)
