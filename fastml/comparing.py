"""Every model on a data frame: `fastml.compare(df, target="y")`, what `fastml compare` prints, as an object."""

from __future__ import annotations

import html
import statistics
import time as clock
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from fastml.cli import ROWS
from fastml.cli.encoder import INPUTS, estimate
from fastml.cli.judging import headline, interval, ranked
from fastml.cli.models import load
from fastml.cli.numbers import COMMA, POINT
from fastml.cli.predict import check_columns, place_columns
from fastml.cli.problem import choose_columns, from_table, wants_labels
from fastml.cli.race import AIM, KEPT, Race, tuned
from fastml.cli.reading.formats import plain
from fastml.cli.results import summary
from fastml.cli.tables import Asked, check_header, finished, read_table
from fastml.cli.terminal import InputError, Progress
from fastml.pipeline import Pipeline

__all__ = ["Comparison", "compare"]

BLOCK = 65_536  # rows of a frame read at a time


def compare(
    data: Any,
    target: str,
    *,
    task: str = "auto",
    folds: int = 5,
    rows: int | None = ROWS,
    group: str | None = None,
    time: str | None = None,
    drop: list[str] | tuple[str, ...] = (),
    budget: float | None = None,
    tune: bool = False,
    reduce: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    missing: list[str] | None = None,
) -> Comparison:
    """Compare every model, fastml's and scikit-learn's, on a table, by cross-validation.

    Parameters
    ----------
    data : data frame of pandas or polars, table of pyarrow, dict of columns, or path of a file
        What `fastml compare` reads. Texts, dates, truth values and missing cells may stay as they are.
    target : str
        The column to predict.
    task : {"auto", "classification", "regression"}, default="auto"
        Recognised by the target.
    folds : int, default=5
        Of the cross-validation.
    rows : int or None, default=20000
        How many rows are used, drawn at random where there are more; None for all.
    group : str, optional
        A column: rows with the same value there stay in one fold.
    time : str, optional
        A column: each fold is tested on rows later there than all it has learnt from.
    drop : list of str
        Columns not to learn from.
    budget : float, optional
        Seconds for the comparison; what would not fit is left out and named.
    tune : bool, default=False
        Whether each model's main parameters are chosen by a search within the training rows.
    reduce : {"pca"}, optional
        Whether models are given the principal components that hold 95 % of the variance, in place of the columns.
    separator, encoding : str, optional
        Of a text file, where its own look is not to be trusted.
    missing : list of str, optional
        The cells that mean "missing", instead of the usual ones.

    Returns
    -------
    Comparison
        What was found: `best_`, `results_`, `summary_`, `to_html`.

    Raises
    ------
    ValueError
        Where the table cannot be used; the sentence says why, and what to do.

    Examples
    --------
    >>> import fastml
    >>> size = [1, 2, 3, 4, 5, 6, 7, 8] * 10
    >>> table = {"size": size, "colour": ["red", "blue"] * 40, "kind": ["small" if x < 5 else "large" for x in size]}
    >>> found = fastml.compare(table, target="kind", folds=3)
    >>> found.best_.predict({"size": [2, 7], "colour": ["red", "red"]}).tolist()
    ['small', 'large']
    """
    if reduce not in (None, "pca"):
        raise ValueError(f"reduce={reduce!r} must be None or 'pca'")
    started = clock.monotonic()
    show: Any = Progress()
    show = show if show.live else quietly  # a line that is overwritten, or none
    try:
        reading = {"separator": separator, "encoding": encoding, "missing": missing}
        table = as_table(data, show, wants_labels(target, task), rows=rows, **reading)
        problem = from_table(table, target, task, rows, folds, tuple(drop), group, time, reduce)
        end = None if budget is None else started + budget
        race = Race([problem], folds, show, tune=tune, end=end, aim=started + KEPT * AIM)
        race.run()
    except InputError as error:
        raise ValueError(str(error)) from None
    finally:
        show.clear()
    given = {"task": task, "folds": folds, "rows": rows, "group": group, "time": time, "drop": list(drop),
             "budget": budget, "tune": tune, "reduce": reduce, **reading}  # fmt: skip
    usual = {"task": "auto", "folds": 5, "rows": ROWS, "drop": [], "tune": False}
    words = [f"target={target!r}", *(f"{k}={value!r}" for k, value in given.items() if value != usual.get(k))]
    return Comparison(race, data, target, (*drop, *([group] if group else [])), ", ".join(words), reading)


class Quiet:
    """A Progress that shows nothing."""

    def __call__(self, stage, detail=""):
        """Nothing."""

    def clear(self):
        """Nothing."""


quietly = Quiet()


