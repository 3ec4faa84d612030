"""Files that are signed as they should be and hold what no model has: refused, or models that answer or refuse."""

import hashlib
import json
import math
import os
import struct
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastml
from fastml import persistence
from fastml.linear_model import Perceptron, SGDClassifier
from fastml.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from fastml.neural_network import MLPClassifier
from fastml.persistence import ModelFileError
from fastml.pipeline import make_pipeline
from fastml.preprocessing import FeatureMap, FeatureTemplates, PiecewiseConstant, StandardScaler, TargetEncoder
from fastml.tree import DecisionTreeClassifier

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.fml"))
random = np.random.default_rng(0)
X = random.integers(0, 5, (30, 3)).astype(float)
LABELS = (X[:, 0] > 2).astype(int)
pytestmark = pytest.mark.filterwarnings("ignore")


def parse(content):
    """(header, arrays) of a file."""
    (length,) = struct.unpack("<Q", content[12:20])
    return json.loads(content[20 : 20 + length]), content[persistence.aligned(20 + length) : -32]


def build(header, data):
    head = json.dumps(header, ensure_ascii=False).encode()
    content = persistence.START.pack(persistence.MARK, 1, len(head)) + head
    content += bytes(persistence.aligned(len(content)) - len(content)) + data
    return content + hashlib.sha256(content).digest()


@pytest.fixture
def forge(tmp_path):
    """forge(model, change): the file of the model, changed by change(state, header, data), which may return data."""

    def make(model, change):
        path = tmp_path / "m.fml"
        fastml.save(model, path)
        header, data = parse(path.read_bytes())
        data = bytearray(data)
        change(header["model"]["state"], header, data)
        path.write_bytes(build(header, bytes(data)))
        return path

    return make


def put(header, data, row, at, value):
    """Another number into an array."""
    dtype, _, _, offset = header["arrays"][row]
    size = np.dtype(dtype).itemsize
    data[offset + at * size : offset + (at + 1) * size] = np.array(value, dtype).tobytes()


def refused(path, words):
    with pytest.raises(ModelFileError, match=words):
        fastml.load(path)


@pytest.mark.parametrize("key", ["_design", "_functions", "_w", "_compiled", "predict", "tree_", "__class__", "fit_"])
def test_keys_that_save_never_writes(forge, key):
    model = MLPClassifier((2,), max_iter=1, random_state=0).fit(X, LABELS)
    path = forge(model, lambda state, header, data: state.update({key: 1}))
    if key in ("fit_", "tree_"):  # what a user might have hung on it
        assert fastml.load(path).predict(X).shape == (30,)
    else:
        refused(path, f"no attribute '{key}'")


@pytest.mark.parametrize("key", ["_fit_X", "_codes", "classes_", "n_features_in_", "_fast_columns", "_dtype"])
def test_keys_that_are_missing(forge, key):
    refused(forge(KNeighborsClassifier(1).fit(X, LABELS), lambda state, *_: state.pop(key)), key)


def test_parameters_that_are_missing(forge):
    path = forge(DecisionTreeClassifier(max_depth=1).fit(X, LABELS), lambda state, *_: state.pop("min_samples_leaf"))
    model = fastml.load(path)  # as of a version that did not have it yet
    assert model.get_params() == DecisionTreeClassifier(max_depth=1).get_params()


def test_codes_and_columns_outside_what_they_point_into(forge):
    neighbors, tree = KNeighborsClassifier(1).fit(X, LABELS), DecisionTreeClassifier().fit(X, LABELS)
    for value in (-1, 2, 2**40):
        refused(forge(neighbors, lambda s, h, d, v=value: put(h, d, s["_codes"]["list"][0]["array"], 3, v)), "_codes")
    for field, values in {
        "children_left": (0, -1, 10**6), "children_right": (1, -5), "feature": (3, -1), "kind": (0, 2, 9),
        "category_start": (1, -1),
    }.items():  # fmt: skip
        for value in values:
            change = lambda s, h, d, f=field, v=value: put(h, d, s["tree_"]["fields"][f]["array"], 0, v)  # noqa: E731
            refused(forge(tree, change), "tree_")


