"""The report of precision, recall, F1 and support, laid out as scikit-learn lays it out."""

import numpy as np

from fastml.metrics._counts import prf
from fastml.metrics._scikit import Unread
from fastml.metrics._warn import warn

__all__ = ["report"]

HEADERS = ["precision", "recall", "f1-score", "support"]
ALL = ("precision", "recall", "f-score")


def report(counts, labels=None, target_names=None, digits=2, output_dict=False, zero_division="warn"):
    """Text or dict of the rates of each class of `counts`, and of their averages; see `classification_report`."""
    sums, shown = counts.sums_of(labels), counts.labels if labels is None else np.asarray(labels)
    is_accuracy = labels is None or set(shown.tolist()) >= set(counts.labels.tolist())
    names = _names(shown, target_names, labels is not None)
    precision, recall, f1, support = prf(sums, 1.0, None, ALL, zero_division)
    averages = {}
    for average in ("micro", "macro", "weighted"):
        *rates, _ = prf(sums, 1.0, average, ALL, zero_division)
        name = "accuracy" if average == "micro" and is_accuracy else f"{average} avg"
        averages[name] = [*rates, np.sum(support)]
    rows = list(zip(names, precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=False))
    if output_dict:
        return _as_dict(rows, averages)
    return _as_text(rows, averages, max(len("weighted avg"), digits, *map(len, names)), digits)


def _names(labels, target_names, labels_given):
    if len(labels) == 0:
        raise Unread
    if target_names is None:
        return [f"{label}" for label in labels]
    if len(target_names) != len(labels):
        if not labels_given:
            raise Unread
        warn(f"labels size, {len(labels)}, does not match size of target_names, {len(target_names)}")
    return target_names


def _as_dict(rows, averages):
    table: dict = {name: dict(zip(HEADERS, map(float, rates), strict=True)) for name, *rates in rows}
    table |= {name: dict(zip(HEADERS, map(float, rates), strict=True)) for name, rates in averages.items()}
    if "accuracy" in table:
        table["accuracy"] = table["accuracy"]["precision"]
    return table


def _as_text(rows, averages, width, digits):
    def line(name, precision, recall, f1, support):
        rates = f"{precision:>9.{digits}f} {recall:>9.{digits}f} {f1:>9.{digits}f}"
        return f"{name:>{width}s}  {rates} {support:>9}\n"

    text = [" " * width, " ", *(f" {header:>9}" for header in HEADERS), "\n\n"]
    text += [line(*row) for row in rows]
    text.append("\n")
    for name, (precision, recall, f1, support) in averages.items():
        if name == "accuracy":
            text.append(f"{name:>{width}s}  {'':>9} {'':>9} {f1:>9.{digits}f} {support:>9}\n")
        else:
            text.append(line(name, precision, recall, f1, support))
    return "".join(text)
