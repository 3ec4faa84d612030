"""Model files that were damaged or forged: loading refuses them, or gives a model that answers without harm."""

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cases
import judge
import numpy as np

import fastml
from fastml.persistence import ModelFileError

DIGEST = 32


@dataclass(frozen=True)
class File:
    """A fitted model's file, and what is changed in it: [(place, byte), ...]; -1 as byte cuts it off there."""

    case: cases.Case
    changes: tuple
    signed: bool  # whether the digest is made to fit again, as a forger would

    @property
    def estimator(self):
        return self.case.estimator

    def code(self):
        return f"File({self.case.code()}, {self.changes!r}, {self.signed!r})"


def draw(seed, only=None):
    random = np.random.default_rng([seed, 1])
    case = cases.draw(seed, only)
    places = (random.random(int(random.integers(1, 4))) ** random.choice([1, 4])).tolist()  # mostly near the start
    byte = lambda: -1 if random.random() < 0.1 else int(random.integers(256))  # noqa: E731
    return File(case, tuple((place, byte()) for place in places), bool(random.random() < 0.7))


def judge_file(file):
    case = file.case
    model = judge.Outcome(
        lambda: judge.fit(cases.estimators()[case.estimator](**case.parameters), case, case.table(case.values))
    )
    if model.error is not None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.fml")
        saved = judge.Outcome(lambda: fastml.save(model.value, path))
        if saved.error is not None:
            known = isinstance(saved.error, judge.REFUSALS)
            return [] if known else [(f"save: {type(saved.error).__name__}", str(saved.error)[:300])]
        path.write_bytes(changed(path.read_bytes(), file))
        loaded = judge.Outcome(lambda: fastml.load(path))
    if loaded.error is not None:
        if isinstance(loaded.error, ModelFileError):
            return []
        return [(f"load: {type(loaded.error).__name__}", str(loaded.error)[:300])]
    found = []
    for method, outcome in judge.answers(loaded.value, case.table(case.queries)).items():
        if outcome.error is not None and not isinstance(outcome.error, judge.REFUSALS):
            found.append((f"{method} of a forged file: {type(outcome.error).__name__}", str(outcome.error)[:300]))
    return found


def changed(content: bytes, file: Any) -> bytes:
    body = bytearray(content[:-DIGEST] if file.signed else content)
    for place, byte in file.changes:
        at = int(place * len(body))
        if byte < 0:
            del body[at:]
        elif at < len(body):
            body[at] = byte
    return bytes(body) + (hashlib.sha256(body).digest() if file.signed else b"")


def smaller(file):
    for i in range(len(file.changes)):
        yield replace(file, changes=file.changes[:i] + file.changes[i + 1 :])
    for name in file.case.parameters:
        fewer = {k: v for k, v in file.case.parameters.items() if k != name}
        yield replace(file, case=replace(file.case, parameters=fewer))