def test_widths_that_do_not_agree(forge):
    for value in (1, 2, 4, 2**31):
        refused(
            forge(KNeighborsClassifier(1).fit(X, LABELS), lambda s, *_, v=value: s.update(n_features_in_=v)),
            "instead of|_fast_columns",
        )
        model = PiecewiseConstant().fit(X)
        refused(forge(model, lambda s, *_, v=value: s["_spans"]["fields"].update(n_columns=10**9 + v)), "_spans")
    refused(forge(KNeighborsClassifier(1).fit(X, LABELS), lambda s, *_: s.update(_fast_columns=4)), "_fast_columns")
    model = SGDClassifier(random_state=0).fit(X, LABELS)
    model._state = model._state._replace(W=model._state.W[:, :2])
    with pytest.raises(TypeError, match="_state"):
        fastml.save(model, os.devnull + "x")


def test_numbers_of_categories_that_are_too_few(forge):
    for y in (LABELS, np.arange(30) % 3):
        model = TargetEncoder().fit(np.minimum(X, [1, 2, 4]), y)
        refused(forge(model, lambda s, *_: s["encodings_"]["list"].reverse()), "encodings_")
        refused(forge(model, lambda s, *_: s["encodings_"]["list"].pop()), "encodings_")
        assert fastml.load(forge(model, lambda *_: None)).transform(X).shape[0] == 30


def test_steps_of_a_pipeline_that_are_none(forge):
    model = make_pipeline(StandardScaler(), "passthrough", KNeighborsClassifier(1)).fit(X, LABELS)
    for step in (2, None, "ab", {"tuple": [1, 2]}, {"tuple": ["a", 2]}, {"tuple": ["a"]}):
        refused(forge(model, lambda s, *_, step=step: s["steps"]["list"].__setitem__(1, step)), "steps")
    assert fastml.load(forge(model, lambda *_: None)).predict(X).shape == (30,)


def test_points_that_are_not_finite(forge):
    for value in (np.nan, np.inf):
        model = KNeighborsClassifier(1).fit(X, LABELS)
        refused(forge(model, lambda s, h, d, v=value: put(h, d, s["_fit_X"]["array"], 0, v)), "_fit_X")


def test_vocabularies_without_an_end(forge):
    model = FeatureTemplates(["words(1)"]).fit(["some words are here", "and others"])
    words = lambda s: s["learnt_"]["list"][0]["fields"]["state"]["fields"]  # noqa: E731
    refused(forge(model, lambda s, h, d: [put(h, d, words(s)["slots"]["array"], at, 1) for at in range(64)]), "slots")
    refused(forge(model, lambda s, h, d: put(h, d, words(s)["starts"]["array"], 1, 2**40)), "starts")
    columns = lambda s: s["learnt_"]["list"][0]["fields"]["columns"]["array"]  # noqa: E731
    refused(forge(model, lambda s, h, d: put(h, d, columns(s), 0, 10**6)), "n_columns_")
    refused(forge(model, lambda s, h, d: s.update(n_columns_=2**40)), "n_columns_")


def test_more_than_the_file_holds(forge):
    model = KNeighborsClassifier(1).fit(X, LABELS)
    for row in (["<U0", [2**40], "C", 0], ["|S0", [2**40], "C", 0], ["<f8", [2**40], "C", 0], ["<f8", [1], "C", 8]):
        refused(forge(model, lambda s, h, d, row=row: h["arrays"].append(row)), "array")
    refused(forge(FeatureMap().fit(X), lambda s, *_: s["_widths"]["list"].__setitem__(0, 10**12)), "_widths")
    nested = []
    for _ in range(300):
        nested = {"list": [nested]}
    refused(forge(model, lambda s, h, d: h.update(about=nested)), "nested|kind")


def test_bytes_that_are_no_bool_and_no_character(forge):
    model = KNeighborsClassifier(1).fit(X, np.array(["a", "b"])[LABELS])
    about = lambda s, h, d: h["arrays"].append(["|b1", [99], "C", s_offset(h)])  # noqa: E731
    refused(forge(model, about), "bool")
    refused(forge(model, lambda s, h, d: h["arrays"].append(["<U30", [1], "C", s_offset(h)])), "characters")


def s_offset(header):
    return next(offset for dtype, _, _, offset in header["arrays"] if dtype == "<f8")


