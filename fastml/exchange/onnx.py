"""Models as ONNX, which runtimes on phones, in browsers and in other languages answer from."""

import numpy as np

from fastml.exchange.common import ExchangeError
from fastml.writing import replacing

__all__ = ["to_onnx"]

# scikit-learn's trees compare with float32, and skl2onnx has two more in single precision only.
SINGLE = ("DecisionTreeClassifier", "DecisionTreeRegressor", "CategoricalNB", "LinearSVC")
NOT_ANSWERED = ("RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "NearestNeighbors")  # by what skl2onnx makes


def to_onnx(model, path=None):
    """The ONNX model with the answers of a fitted `model`, by way of `to_sklearn` and skl2onnx.

    Its input "X" takes rows (n, n_features), float32 for trees, CategoricalNB and LinearSVC, else float64. Its outputs
    are the prediction and, of a classifier, the probabilities (or scores) in the order of `classes_`.

    Parameters
    ----------
    model : estimator
        A fitted model of fastml, or a pipeline with such models.
    path : str or path, default=None
        The file to write, at once and only when it is whole; None writes none.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ImportError
        Without skl2onnx: pip install "fastml-learn[onnx]".
    ExchangeError
        If scikit-learn has no words for the model, or ONNX has none.
    """
    from fastml.exchange import to_sklearn

    try:
        import skl2onnx  # noqa: F401
    except ImportError as error:
        raise ImportError('to_onnx needs skl2onnx: pip install "fastml-learn[onnx]"') from error
    twin = to_sklearn(model)
    last = twin[-1] if hasattr(twin, "named_steps") else twin
    if type(last).__name__ in NOT_ANSWERED:
        raise ExchangeError(f"{type(last).__name__}: skl2onnx makes no ONNX of it that answers")
    if decides_by_probabilities(last):
        raise ExchangeError(
            f"SGDClassifier(loss={last.loss!r}) of {len(last.classes_)} classes: skl2onnx decides by the probabilities,"
            " which are equal where scores differ: take LogisticRegression, or loss='hinge'"
        )
    dtype = np.float32 if type(last).__name__ in SINGLE else np.float64
    row = np.zeros((1, twin.n_features_in_), dtype)
    try:
        made = in_onnx(twin, last, row)
    except (RuntimeError, NotImplementedError) as error:
        raise ExchangeError(f"{type(model).__name__}: skl2onnx makes no ONNX of it. {error}") from error
    if path is not None:
        with replacing(path) as file:
            file.write(made.SerializeToString())
    return made


def decides_by_probabilities(model):
    several = type(model).__name__ == "SGDClassifier" and len(model.classes_) > 2
    return several and model.loss in ("log_loss", "modified_huber")


def in_onnx(twin, last, row):
    """skl2onnx's model; probabilities are a table (n, n_classes) where it has that choice, and not a list of dicts."""
    from skl2onnx import to_onnx

    try:
        return to_onnx(twin, row, options={id(last): {"zipmap": False}} if hasattr(last, "classes_") else None)
    except NameError:  # it has not
        return to_onnx(twin, row)
