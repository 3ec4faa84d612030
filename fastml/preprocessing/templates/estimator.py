"""Records to sparse rows of named features, by declared templates."""

from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from fastml.base import Estimator, Interval
from fastml.preprocessing.templates.grammar import default_templates, parse
from fastml.preprocessing.templates.matrix import as_csr, named_entries
from fastml.preprocessing.templates.records import read
from fastml.preprocessing.templates.report import Collisions, explain_features, explain_model
from fastml_ext import features as kernels

__all__ = ["FeatureTemplates"]


class Learnt(NamedTuple):
    """What one template has met: its state, the column of each of its codes (-1: none), and the rows that had it."""

    state: object
    columns: np.ndarray
    rows: np.ndarray


class FeatureTemplates(TransformerMixin, Estimator):
    """Features of texts, dictionaries, tables and images by declared templates, as sparse rows with readable names.

    A template is written as a Python expression, which is parsed and never executed:

    - pieces of a text, a feature each: `prefix(3)`, `suffix(3)`, `char_at(0)`, `char_at(-1)`; `words(1, 2)` and
      `chars(1, 3)`, how often runs of one to two words and one to three characters stand in it; `word_chars(3)` within
      words. A word has two characters or more (`words(1, least=1)`) out of letters, digits and underscores
    - whether it contains something: `contains("@", "http")`, `contains(_)` every character met, `contains(words(1))`
    - numbers: `length`, `count(digit)`, `count("!")`, `fraction(alpha)`; classes of characters are alpha, digit,
      alnum, upper, lower, space, punct (punctuation and symbols), vowel, ascii, word, nonspace
    - thresholds: `length > 10`, `length > [10, 20]`, `length > _` at most ten quantiles of the first data,
      `length > quantiles(4)`; also >=, <, <=
    - chosen values: `suffix(4) == [".com", ".org"]`; one feature for a set: `char_at(0) in vowel`, `char_at(0) in "AN"`
    - fields of a dictionary or a frame: `age`, a number as it is, a text as a category; `name.suffix(3)`,
      `name.length > 10`, `field("any name").prefix(1)`, `age > _`, `city == ["Rome", "Oslo"]`; columns of a table are
      x0, x1, ...; `fields` is all items of a dictionary
    - `lower.words(1)`, `name.lower.suffix(3)`: the text in lower case
    - `cell(latitude, longitude, 10)`: the cell of a grid; `pixel(3, 7)`, `pixel(3, 7, 0)` with a channel, `pixel(_, _)`
    - `prefix(1) and length > _`: every pair of a feature of one and a feature of the other

    Parameters
    ----------
    templates : list of str, default=None
        The templates. None: `lower.words(1)` for texts, `fields` for dictionaries, every column of a frame or table as
        it is, every pixel of images.
    n_features : int, default=None
        Number of columns that names are hashed into, signed, so that nothing need be kept; None: a column for each
        feature met in training. `collisions` tells which names share a column.
    min_rows : int, default=1
        Rows in which a feature must be met before it gets a column.
    dtype : dtype, default=numpy.float64
        Of the values that come out.
    sparse_output : bool, default=True
        CSR, with 32-bit indices up to 2**31 columns and values, which is what all of scikit-learn takes, and 64-bit
        ones beyond; False: a dense array.

    Attributes
    ----------
    templates_ : list
        The templates as read.
    n_columns_ : int
        Columns so far; `partial_fit` puts new ones behind the old.
    n_features_in_ : int
        Columns of the frame or table seen in fit; there is none for texts and dictionaries.

    Examples
    --------
    >>> from fastml.preprocessing import FeatureTemplates
    >>> phi = FeatureTemplates(["length > 10", "fraction(alpha)", "contains('@')", "suffix(4)"])
    >>> phi.fit_transform(["abc@gmail.com", "n.org"]).toarray().round(2)
    array([[1.  , 0.85, 1.  , 1.  , 0.  ],
           [0.  , 0.8 , 0.  , 0.  , 1.  ]])
    >>> phi.get_feature_names_out().tolist()
    ['length>10', 'fracOfAlpha', 'contains_@', 'endsWith_.com', 'endsWith_.org']
    """

    _parameter_constraints = {
        "templates": ["array-like", None],
        "n_features": [Interval(Integral, 1, None, closed="left"), None],
        "min_rows": [Interval(Integral, 1, None, closed="left")],
        "dtype": "no_validation",
        "sparse_output": ["boolean"],
    }

    def __init__(
        self,
        templates: Any = None,
        *,
        n_features: Any = None,
        min_rows: Any = 1,
        dtype: Any = np.float64,
        sparse_output: Any = True,
    ) -> None:
        self.templates = templates
        self.n_features = n_features
        self.min_rows = min_rows
        self.dtype = dtype
        self.sparse_output = sparse_output

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn which features there are.

        Parameters
        ----------
        X : list of str, list of dict, frame, or array of 2 to 4 dimensions
            The records: a table (n_samples, n_columns), images (n_samples, rows, columns[, channels]).
            None and NaN in a field are values that are absent.
        y : object, default=None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If a record or a field is not of the kind that a template reads; the message names it.
        ValueError
            If X is empty or a template cannot be read.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """`fit(X)` and then `transform(X)`, in one pass."""
        self._begin(records := read(X))
        return self._rows_of(records, self._learn(records))

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Take in further records: features that are new get columns behind the old ones, which stay as they are."""
        records = read(X)
        if not hasattr(self, "learnt_"):
            self._begin(records)
        else:
            self._check_kind(records)
        self._learn(records)
        return self

    def transform(self, X: Any) -> Any:
        """Features of the records X, as for `fit`: CSR (n_samples, n_columns_); what was not met in fit is left out."""
        check_is_fitted(self, "learnt_")
        records = read(X)
        self._check_kind(records)
        if self.n_features is not None:
            return self._rows_of(records, [t.evaluate(records, s.state, True) for t, s in self._pairs()])
        return self._rows_of(records, [t.evaluate(records, s.state, False) for t, s in self._pairs()])

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Names of the columns, (n_columns_,) objects; where names are hashed, hash0, hash1, ...

        input_features : ignored
        """
        check_is_fitted(self, "learnt_")
        if self.n_features is not None:
            return np.array([f"hash{j}" for j in range(self.n_features)], dtype=object)
        names = np.empty(self.n_columns_, dtype=object)
        for template, learnt in self._pairs():
            kept = learnt.columns >= 0
            names[learnt.columns[kept]] = np.array(template.names(learnt.state), dtype=object)[kept]
        return names

    def inverse_transform(self, X: Any) -> Any:
        """Of each row of X (n_samples, n_columns_), array or sparse, the dictionary of its features by name."""
        names = self.get_feature_names_out()
        X = sp.csr_matrix(X)
        if X.shape[1] != len(names):
            raise ValueError(f"X has {X.shape[1]} columns, but there are {len(names)} features")
        return named_entries(X, names)

    def weights(self, by_name: Any) -> Any:
        """A vector (n_columns_,) with the number that `by_name`, a dict, gives to each feature, 0 for the others.

        Raises
        ------
        ValueError
            If there is no feature of a name.

        Examples
        --------
        >>> phi = FeatureTemplates(["length", "contains('@')"]).fit(["a@b"])
        >>> phi.weights({"contains_@": 3.0})
        array([0., 3.])
        """
        place = {name: j for j, name in enumerate(self.get_feature_names_out())}
        missing = [name for name in by_name if name not in place]
        if missing:
            raise ValueError(f"by_name holds {missing[0]!r}, but there is no such feature: fit on records that have it")
        found = np.zeros(self.n_columns_)
        found[[place[name] for name in by_name]] = list(by_name.values())
        return found

    def explain(self, record: Any, model: Any = None) -> Any:
        """The features of one record, by name; with a model fitted on such rows, what each adds to its answer.

        Parameters
        ----------
        record : str, dict, array, or frame of one row
            One record.
        model : estimator with `explain`, or a pipeline that ends in one, default=None
            Whose answer is explained; of a pipeline, the steps after these templates.

        Returns
        -------
        Explanation
            A row for each feature; with a model, as its own `explain`, less the features that add nothing.
        """
        row = self.transform(record if hasattr(record, "columns") else [record])
        names = self.get_feature_names_out()
        return explain_features(row, names) if model is None else explain_model(row, names, model, self)

    def collisions(self, X: Any) -> Any:
        """Which names share a column of `n_features` on the records X: a report with `n_names`, `n_used` and `shared`.

        Raises
        ------
        ValueError
            If `n_features` is None: then each name has a column of its own.
        """
        check_is_fitted(self, "learnt_")
        if self.n_features is None:
            raise ValueError("n_features=None gives each name a column of its own: there are no collisions")
        self._check_kind(records := read(X))
        names: dict[str, None] = {}
        for template, learnt in self._pairs():
            _, state = template.evaluate(records, learnt.state, True)
            names |= dict.fromkeys(template.names(state))
        return Collisions.of(list(names), kernels.hash_names(list(names), self.n_features)[0], self.n_features)

    def _begin(self, records):
        self._validate_params()
        if self.n_features is not None and self.min_rows > 1:
            raise ValueError(
                f"min_rows={self.min_rows} needs names to be counted, but n_features hashes them: drop one"
            )
        given = self.templates
        if given is not None and not len(given):
            raise ValueError("templates is empty: declare one, or pass None")
        self.templates_ = default_templates(records) if given is None else [parse(text) for text in given]
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if records.kind in ("frame", "table"):
            self.n_features_in_ = len(records.fields)
        if records.kind == "frame":
            self.feature_names_in_ = np.array(records.fields, dtype=object)
        self.kind_, self.n_columns_ = records.kind, 0 if self.n_features is None else self.n_features
        self.learnt_ = [Learnt(None, np.empty(0, np.int64), np.empty(0, np.int64)) for _ in self.templates_]

    def _check_kind(self, records):
        if records.kind != self.kind_:
            raise ValueError(f"X holds {records.kind}, but {self.kind_} were fitted: fit again")
        if records.kind in ("frame", "table") and len(records.fields) != self.n_features_in_:
            raise ValueError(
                f"X has {len(records.fields)} features, but FeatureTemplates is expecting {self.n_features_in_}"
                " features as input"
            )

    def _pairs(self):
        return zip(self.templates_, self.learnt_, strict=True)

    def _learn(self, records):
        """Take in what is new; the (entries, state) of each template."""
        found = [template.evaluate(records, learnt.state, True) for template, learnt in self._pairs()]
        self.learnt_ = list(self.learnt_)
        for i, (template, (entries, state)) in enumerate(zip(self.templates_, found, strict=True)):
            if self.n_features is not None:
                self.learnt_[i] = self.learnt_[i]._replace(state=template.forget(state))
            else:
                self.learnt_[i] = self._with_columns(template, self.learnt_[i]._replace(state=state), entries)
        return found

    def _with_columns(self, template, learnt, entries):
        """Columns for the codes that have none yet and are in rows enough, in order of their names."""
        size = template.size(learnt.state)
        columns = np.full(size, -1, np.int64)
        columns[: len(learnt.columns)] = learnt.columns
        rows = learnt.rows
        first = len(learnt.columns)
        if self.min_rows > 1:
            rows = np.bincount(entries.codes, minlength=size)
            rows[: len(learnt.rows)] += learnt.rows
            first = 0  # an old code may only now have rows enough
        new = template.order(learnt.state, first) if first < size else np.empty(0, np.int64)
        if self.min_rows > 1:
            new = new[(columns[new] < 0) & ((rows[new] >= self.min_rows) | template.ordered)]
        columns[new] = np.arange(self.n_columns_, self.n_columns_ + len(new))
        self.n_columns_ += len(new)
        return Learnt(learnt.state, columns, rows)

    def _rows_of(self, records, found):
        """The matrix of what each template has found."""
        blocks = []
        for (template, learnt), (entries, state) in zip(self._pairs(), found, strict=True):
            if self.n_features is None:
                blocks.append((entries.rows, learnt.columns[entries.codes], entries.values))
            else:
                columns, signs = kernels.hash_names(template.names(state), self.n_features)
                blocks.append((entries.rows, columns[entries.codes], entries.values * signs[entries.codes]))
        matrix = as_csr(kernels.assemble(records.n, blocks), (records.n, self.n_columns_), self.dtype)
        return matrix if self.sparse_output else matrix.toarray()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.dict = tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