class Comparison:
    """What `fastml.compare` found.

    Attributes
    ----------
    summary_ : str
        One sentence: which model is best, by how much, how surely, and what it costs.
    results_ : dict of lists
        The models, the best first, with their scores and times: a data frame takes it as it is.
    notes_, remarks_ : list of str
        How the table was understood; what failed, was left out, or warned.
    best_name_ : str
        The model of the highest score.
    best_ : Pipeline
        That model, fitted on all rows of the table when it is first asked for; it takes tables like the one compared.
    """

    def __init__(self, race: Any, data: Any, target: Any, aside: Any, words: Any, reading: Any) -> None:
        self._race, self._data, self._target, self._aside, self._words = race, data, target, aside, words
        self._reading = reading
        self._problem = race.problems[0]
        self._best: Pipeline | None = None

    @property
    def _entries(self):
        return ranked([entry for entry in self._race.of(self._problem) if entry.scores])

    @property
    def summary_(self) -> Any:
        return headline(self._race, self._problem)

    @property
    def notes_(self) -> Any:
        return list(self._problem.notes)

    @property
    def remarks_(self) -> Any:
        return list(self._race.remarks)

    @property
    def results_(self) -> Any:
        entries = self._entries
        runs = [entry.runs["fastml"] for entry in entries]
        return {
            "model": [entry.title for entry in entries],
            "score": [statistics.mean(entry.scores) for entry in entries],
            "uncertainty": [interval(entry.scores) for entry in entries],
            "best": [entry.best for entry in entries],
            "fit_seconds": [statistics.median(run.fit for run in each) for each in runs],
            "predict_seconds": [statistics.median(run.predict for run in each) for each in runs],
        }

    @property
    def best_name_(self) -> str:
        if not self._entries:
            raise ValueError("no model ran: give the comparison more time, or look at remarks_")
        return self._entries[0].title

    @property
    def best_(self) -> Any:
        if self._best is None:
            self._best = self.pipeline(self.best_name_)
        return self._best

    def pipeline(self, name: str) -> Pipeline:
        """A model of the comparison, fitted on all rows, which takes tables like the one compared.

        Where the comparison was tuned, so is the model, by the same search on all rows.

        Parameters
        ----------
        name : str
            As in `results_`.
        """
        models = {model.title: model for model in self._race.models_for(self._problem)}
        if name not in models:
            raise ValueError(f"name={name!r} is none of the models compared: {', '.join(models)}")
        model = models[name]
        columns, y = without(self._data, self._target, self._aside, self._reading)
        y = np.asarray(y)
        if self._problem.task == "regression":
            y = y.astype(float)
        elif y.dtype.kind == "O" and all(isinstance(label, str) for label in y):
            y = y.astype(str)
        made = load(model)[0](**model.settings_for(len(y)))
        if self._race.tune and model.grid:
            made = tuned("fastml", partial(load(model)[0], **model.settings_for(len(y))), model)
        steps = [("table", TableEncoder(model.input, self._problem.reduce)), ("model", made)]
        fitted = Pipeline(steps).fit(columns, y)
        if hasattr(made, "best_estimator_"):
            fitted.steps[-1] = ("model", made.best_estimator_)
        return fitted

    def to_html(self, path: str | Path | None = None) -> str:
        """The page that `fastml compare` writes; to a file too where one is named. Needs the extra `report`.

        Parameters
        ----------
        path : path, optional
            The file to write.
        """
        from fastml.cli.output import check_output, write_text
        from fastml.cli.report import page

        shown = repr(str(self._data)) if isinstance(self._data, (str, Path)) else "df"
        code = f"import fastml\n\nfound = fastml.compare({shown}, {self._words})\nfound.best_.predict(new)"
        try:
            check_output(path)
            text = page(self._race, f"{self._target} in {self._problem.name}", ("fastml compare FILE --target …", code))
            if path is not None:
                write_text(path, text)
        except InputError as error:
            raise ValueError(str(error)) from None
        return text

    def __repr__(self):
        lines = list(summary(self._race))
        start = next((i for i, line in enumerate(lines) if line.startswith("Cold start")), 0)
        table = next((i for i, line in enumerate(lines) if line.lstrip().startswith("score  ")), start)
        return "\n".join([*lines[:start], *lines[table:]]).strip()

    def _repr_html_(self):
        found = self.results_
        cells = zip(*(found[name] for name in ("model", "score", "uncertainty", "fit_seconds")), strict=True)
        body = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th><td>{score:.3f} ± {half:.3f}</td>"
            f"<td>{fit * 1e3:.3g} ms</td></tr>"
            for name, score, half, fit in cells
        )
        head = "<tr><th style='text-align:left'>model</th><th>score</th><th>fit</th></tr>"
        return f"<p>{html.escape(self.summary_)}</p><table><thead>{head}</thead><tbody>{body}</tbody></table>"