def test_parameters_that_fit_would_refuse(forge):
    model = RadiusNeighborsClassifier(3.0).fit(X, LABELS)
    for change in ({"leaf_size": 0}, {"algorithm": "none"}, {"metric": "none"}, {"radius": -1.0}):
        refused(forge(model, lambda s, *_, c=change: s.update(c)), next(iter(change)))


def test_only_files_are_read(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("POSIX")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        with pytest.raises(OSError, match="no file|directory"):
            fastml.load(path)


MODELS = {  # settings that no fixture has
    "averaged": lambda: SGDClassifier(penalty="l1", average=True, random_state=0).fit(X, LABELS),
    "voted": lambda: Perceptron(average="voted", random_state=0).fit(X, LABELS),
    "several": lambda: KNeighborsClassifier(2).fit(X, np.c_[LABELS, 1 - LABELS]),
    "within": lambda: RadiusNeighborsClassifier(30.0).fit(X, LABELS),
    "outputs": lambda: DecisionTreeClassifier(random_state=0).fit(X, np.c_[LABELS, X[:, 1]]),
    "subsets": lambda: DecisionTreeClassifier(categorical_split="subset").fit(
        np.array([["a", "b", "c", "d"][int(v) % 4] for v in X[:, 1]], object)[:, None], LABELS
    ),
}
TRY = textwrap.dedent("""
    import sys, warnings
    import numpy as np, scipy.sparse as sp
    from fastml.persistence import ModelFileError, read
    sys.path.insert(0, sys.argv[1])
    warnings.simplefilter("ignore")
    for path in sys.argv[2:]:
        print(path, flush=True)
        try:
            model, about, _ = read(path)
        except ModelFileError:
            continue
        rows = about["X"] if isinstance(about, dict) and "X" in about else np.zeros((5, 3))
        for method in ("predict", "predict_proba", "decision_function", "transform", "kneighbors", "apply",
                       "decision_path", "explain", "inverse_transform", "get_feature_names_out"):
            try:
                call = getattr(model, method)
                given = rows[:1] if method == "explain" else model.transform(rows) if method[0] == "i" else rows
                call() if method[0] == "g" else call(given)
            except Exception:
                pass
    print("end")
""")


@pytest.mark.parametrize("source", [*FIXTURES, *MODELS], ids=lambda s: getattr(s, "stem", s))
def test_no_change_of_a_number_ends_the_process(source, tmp_path):
    """Single numbers of every array and of the header, changed and signed again."""
    if source in MODELS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fastml.save(MODELS[source](), tmp_path / "m.fml")
        content = (tmp_path / "m.fml").read_bytes()
    else:
        content = source.read_bytes()
    header, data = parse(content)
    draw, paths = np.random.default_rng(len(content)), []
    for i in range(60):
        changed, new = bytearray(data), json.loads(json.dumps(header))
        if i % 3 == 2:
            change_header(new["model"]["state"], draw)
        else:
            dtype, shape, _, offset = header["arrays"][draw.integers(len(header["arrays"]))]
            size, n = np.dtype(dtype).itemsize, math.prod(shape)
            if not n or not size:
                continue
            at = offset + size * int(draw.integers(n))
            changed[at : at + size] = strange(dtype, draw).tobytes()
        paths.append(tmp_path / f"{i}.fml")
        paths[-1].write_bytes(build(new, bytes(changed)))
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(Path(__file__).parent), *paths], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout.splitlines()[-1:]} {done.stderr[-500:]}"


def strange(dtype, draw):
    """A value that no one expects there."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        edge = np.iinfo(dtype)
        return np.array(draw.choice(np.array([edge.min, edge.max, 0, 1, 2, 3, 7, 99], object)), dtype)
    if dtype.kind == "f":
        return np.array(draw.choice([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300, 5e-324]), np.float64).astype(dtype)
    return np.frombuffer(draw.bytes(dtype.itemsize), np.uint8)


def change_header(value, draw):
    """Another number somewhere in the state."""
    places = []

    def walk(inner):
        items = inner.items() if isinstance(inner, dict) else enumerate(inner)
        for key, v in items:
            if isinstance(v, dict | list):
                walk(v)
            elif type(v) in (int, bool, float):
                places.append((inner, key))

    walk(value)
    if places:
        inner, key = places[int(draw.integers(len(places)))]
        inner[key] = [-1, 0, 1, 2, 3, 10**6, 2**63, -(2**70), True, None, 1.5][int(draw.integers(11))]
