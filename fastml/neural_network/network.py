"""A network whose weights are given: what it computes, its derivatives, its size, its graph and its picture."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from fastml.base import as_numbers, encode_labels, one_row, refuse_nonfinite
from fastml.kinds import array_of_numbers
from fastml.neural_network import backpropagation
from fastml.neural_network.formulas import activation_of, default_loss, loss_of

if TYPE_CHECKING:
    from fastml.explanation import Explanation
    from fastml.neural_network.gradient_check import GradientReport
    from fastml.neural_network.summary import Summary

__all__ = ["Network"]


class Network:
    """Dense layers with weights given by hand, or taken from a fitted model.

    Parameters
    ----------
    coefs : list of array-like of shape (n_in, n_out)
        Weights of each layer, as scikit-learn's `coefs_`: column j goes to unit j. `Network.from_rows` takes them by
        rows, with the bias first.
    intercepts : list of array-like of shape (n_out,), default=None
        Biases of each layer; None is zeros.
    activations : str, callable, pair of callables, or list of these
        One for each layer, the last layer's last; a single one goes to every layer. Names: "identity", "logistic" (or
        "sigmoid"), "tanh", "relu", "leaky_relu", "gelu", "elu", "softplus", "step" (1 from 0 on), "straight_through",
        "exp", "softmax". A function of the weighted sums z is written with `fastml.autodiff`'s functions, which
        differentiates it; a pair is (function, derivative) of arrays, and `check_gradients` says whether they fit.
    classes : array-like of shape (n_classes,), default=None
        Labels of the outputs, in order: one each; or two, or the only one there is, for one output. None: `predict`
        gives numbers.
    feature_names : list of str, default=None
        Names of the columns of X; None is x0, x1, ...
    multilabel : bool, default=False
        Whether the classes are labels that may hold together, each its output's share: `predict` says 0 or 1 for each.

    Attributes
    ----------
    coefs, intercepts : list of ndarray
        Float32 if all coefs are, else float64.
    activations : list of Activation
        Their `name` is what was given, or the function's.
    units : tuple of int
        Columns of X, then units of each layer.

    Raises
    ------
    ValueError
        If shapes of neighbouring layers do not fit, a weight is not finite, or an activation is unknown.

    Examples
    --------
    The exclusive or of two inputs, by two hidden units and a third that joins them:

    >>> from fastml.neural_network import Network
    >>> xor = Network.from_rows([[-1, 1, -1], [-1, -1, 1]], [[-0.5, 1, 1]], activations="step")
    >>> xor([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel()
    array([0., 1., 1., 0.])
    """

    def __init__(
        self,
        coefs: Any,
        intercepts: Any = None,
        *,
        activations: Any,
        classes: ArrayLike | None = None,
        feature_names: Any = None,
        multilabel: bool = False,
    ) -> None:
        coefs = [np.asarray(coef) for coef in coefs]
        single = bool(coefs) and all(coef.dtype == np.float32 for coef in coefs)
        self.dtype = np.dtype(np.float32 if single else np.float64)
        self.coefs = [np.array(coef, self.dtype, order="C") for coef in coefs]
        if intercepts is None:
            intercepts = [np.zeros(coef.shape[-1]) for coef in self.coefs]
        self.intercepts = [np.array(intercept, self.dtype).reshape(-1) for intercept in intercepts]
        self._check_shapes()
        self.units = (len(self.coefs[0]), *(coef.shape[1] for coef in self.coefs))
        self.activations = self._activations(activations)
        self.classes = None if classes is None else np.asarray(classes)
        self.multilabel = multilabel
        k = self.units[-1]
        if self.classes is not None and len(self.classes) != k and (k, len(self.classes)) != (1, 2):
            raise ValueError(f"classes has {len(self.classes)} labels, but {k} outputs tell {max(k, 2)} apart")
        if feature_names is not None and len(feature_names) != self.units[0]:
            raise ValueError(f"feature_names has {len(feature_names)} names for {self.units[0]} inputs")
        self.feature_names = [f"x{j}" for j in range(self.units[0])] if feature_names is None else list(feature_names)

    @classmethod
    def from_rows(
        cls, *layers: Any, activations: Any, classes: ArrayLike | None = None, feature_names: Any = None
    ) -> Self:
        """A network of matrices whose rows are units and whose first column is the bias: (n_out, 1 + n_in) each.

        The 1 that the bias is multiplied with is put before the inputs of every layer by the network itself.

        >>> from fastml.neural_network import Network
        >>> line = Network.from_rows([[-3, 1, 3]], activations="step")      # x0 + 3 x1 >= 3
        >>> line([[0, 1], [0, 0.9]]).ravel()
        array([1., 0.])
        """
        matrices = [np.asarray(layer) for layer in layers]
        for number, matrix in enumerate(matrices, 1):
            if matrix.ndim != 2 or matrix.shape[1] < 2:
                raise ValueError(
                    f"layer {number} has shape {matrix.shape}: it takes a row for each unit, the bias and then"
                    " one weight for each input"
                )
        coefs, intercepts = [matrix[:, 1:].T for matrix in matrices], [matrix[:, 0] for matrix in matrices]
        return cls(coefs, intercepts, activations=activations, classes=classes, feature_names=feature_names)

    @classmethod
    def from_estimator(cls, model: Any) -> Self:
        """The network of a fitted MLPClassifier or MLPRegressor, fastml's or scikit-learn's.

        >>> from sklearn.neural_network import MLPRegressor
        >>> from fastml.neural_network import Network
        >>> model = MLPRegressor(hidden_layer_sizes=[4], solver="lbfgs", random_state=0).fit([[0.0], [1.0]], [0.0, 1.0])
        >>> Network.from_estimator(model)
        <Network 1-4-1: relu, identity; 13 parameters>
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(model, "coefs_")
        n_hidden, hidden = len(model.coefs_) - 1, model.activation
        last = getattr(model, "output_activation", None)
        hidden = list(hidden) if isinstance(hidden, Sequence) and not one_activation(hidden) else [hidden] * n_hidden
        return cls(
            model.coefs_,
            model.intercepts_,
            activations=[
                *hidden,
                last if one_activation(last) and not isinstance(last, str) else model.out_activation_,
            ],
            classes=getattr(model, "classes_", None),
            feature_names=getattr(model, "feature_names_in_", None),
            multilabel=holds_several(model),
        )

    def forward(self, X: Any) -> backpropagation.Forward:
        """All that the network computes from X, array-like or CSR (n_samples, n_features), or one row (n_features,).

        Returns
        -------
        Forward
            `activations`: X, then (n_samples, units) of each layer; `sums`: the weighted sums before each layer's
            activation; `output`: the last activations.
        """
        return backpropagation.forward(self._rows(X), self.coefs, self.intercepts, self.activations)

    def __call__(self, X: Any) -> np.ndarray:
        """Activations of the last layer, (n_samples, n_outputs); (n_outputs,) for a single row (n_features,)."""
        output = self.forward(X).output
        return output[0] if not issparse(X) and np.ndim(X) == 1 else output

    def predict(self, X: Any) -> np.ndarray:
        """Labels where the network has classes, (n_samples,), or 0 and 1 for each output if these are several that
        may hold together; without classes the outputs, (n_samples,) if there is one."""
        output = self.forward(X).output
        if self.classes is None:
            return output[:, 0] if output.shape[1] == 1 else output
        if self.multilabel:
            return (output > 0.5).astype(int)
        if output.shape[1] == 1 < len(self.classes):
            return self.classes[(output[:, 0] > 0.5).astype(int)]
        return self.classes[output.argmax(axis=1)]

    def gradients(
        self, X: Any, y: Any, loss: Any = None, *, sample_weight: ArrayLike | None = None, delta: float = 1.0
    ) -> backpropagation.Gradients:
        """A loss of the network, and its derivatives towards the weights and towards X.

        Parameters
        ----------
        X : array-like or CSR of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numbers, or labels where the network has classes.
        loss : str, callable or pair of callables, default=None
            "squared_error" (half of it), "root_mean_squared_error", "absolute_error", "huber", "log_loss",
            "binary_log_loss", "poisson"; or a function of (output, y), entry by entry, or that and its derivative by
            output. None is what goes with the last activation: log_loss with softmax, binary_log_loss with logistic,
            poisson with exp, else squared_error. Summed over the outputs, averaged over the samples.
        sample_weight : array-like of shape (n_samples,), default=None
        delta : float, default=1.0
            The residual from which "huber" is linear.

        Returns
        -------
        Gradients
            `loss`, a number; `coefs` and `intercepts`, lists as the network's own; `X` (n_samples, n_features).
        """
        X, Y, loss, weight = self._rows(X), self._targets(y), self._loss(loss), sample_weight
        if len(Y) != X.shape[0]:
            raise ValueError(f"y has {len(Y)} rows, but X has {X.shape[0]}")
        if weight is not None:
            weight = np.asarray(weight, float)
            if weight.shape != (len(Y),) or not weight.min() >= 0 or not weight.sum() > 0:
                raise ValueError(f"sample_weight must be {len(Y)} numbers of at least 0, not all 0")
        passed = backpropagation.forward(X, self.coefs, self.intercepts, self.activations)
        return backpropagation.backward(passed, Y, self.coefs, self.activations, loss, weight, delta)

    def check_gradients(
        self,
        X: Any,
        y: Any,
        loss: Any = None,
        *,
        gradients: Any = None,
        max_entries: int = 50,
        random_state: int | np.random.RandomState | None = 0,
    ) -> "GradientReport":
        """Compare derivatives with differences, and name the weight, the layer and the function that is wrong.

        Parameters
        ----------
        X, y, loss :
            As in `gradients`; a few rows are enough.
        gradients : Gradients or pair (coefs, intercepts), default=None
            Derivatives to check, such as those of your own code; None checks the network's.
        max_entries : int, default=50
            How many entries of each array are compared: the largest, and others drawn at random.
        random_state : int, default=0
            What they are drawn by.

        Returns
        -------
        GradientReport
            True if all agree; `print` shows the largest error of each array, and what is wrong.

        Examples
        --------
        >>> from fastml.neural_network import Network
        >>> import numpy as np
        >>> wrong = (np.tanh, lambda z: 1 - np.tanh(z))                     # the square is missing
        >>> net = Network([[[0.5, -1.0]], [[1.0], [2.0]]], activations=[wrong, "identity"])
        >>> print(net.check_gradients([[0.3], [0.8]], [1.0, 0.0]).culprit)
        the derivative of layer 1's activation 'tanh': at z = 0.15 it is 0.8511, differences give 0.9778
        """
        from fastml.neural_network.gradient_check import check

        X = self._rows(X)
        wide = self.astype(np.float64)
        Y, loss = wide._targets(y), self._loss(loss)
        return check(wide, X.astype(float), Y, loss, gradients, max_entries, random_state)

    def summary(self) -> "Summary":
        """Layers, shapes, numbers of connections, parameters and operations: `print` it, or see it in a notebook."""
        from fastml.neural_network.summary import Summary

        return Summary.of(self)

    def explain(self, x: Any) -> "Explanation":
        """What the scores of one sample x, array-like of shape (n_features,) or (1, n_features), are made of.

        Returns
        -------
        Explanation
            See `fastml.neural_network.explaining.explain`.
        """
        from fastml.neural_network.explaining import explain

        return explain(self, one_row(x))

    def to_graph(self, n_samples: int = 1, loss: Any = None, *, delta: float = 1.0) -> Any:
        """The computation graph of the network, to differentiate, draw and compile with `fastml.autodiff`.

        Its inputs are X (n_samples, n_features), W1, b1, W2, ... and, with a loss, y (n_samples, n_outputs); the
        weighted sums are named z1, ..., the activations a1, ..., the result output, or loss. `values(X, y)` gives what
        the inputs stand for.

        Parameters
        ----------
        n_samples : int, default=1
        loss : str, callable or pair of callables, default=None
            As in `gradients`; "default" is the one that goes with the last activation. None: no loss in the graph.
        delta : float, default=1.0
            As in `gradients`.

        Raises
        ------
        ValueError
            For "gelu" and "straight_through", which no graph can hold.

        Examples
        --------
        >>> from fastml.neural_network import Network
        >>> net = Network([[[2.0], [1.0]]], activations="identity")
        >>> graph = net.to_graph(loss="squared_error")
        >>> graph.forward(net.values([[1.0, 3.0]], [4.0]))["loss"]
        np.float64(0.5)
        >>> graph.backward()["W1"].ravel()
        array([1., 3.])
        """
        from fastml.neural_network.graphs import to_graph

        wanted = None if loss is None else self._loss(None if loss == "default" else loss)
        return to_graph(self, n_samples, wanted, delta)

    def values(self, X: Any, y: Any = None) -> dict[str, np.ndarray]:
        """{name: value} of the inputs of `to_graph`."""
        found = {"X": self._rows(X)}
        for number, (coef, intercept) in enumerate(zip(self.coefs, self.intercepts, strict=True), 1):
            found |= {f"W{number}": coef, f"b{number}": intercept}
        return found if y is None else {**found, "y": self._targets(y)}

    def plot(self, **options: Any) -> Any:
        """Draw the network by `fastml.plot.network`, which takes the options; returns the axes."""
        from fastml.plot import network

        return network(self, **options)

    def astype(self, dtype: Any) -> "Network":
        """The same network in float32 or float64."""
        coefs = [coef.astype(dtype) for coef in self.coefs]
        options: dict[str, Any] = {"classes": self.classes, "multilabel": self.multilabel}
        options |= {"activations": self.activations, "feature_names": self.feature_names}
        return Network(coefs, self.intercepts, **options)

    @property
    def output_names(self) -> list[str]:
        """What each output stands for: its class, or y0, y1, ..."""
        if self.classes is None:
            return ["y"] if self.units[-1] == 1 else [f"y{k}" for k in range(self.units[-1])]
        return [str(label) for label in self.classes[-self.units[-1] :]]

    @property
    def n_connections(self) -> int:
        """Weights between units, biases not counted."""
        return sum(coef.size for coef in self.coefs)

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return self.n_connections + sum(intercept.size for intercept in self.intercepts)

    def __repr__(self):
        names = ", ".join(activation.name for activation in self.activations)
        return f"<Network {'-'.join(map(str, self.units))}: {names}; {self.n_parameters:,} parameters>"

    def _repr_html_(self):
        return self.summary()._repr_html_()

    def _check_shapes(self):
        if not self.coefs or len(self.coefs) != len(self.intercepts):
            raise ValueError(
                f"{len(self.coefs)} coefs and {len(self.intercepts)} intercepts: one of each for every layer"
            )
        before = None
        for number, (coef, intercept) in enumerate(zip(self.coefs, self.intercepts, strict=True)):
            if coef.ndim != 2 or coef.size == 0 or (before is not None and len(coef) != before):
                inputs = "n_in" if before is None else str(before)
                raise ValueError(f"coefs[{number}] has shape {coef.shape}, where ({inputs}, n_out) is needed")
            before = coef.shape[1]
            if intercept.shape != (before,):
                raise ValueError(
                    f"intercepts[{number}] has {intercept.size} entries for the {before} units of its layer"
                )
            if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
                raise ValueError(f"coefs[{number}] or intercepts[{number}] holds NaN or infinity")

    def _activations(self, given):
        if one_activation(given):
            given = [given] * len(self.coefs)
        if len(given) != len(self.coefs):
            raise ValueError(
                f"activations has {len(given)} entries for {len(self.coefs)} layers, the last layer included"
            )
        return [activation_of(each, f"activations[{k}]") for k, each in enumerate(given)]

    def _rows(self, X):
        """X as a finite table (n, d) of the network's dtype, or as CSR."""
        X = X.tocsr() if issparse(X) else np.asarray(array_of_numbers(X))
        X = X.reshape(1, -1) if X.ndim == 1 else X
        X = as_numbers(X, "Network").astype(self.dtype, copy=False)
        if X.ndim != 2 or X.shape[1] != self.units[0]:
            raise ValueError(f"X has shape {X.shape}, but the network takes {self.units[0]} columns")
        refuse_nonfinite(X, "Network", self.feature_names)
        return X

    def _targets(self, y):
        """y as the numbers that outputs are compared with, (n, k)."""
        k, y = self.units[-1], np.asarray(y)
        if self.classes is not None and y.ndim < 2:
            y, known = y.reshape(-1), self.classes
            labels, codes = encode_labels(y)
            if unknown := [label for label in labels.tolist() if label not in known.tolist()]:
                raise ValueError(f"y holds {unknown[0]!r}, which is none of the classes {known.tolist()}")
            places = np.array([known.tolist().index(label) for label in labels.tolist()])[codes]
            return (places[:, None] if k == 1 < len(known) else np.eye(k)[places]).astype(self.dtype)
        Y = y.reshape(-1, 1) if y.ndim < 2 and k == 1 else y.reshape(1, -1) if y.ndim < 2 and len(y) == k else y
        if Y.ndim != 2 or Y.shape[1] != k:
            raise ValueError(f"y has shape {y.shape}, where (n_samples, {k}) is needed, or labels and classes=...")
        return Y.astype(self.dtype)

    def _loss(self, loss):
        return loss_of(default_loss(self.activations[-1]) if loss is None else loss)


def one_activation(given):
    """Is this one activation, rather than one for each layer?"""
    pair = isinstance(given, tuple) and len(given) == 2 and all(map(callable, given))
    return isinstance(given, str) or callable(given) or pair


def holds_several(model):
    """Was the classifier fitted to labels that may hold together?"""
    theirs = getattr(getattr(model, "_label_binarizer", None), "y_type_", "")  # scikit-learn's
    return getattr(model, "_several", theirs.startswith("multilabel"))
