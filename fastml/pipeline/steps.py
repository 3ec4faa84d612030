"""Pipeline: scikit-learn's, answering by its steps directly; scalers are folded into the linear model behind them."""

import functools
from inspect import getattr_static
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline as ScikitPipeline
from sklearn.pipeline import make_pipeline as make_scikit_pipeline
from sklearn.utils.metaestimators import available_if

from fastml._sklearn import _get_threadlocal_config
from fastml.base import Estimator
from fastml.linear_model.base import LinearModel, Scores
from fastml.pipeline import ways
from fastml.preprocessing.scalers import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from fastml_ext import checks
from fastml_ext import preprocessing as kernels

__all__ = ["Pipeline", "make_pipeline"]

SCALERS = (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)
SCORED = ("predict", "predict_proba", "predict_log_proba", "decision_function")  # by the scores of a linear model
PARAMETERS = {"fold", "memory", "steps", "transform_input", "verbose"}
NOT_HERE = object()


def answered(name):
    """scikit-learn's method of that name, which is asked only where the steps cannot answer directly."""
    original: Any = getattr_static(ScikitPipeline, name)

    @functools.wraps(original.fn)
    def call(self, X, **params):
        if not params:
            found = self._answer(name, X)
            if found is not NOT_HERE:
                return found
        return original.fn(self, X, **params)

    return available_if(original.check)(call)


def learning(name):
    """scikit-learn's method of that name, after whose errors the steps are what they were."""
    original: Any = getattr_static(ScikitPipeline, name)
    function = original.fn if hasattr(original, "fn") else original

    @functools.wraps(function)
    def call(self, X, y=None, **params):
        given = self.steps if isinstance(self.steps, list | tuple) else ()  # what it is otherwise, the fit refuses
        steps = [pair[-1] for pair in given if isinstance(pair, list | tuple) and pair]
        steps = [step for step in steps if hasattr(step, "__dict__") and not isinstance(step, type)]
        before = [dict(step.__dict__) for step in steps]
        try:
            if not params and is_plain_fit(self, name):
                return learn_plainly(self, name, X, y)
            return function(self, X, y, **params)
        except BaseException:
            for step, state in zip(steps, before, strict=True):
                step.__dict__ = state
            raise

    return available_if(original.check)(call) if function is not original else call


def is_plain_fit(pipeline, method):
    """Whether the steps are fastml's and in order, and nobody listens to a fit, keeps, prints or directs it."""
    own = pipeline.__dict__
    if type(pipeline) is not Pipeline or type(pipeline.steps) is not list or not pipeline.steps:
        return False
    if own["fold"] is not True or own["verbose"] is not False or "_skl_callbacks" in own:
        return False
    if own["memory"] is not None or own["transform_input"] is not None:
        return False
    if _get_threadlocal_config().get("enable_metadata_routing", False):
        return False
    names = set()
    for step in pipeline.steps:
        if type(step) is not tuple or len(step) != 2 or not is_plain_step(step[1]):
            return False
        names.add(step[0])
    in_order = all(type(name) is str and "__" not in name and name not in PARAMETERS for name in names)
    if not in_order or len(names) < len(pipeline.steps):
        return False
    *front, (_, last) = pipeline.steps
    return hasattr(last, method) and all(hasattr(step, "transform") for _, step in front)


def is_plain_step(step):
    return isinstance(step, Estimator) and "_skl_callbacks" not in step.__dict__


def learn_plainly(pipeline, method, X, y):
    """What scikit-learn's method does, without what it does for those of whom there are none."""
    pipeline.steps = list(pipeline.steps)
    *front, (_, last) = pipeline.steps
    for _, step in front:
        X = step.fit_transform(X, y) if hasattr(step, "fit_transform") else step.fit(X, y).transform(X)
    found = getattr(last, method)(X, y)
    return pipeline if method == "fit" else found


