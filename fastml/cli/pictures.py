"""The pictures of the report, as SVG that takes the page's own colours for lines and text."""

import io
import re
import warnings

import numpy as np

from fastml.cli.encoder import estimate
from fastml.cli.models import CLASSIFICATION, load
from fastml.cli.race import LIBRARIES, score, splits

__all__ = ["against", "boundary", "graph", "learning_curve", "network", "small_network"]

# Matplotlib has no word for the colour of the text around a picture: these stand for it and are replaced.
INK, FAINT = "#010203", "#040506"
COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bb5566", "#997700", "#44bb99", "#888888"]
POINTS = 300  # drawn in a picture; more hide one another
GRID = 120  # points along each side of a decision boundary
SIZES = 6  # of training sets along a learning curve
LARGEST = 5000  # training rows of a learning curve
CURVE_FOLDS = 3
HIDDEN = 4  # units of the network that is drawn
DRAWN_COLUMNS = 6  # that it is given


class Drawing:
    """`with Drawing() as axes:` draws, and `.svg(n)` is the picture; n keeps its ids apart from other pictures'."""

    def __init__(self, width=4.2, height=3.2):
        self.size = width, height

    def __enter__(self):
        import matplotlib
        from matplotlib.figure import Figure

        self._context = matplotlib.rc_context(
            {
                "svg.fonttype": "none",
                "text.parse_math": False,  # a column may be called $x$
                "svg.hashsalt": "fastml",
                "font.size": 9,
                "text.color": INK,
                "axes.labelcolor": INK,
                "axes.edgecolor": FAINT,
                "xtick.color": INK,
                "ytick.color": INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
            }
        )
        self._context.__enter__()
        self.figure = Figure(figsize=self.size, layout="constrained")
        return self.figure.add_subplot()

    def __exit__(self, *error):
        if error[0] is None:
            buffer = io.BytesIO()
            self.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
            self._drawn = buffer.getvalue().decode()
        self._context.__exit__(*error)

    def svg(self, number, title):
        drawn = self._drawn[self._drawn.index("<svg") :]
        drawn = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>p{number}-", drawn)
        drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
        drawn = drawn.replace(INK, "currentColor").replace(FAINT, "var(--faint)")
        drawn = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', "", drawn, count=1)
        return drawn.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


def boundary(problem, model, columns):
    """The answer of a model fitted on two columns alone, over the plane, and some of the rows."""
    classes, codes = np.unique(problem.y, return_inverse=True)
    X = problem.X[:, columns]
    known = ~np.isnan(X).any(axis=1)
    low, high = np.quantile(X[known], [0.005, 0.995], axis=0)
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    plane = np.stack(np.meshgrid(*np.linspace(low, high, GRID).T), axis=-1).reshape(-1, 2)
    encoder = estimate(model.input, X, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said already by the comparison
        fitted = load(model)[0](**model.settings_for(len(X))).fit(encoder.apply(X), problem.y)
        answer = np.searchsorted(classes, fitted.predict(encoder.apply(plane))).reshape(GRID, GRID)
    drawing = Drawing()
    with drawing as axes:
        colours = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in COLOURS])
        extent = (low[0], high[0], low[1], high[1])
        axes.imshow(colours[answer], extent=extent, origin="lower", aspect="auto", alpha=0.35, interpolation="nearest")
        some = np.flatnonzero(known)[:: max(1, known.sum() // POINTS)]
        for code, label in enumerate(classes):
            axes.scatter(*X[some[codes[some] == code]].T, s=7, color=COLOURS[code], label=str(label)[:20], linewidths=0)
        axes.set(xlim=extent[:2], ylim=extent[2:])
        axes.set(xlabel=problem.names[columns[0]], ylabel=problem.names[columns[1]])
        if len(classes) <= 4:
            axes.legend(fontsize=7, framealpha=0.5, facecolor="none", edgecolor=FAINT)
    return drawing


def learning_curve(problem, models, progress):
    """The score on held-out rows against the number of training rows: one line for each model."""
    folds = list(splits(problem, CURVE_FOLDS))
    most = min(LARGEST, min(len(train) for train, _ in folds))
    sizes = np.unique(np.geomspace(max(10, most / 64), most, SIZES).astype(int))
    drawing = Drawing(4.2, 4.0)
    with drawing as axes:
        for place, model in enumerate(models):
            progress(f"learning curve of {model.title} on {problem.name}")
            means = [np.mean([held_out(problem, model, train, test, size) for train, test in folds]) for size in sizes]
            line = "-" if place < len(COLOURS) else "--"
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(sizes, means, line, marker="o", markersize=3, color=colour, label=model.title)
        axes.set(xscale="log", xlabel="training rows", ylabel="accuracy" if problem.task == CLASSIFICATION else "R²")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
        axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    return drawing


def held_out(problem, model, train, test, size):
    """The score after training on `size` rows of a fold, drawn at random; NaN where they are too few for the model."""
    rows = np.random.default_rng(0).permutation(train)[:size]
    encoder = estimate(model.input, problem.X[rows], problem.texts, problem.reduce)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = load(model)[0](**model.settings_for(size)).fit(encoder.apply(problem.X[rows]), problem.y[rows])
        except ValueError:
            return np.nan
        return score(problem.task, problem.y[test], fitted.predict(encoder.apply(problem.X[test])))


def against(problem, entry):
    """Predicted against true values of a regression, and the line where they are equal."""
    some = np.flatnonzero(entry.seen)[:: max(1, len(problem.y) // POINTS)]
    drawing = Drawing()
    with drawing as axes:
        ends = [problem.y.min(), problem.y.max()]
        axes.plot(ends, ends, color=FAINT, linewidth=1)
        axes.scatter(problem.y[some], entry.predicted[some], s=7, color=COLOURS[0], linewidths=0)
        axes.set(xlabel="true", ylabel=f"predicted ({LIBRARIES[0]})")
    return drawing


def small_network(problem, columns):
    """A perceptron with one small hidden layer, fitted on some columns scaled; and the names of its inputs."""
    from fastml.neural_network import MLPClassifier, MLPRegressor

    X = problem.X[:, columns]
    rows = np.random.default_rng(0).permutation(len(X))[:LARGEST]
    X = estimate("scaled", X, {}).apply(X)[rows]
    kind = MLPClassifier if problem.task == CLASSIFICATION else MLPRegressor
    model = kind(hidden_layer_sizes=(HIDDEN,), activation="tanh", max_iter=100, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a picture needs no last digit
        return model.fit(X, problem.y[rows]), [problem.names[i] for i in columns]


def network(model, names):
    """The units and weights of a network, inputs by their names."""
    from fastml.neural_network import Network
    from fastml.plot import network as draw

    net = Network.from_estimator(model)
    net.feature_names = names
    drawing = Drawing(6.0, 4.4)
    with drawing as axes:
        draw(net, ax=axes)
    return drawing


def graph(model):
    """The computation graph of a network's output for one row."""
    from fastml.neural_network import Network

    drawing = Drawing(8.0, 3.0)
    with drawing as axes:
        Network.from_estimator(model).to_graph().plot(ax=axes)
        for box in axes.patches:
            box.set_facecolor("none")  # the page may be dark
    return drawing