class TableEncoder(TransformerMixin, BaseEstimator):
    """The columns of a table, texts, dates and missing cells among them, as the numbers that a model takes.

    Parameters
    ----------
    input : {"filled", "scaled", "unit", "binned", "native"}, default="filled"
        The form: missing numbers by their median and texts one-hot, then as is, scaled to variance 1, to 0..1, or cut
        into ranges; "native" leaves texts and missing values as they are.
    reduce : {"pca"} or None, default=None
        Whether principal components that hold 95 % of the variance stand in place of the columns.
    """

    def __init__(self, input: str = "filled", reduce: str | None = None) -> None:
        self.input = input
        self.reduce = reduce

    def fit(self, X: Any, y: Any = None) -> TableEncoder:
        """Learn what the columns are, and how each becomes numbers.

        Parameters
        ----------
        X : table
            As `fastml.compare` takes it, without the target.
        y : ignored
        """
        if self.input not in INPUTS:
            raise ValueError(f"input={self.input!r} must be one of {', '.join(map(repr, INPUTS))}")
        table = told(as_table, X)
        used, _ = choose_columns(table.columns, table)
        if not used:
            raise ValueError("no column of X is worth learning from: each is constant, empty, or counts the rows")
        learnt = {column.source for column in used}
        self.columns_ = [column.name for column in used]
        self.kinds_ = {c.name: [c.kind, c.form] for c in table.columns if c.name in learnt}
        self.decimals_ = COMMA if table.decimal_comma else POINT
        texts = {i: c.texts for i, c in enumerate(used) if c.texts is not None}
        self.encoder_ = estimate(self.input, np.column_stack([c.values for c in used]), texts, self.reduce)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The numbers of each row.

        Parameters
        ----------
        X : table
            With the columns of the one fitted, in any order, and any others.
        """
        check_is_fitted(self)
        texts = {self.columns_[place] for place in self.encoder_.texts}
        table = told(as_table, X, quietly, lambda name, _: name in texts, self.decimals_, self.kinds_)
        told(check_columns, table, self.kinds_)
        return self.encoder_.apply(place_columns(table, self.columns_, self.encoder_.texts))


def told(function, *arguments):
    """What a function returns; what the user gave wrongly is a ValueError."""
    try:
        return function(*arguments)
    except InputError as error:
        raise ValueError(str(error)) from None


def as_table(data, progress=quietly, as_text=lambda name, numbers: False, trained=None, kinds=None, rows=None,
             separator=None, encoding=None, missing=None):  # fmt: skip
    """The Table of a file or of a data frame."""
    if isinstance(data, (str, Path)):
        return read_table(
            data, separator, encoding, missing, progress, as_text=as_text, trained=trained, kinds=kinds, rows=rows
        )
    columns = columns_of(data)
    names, renamed = check_header(list(columns), Path("table"))
    values = [cells_of(column) for column in columns.values()]
    n = len(values[0]) if values else 0
    if any(len(column) != n for column in values) or not values:
        raise InputError("a table needs columns, and all of one length")

    def read(places):
        for start in range(0, n, BLOCK):
            yield [values[place][start : start + BLOCK] for place in places]

    asked = Asked(missing, as_text, trained, kinds, rows)
    return finished(Path("table"), names, read, ("", "in memory", renamed), asked)


def columns_of(data):
    """{name: column} of a data frame or a dict."""
    if isinstance(data, dict):
        return {str(name): column for name, column in data.items()}
    names = getattr(data, "column_names", None)
    if names is None:
        names = getattr(data, "columns", None)
    if names is None or isinstance(data, np.ndarray):
        raise InputError(
            f"data is {type(data).__name__}: it must be a data frame, a dict of columns, or the path of a file"
        )
    return {str(name): data[name] for name in names}


def cells_of(column):
    """A column as float64 where it is numbers, else as the texts that a file would hold."""
    values = np.asarray(column)
    if values.ndim != 1:
        raise InputError(f"a column of shape {values.shape}: each must have one dimension")
    if values.dtype.kind in "iuf" and values.dtype.itemsize <= 8:
        return values
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]")
    return ["" if cell is None or cell != cell else plain(cell) for cell in values.tolist()]


def without(data, target, aside, reading):
    """(the other columns of a table, its target as it stands)"""
    if isinstance(data, (str, Path)):
        table = read_table(data, **reading, as_text=wants_labels(target, "auto"))
        columns = {c.name: c for c in table.columns}
        y = in_words(columns[target])
        return {c.name: in_words(c) for c in table.columns if c.name not in (target, *aside)}, y
    columns = columns_of(data)
    return {name: column for name, column in columns.items() if name not in (target, *aside)}, np.asarray(
        columns[target]
    )


def in_words(column):
    """The cells of a column as they stood: texts, or numbers."""
    column = column.original or column
    if column.texts is None:
        return column.values
    if column.numbers is not None and not column.first_text and (column.numbers % 1 == 0).all():
        return column.numbers.astype(np.int64)
    return [None if np.isnan(place) else column.texts[int(place)] for place in column.values]