class Pipeline(Estimator, ScikitPipeline):
    """Steps one after the other: all but the last transform, the last one predicts, or transforms too.

    Where every step is fastml's, rows go from step to step without what scikit-learn does in between. A scaler and a
    linear model behind it answer as one: the model's weights are divided by the scales, and meet the centred columns
    in float64, so that no scaled table is made. Behind a ColumnTransformer of fastml's steps a linear model reads the
    columns of many rows where they are: scaled on the way, and a category adds its weight, so that no table of 0 and 1
    is made. Such scores equal those of the steps to rounding: the difference is at
    most 2 * n_features eps times the sum of the magnitudes that are added, eps of the dtype of the rows. So do those of
    many rows behind several scalers, selectors and projections such as PCA, whose weights are multiplied together.
    Behind scalers, imputers and selectors a tree has its thresholds moved to where its columns are not scaled, exactly,
    and neighbours, networks and GaussianNB are given a small part of the rows at a time: equal to the bit.

    Parameters
    ----------
    steps : list of (str, estimator)
        Names and steps; "passthrough" for none.
    transform_input : list of str, default=None
        With metadata routing: parameters that the steps before a step transform.
    memory : str or object with the interface of joblib.Memory, default=None
        Where fitted transformers are kept.
    verbose : bool, default=False
        Whether the time of each step is printed.
    fold : bool, default=True
        Whether rows take the short ways; False for scikit-learn's code, which calls each step on its own.

    Attributes
    ----------
    named_steps : Bunch
        The steps by their names.
    classes_, n_features_in_, feature_names_in_
        The last and the first step's.

    Examples
    --------
    >>> from fastml.linear_model import LogisticRegression
    >>> from fastml.pipeline import make_pipeline
    >>> from fastml.preprocessing import StandardScaler
    >>> model = make_pipeline(StandardScaler(), LogisticRegression())
    >>> model.fit([[1.0], [2.0], [3.0], [4.0]], ["low", "low", "high", "high"]).predict([[3.5]])
    array(['high'], dtype='<U4')
    """

    _parameter_constraints = ScikitPipeline._parameter_constraints | {"fold": ["boolean"]}

    def __init__(
        self,
        steps: Any,
        *,
        transform_input: Any = None,
        memory: Any = None,
        verbose: Any = False,
        fold: Any = True,
    ) -> None:
        super().__init__(steps, transform_input=transform_input, memory=memory, verbose=verbose)
        self.fold = fold

    fit = learning("fit")
    fit_transform = learning("fit_transform")
    fit_predict = learning("fit_predict")
    predict = answered("predict")
    predict_proba = answered("predict_proba")
    predict_log_proba = answered("predict_log_proba")
    decision_function = answered("decision_function")
    transform = answered("transform")

    def _fit_steps(self, parts):
        """A fit of a table in parts: rows go through the steps that are fitted while they are read for the next."""
        from fastml.scale.through import learn_through

        steps = [step for _, step in self.steps if hasattr(step, "__dict__")]
        before = [dict(step.__dict__) for step in steps]
        try:
            *transformers, last = [None if step == "passthrough" else step for _, step in self.steps]
            for step in transformers:
                if step is not None:
                    parts = learn_through(parts, step)
            if last is not None:
                last.fit(parts)
        except BaseException:
            for step, state in zip(steps, before, strict=True):
                step.__dict__ = state
            raise
        return self

    def __getitem__(self, ind: Any) -> Any:
        found = super().__getitem__(ind)
        return found.set_params(fold=self.fold) if isinstance(ind, slice) else found

    def _answer(self, method, X):
        """What the method gives by the steps directly, or NOT_HERE."""
        if not self.fold:
            return NOT_HERE
        if len(self.steps) == 2 and method in SCORED:
            first, last = self.steps[0][1], self.steps[1][1]
            scores = None
            if not isinstance(last, LinearModel):
                pass
            elif type(first) in SCALERS:
                scores = folded_scores(first, last, X)
            elif hasattr(first, "transformers_") and isinstance(first, Estimator):
                scores = scores_of_columns(first, last, X)
            if scores is not None:
                return getattr(last, method)(Scores(scores))
        steps = [step for _, step in self.steps if step is not None and step != "passthrough"]
        if not steps or not all(isinstance(step, Estimator) for step in steps):
            return NOT_HERE
        if method == "transform":
            for step in steps:
                X = step.transform(X)
            return X
        last = steps.pop()
        return NOT_HERE if last is not self.steps[-1][1] else ways.answer(steps, last, method, X)


def folded_scores(scaler, model, X):
    """Scores of the model on the scaled rows of X, a plain finite table; None for what must take each step."""
    d, own = scaler.__dict__.get("_fast_columns"), model.__dict__
    if d is None or d != own.get("_fast_columns") or not checks.is_table(X, d, np.ndarray) or X.dtype != own["_dtype"]:
        return None
    coef, intercept = own["coef_"], own["intercept_"]
    if type(coef) is not np.ndarray or coef.dtype != X.dtype or not coef.flags.c_contiguous:
        return None
    if coef.shape[-1] != d or getattr(scaler, "clip", False):
        return None
    coef = coef[None] if coef.ndim == 1 else coef
    if type(intercept) is not np.ndarray or intercept.dtype != X.dtype or intercept.shape != coef.shape[:1]:
        intercept = np.ascontiguousarray(np.broadcast_to(intercept, len(coef)), X.dtype)
    return kernels.scaled_scores(X, *scaler._centre_and_scale(X), coef, intercept, own.get("n_jobs"))


def scores_of_columns(transformer, model, X):
    """Scores of the model on what a ColumnTransformer makes of X; None for what must take each step."""
    own = model.__dict__
    coef, intercept = own.get("coef_"), own.get("intercept_")
    if (
        type(coef) is not np.ndarray
        or coef.dtype != np.float64
        or "_fast_columns" not in own
        or own["_dtype"] != coef.dtype
    ):
        return None
    if own["_fast_columns"] != coef.shape[-1]:
        return None
    return transformer._scores(X, coef[None] if coef.ndim == 1 else coef, intercept, own.get("n_jobs"))


def make_pipeline(
    *steps: Any, memory: Any = None, transform_input: Any = None, verbose: Any = False, fold: Any = True
) -> Pipeline:
    """A `Pipeline` of steps that are named by their classes, in lower case.

    Parameters
    ----------
    *steps : estimators
        The steps.
    memory, transform_input, verbose, fold
        As of `Pipeline`.

    Returns
    -------
    Pipeline

    Examples
    --------
    >>> from fastml.pipeline import make_pipeline
    >>> from fastml.preprocessing import MinMaxScaler, StandardScaler
    >>> [name for name, step in make_pipeline(StandardScaler(), MinMaxScaler()).steps]
    ['standardscaler', 'minmaxscaler']
    """
    named = make_scikit_pipeline(*steps).steps
    return Pipeline(named, memory=memory, transform_input=transform_input, verbose=verbose, fold=fold)
