"""Model files: what comes back, what is refused, and what earlier versions wrote."""

import contextlib
import dataclasses
import hashlib
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.sparse import issparse
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import fastml
from fastml import persistence
from fastml.explanation import Explanation
from fastml.neighbors import KNeighborsClassifier
from fastml.persistence import ModelFileError, Reader, Writer, read

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.fml"))


@pytest.fixture(scope="module")
def model():
    X, y = load_iris(return_X_y=True)
    return KNeighborsClassifier(3, weights="distance").fit(X.astype(np.float32), np.array(["a", "bb", "ccc"])[y])


@pytest.fixture(scope="module")
def content(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "model.fml"
    fastml.save(model, path, about={"columns": ["x", "y"], "limit": float("inf")})
    return path.read_bytes()


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "model.fml"
        path.write_bytes(content)
        return path

    return write


def same(a, b):
    """Equal to the bit, in type, dtype, shape and order too."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        if (a.dtype, a.shape) != (b.dtype, b.shape) or a.flags.c_contiguous != b.flags.c_contiguous:
            return False
        return all(map(same, a.ravel(), b.ravel())) if a.dtype == object else a.tobytes() == b.tobytes()
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)  # the format writes one NaN, as "nan"
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if dataclasses.is_dataclass(a):
        return same(vars(a), vars(b))
    return a == b


def test_a_model_comes_back_to_the_bit(model, content, written):
    path = written(content)
    loaded, about, version = read(path)
    assert version == fastml.__version__
    assert same(about, {"columns": ["x", "y"], "limit": float("inf")})
    assert type(loaded) is type(model)
    assert same(loaded.__getstate__(), model.__getstate__())
    X = load_iris().data.astype(np.float32)
    assert np.array_equal(loaded.predict(X), model.predict(X))
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert np.array_equal(fastml.load(path).predict(X), model.predict(X))


def test_the_same_model_gives_the_same_bytes(content, written, tmp_path):
    loaded, about, _ = read(written(content))
    fastml.save(loaded, tmp_path / "again.fml", about)
    assert (tmp_path / "again.fml").read_bytes() == content


def test_a_model_that_is_not_fitted(tmp_path):
    fastml.save(KNeighborsClassifier(7), tmp_path / "m.fml")
    assert fastml.load(tmp_path / "m.fml").get_params() == KNeighborsClassifier(7).get_params()


def test_loaded_arrays_can_be_fitted_again_and_written(content, written):
    loaded = fastml.load(written(content))
    assert loaded._fit_X.flags.writeable
    assert loaded._fit_X.flags.aligned
    assert loaded.fit([[0.0], [1.0], [2.0]], [0, 1, 1]).predict([[1.9]]) == 1


def test_one_array_under_two_names_stays_one(content, written, tmp_path):
    model = fastml.load(written(content))
    model.again_ = model._fit_X
    fastml.save(model, tmp_path / "twice.fml")
    loaded = fastml.load(tmp_path / "twice.fml")
    assert loaded.again_ is loaded._fit_X
    assert (tmp_path / "twice.fml").stat().st_size < len(content) + model._fit_X.nbytes / 2


DTYPES = st.one_of(
    arrays.boolean_dtypes(),
    arrays.integer_dtypes(endianness="="),
    arrays.unsigned_integer_dtypes(endianness="="),
    arrays.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
    arrays.complex_number_dtypes(endianness="=", sizes=(64, 128)),
    arrays.unicode_string_dtypes(endianness="="),
    arrays.byte_string_dtypes(),
    arrays.datetime64_dtypes(endianness="="),
)
ARRAYS = arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.one_of(
    st.sampled_from([np.float32, np.int64, np.bool_]),
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, ARRAYS, ARRAYS.map(np.asfortranarray),
    ARRAYS.filter(lambda a: a.ndim == 0).map(lambda a: a[()]), DTYPES,
    st.lists(TEXTS, min_size=1).map(lambda texts: np.array(texts, object)),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(TEXTS, st.integers()), inner, max_size=4),
        st.builds(lambda a, b: Explanation(a, "why", ("c",), [], {"b": b}), inner, inner),
    ),
    max_leaves=8,
)


@given(VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_kind_of_value_comes_back(tmp_path, value):
    fastml.save(KNeighborsClassifier(), tmp_path / "m.fml", about=value)
    back = read(tmp_path / "m.fml").about
    assert same(value, back)


@pytest.mark.parametrize("order", ["C", "F"])
def test_views_and_orders(tmp_path, order):
    whole = np.arange(24.0).reshape(4, 6, order=order)
    about = {"whole": whole, "part": whole[::2, ::-1], "transposed": whole.T, "swapped": whole.astype(">f8")}
    fastml.save(KNeighborsClassifier(), tmp_path / "m.fml", about)
    back = read(tmp_path / "m.fml").about
    assert all(np.array_equal(back[key], about[key]) for key in about)
    assert back["whole"].flags.f_contiguous == whole.flags.f_contiguous
    assert back["swapped"].dtype.isnative


@pytest.mark.parametrize("kind", persistence.SPARSE)
def test_sparse_matrices(tmp_path, kind):
    matrix = getattr(scipy.sparse, kind)(np.arange(12.0).reshape(3, 4) % 5)
    fastml.save(KNeighborsClassifier(), tmp_path / "m.fml", about=matrix)
    back = read(tmp_path / "m.fml").about
    assert type(back) is type(matrix)
    assert all(same(getattr(back, part), getattr(matrix, part)) for part in ("data", "indices", "indptr", "shape"))


@pytest.mark.parametrize(
    ("indices", "indptr"), [([0, 9], [0, 2]), ([0, -1], [0, 2]), ([0, 1], [0, 9]), ([0, 1], [2, 0])]
)
def test_sparse_matrices_that_point_outside(tmp_path, indices, indptr):
    """A kernel would follow them: such a file is refused where it is read."""
    matrix = scipy.sparse.csr_array(np.ones((1, 2)))
    matrix.indices, matrix.indptr = np.array(indices, np.int32), np.array(indptr, np.int32)
    fastml.save(KNeighborsClassifier(), tmp_path / "m.fml", about=matrix)
    with pytest.raises(ModelFileError):
        read(tmp_path / "m.fml")


def by_rank(distances):
    return 1 / (1 + np.argsort(distances))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (KNeighborsClassifier(weights=by_rank), "weights is the function 'by_rank'"),
        (
            KNeighborsClassifier(metric_params={"w": np.random.default_rng(0)}),
            r"metric_params\['w'\] is the object of numpy",
        ),
        (KNeighborsClassifier(metric_params=np.zeros(2, "i4,f8")), "metric_params has the dtype"),
        (KNeighborsClassifier(n_jobs=LogisticRegression()), "n_jobs is the object of sklearn"),
        (LogisticRegression(), "LogisticRegression is not an estimator of fastml"),
        ("text", "str is not an estimator of fastml"),
    ],
)
def test_what_a_file_cannot_hold_is_named(tmp_path, model, words):
    path = tmp_path / "m.fml"
    path.write_bytes(b"before")
    with pytest.raises(TypeError, match=words):
        fastml.save(model, path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


class Own(KNeighborsClassifier):
    pass


def test_a_subclass_of_the_users_is_refused(tmp_path):
    with pytest.raises(TypeError, match="Own"):
        fastml.save(Own(), tmp_path / "m.fml")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.fml"
    fastml.save(KNeighborsClassifier(), path)
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(persistence, "write", full_disk)
    with pytest.raises(OSError, match="No space"):
        fastml.save(KNeighborsClassifier(9), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        fastml.load(tmp_path / "none.fml")


@pytest.mark.parametrize("length", [0, 1, 7])
def test_cut_off_in_the_mark(content, written, length):
    with pytest.raises(ModelFileError, match=f"empty or truncated after {length} bytes"):
        fastml.load(written(content[:length]))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_truncation_is_noticed(content, written, data):
    length = data.draw(st.integers(8, len(content) - 1))
    with pytest.raises(ModelFileError, match="damaged or truncated"):
        fastml.load(written(content[:length]))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_changed_bit_is_noticed(content, written, data):
    at, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    with pytest.raises(ModelFileError, match="checksum is wrong|not a file that fastml"):
        fastml.load(written(bytes(changed)))


@pytest.mark.parametrize(
    ("foreign", "words"),
    [
        (pickle.dumps({"a": 1}), "looks like a pickle, which this function does not run"),
        (b"size,kind\n1,a\n", "not a file that fastml.save wrote"),
        (b"PK\x03\x04" + bytes(99), "not a file that fastml.save wrote"),
        (bytes(200), "not a file that fastml.save wrote"),
    ],
)
def test_foreign_files(written, foreign, words):
    with pytest.raises(ModelFileError, match=words):
        fastml.load(written(foreign))


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(written, noise):
    with pytest.raises(ModelFileError):
        fastml.load(written(noise))
    with pytest.raises(ModelFileError):
        fastml.load(written(persistence.MARK + noise))


def signed(start, header, rest=b""):
    body = start + header + rest
    return body + hashlib.sha256(body).digest()


def file_of(header, data=b"", version=1):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    start = persistence.START.pack(persistence.MARK, version, len(header))
    gap = bytes(persistence.aligned(len(start) + len(header)) - len(start) - len(header))
    return signed(start, header, gap + data)


def test_newer_files_say_so(written):
    with pytest.raises(ModelFileError, match="has format 2, and fastml .* reads up to 1: upgrade fastml"):
        fastml.load(written(file_of({}, version=2)))


def test_header_longer_than_the_file(written):
    with pytest.raises(ModelFileError, match="header ends after the file"):
        fastml.load(written(signed(persistence.START.pack(persistence.MARK, 1, 10**12), b"{}")))


GOOD = {
    "fastml": "0.1.0",
    "model": {"model": "neighbors.KNeighborsClassifier", "state": {}},
    "about": None,
    "arrays": [],
}
BAD = [
    {},
    [],
    {**GOOD, "model": None},
    {**GOOD, "model": 3},
    {**GOOD, "fastml": 3},
    {**GOOD, "model": {"model": "os.system", "state": {}}},
    {**GOOD, "model": {"model": "neighbors.BallTree", "state": {}}},
    {**GOOD, "model": {"model": "base.Estimator.fit", "state": {}}},
    {**GOOD, "model": {"model": "..os.path", "state": {}}},
    {**GOOD, "about": {"struct": "subprocess.Popen", "fields": {}}},
    {**GOOD, "about": {"struct": "fastml.__main__.main", "fields": {}}},
    {**GOOD, "about": {"struct": "fastml.cli.main", "fields": {}}},
    {**GOOD, "about": {"struct": "fastml_ext.neighbors.brute.Index", "fields": {"other": 1}}},
    {**GOOD, "about": {"struct": "fastml_ext.neighbors.brute.os.path", "fields": {}}},
    {**GOOD, "about": {"unknown": 1}},
    {**GOOD, "about": {"__init__": 1}},
    {**GOOD, "about": {"float": "1e5"}},
    {**GOOD, "about": {"array": 0}},
    {**GOOD, "about": {"array": "x"}},
    {**GOOD, "about": {"dtype": "O"}},
    {**GOOD, "about": {"type": "O"}},
    {**GOOD, "about": {"sparse": "bsr_matrix", "shape": [1, 1], "parts": [1, 2, 3]}},
    {**GOOD, "about": {"sparse": "csr_matrix", "shape": [1, 1], "parts": [1, 2, 3]}},
    {**GOOD, "about": {"dict": [[{"list": []}, 1]]}},
    {**GOOD, "about": [1]},
    {**GOOD, "about": {}},
    {**GOOD, "arrays": [["|O", [1], "C", 0]]},
    {**GOOD, "arrays": [["<f8", [1], "C", 64]]},
    {**GOOD, "arrays": [["<f8", [-1], "C", 0]]},
    {**GOOD, "arrays": [["<f8", [-1, -8], "C", 0]]},
    {**GOOD, "arrays": [["<f8", [2**62, 2**62], "C", 0]]},
    {**GOOD, "arrays": [["<f8", [0, 2**70], "C", 0]]},
    {**GOOD, "arrays": [["<f8", [1], "K", 0]]},
    {**GOOD, "arrays": [["<f8", [1.0], "C", 0]]},
    {**GOOD, "arrays": [["<f8", [1], "C", -8]]},
    {**GOOD, "arrays": [["<f8", [True], "C", 0]]},
    {**GOOD, "arrays": [["<U999999999", [1], "C", 0]]},
    {**GOOD, "arrays": [["<f8", [1] * 99, "C", 0]]},
    {**GOOD, "arrays": 7},
]


def test_the_good_header_is_good(written):
    assert type(fastml.load(written(file_of(GOOD)))) is KNeighborsClassifier


@pytest.mark.parametrize("header", BAD, ids=lambda header: json.dumps(header)[-60:])
def test_headers_that_no_fastml_wrote(written, header):
    with pytest.raises(ModelFileError, match="not a model that fastml .* understands"):
        fastml.load(written(file_of(header, bytes(16))))


@pytest.mark.parametrize(
    "header", [b"\xff\xfe", b"{", b'{"a": ' * 100_000, b"[" * 100_000 + b"]" * 100_000, b"1" * 9999]
)
def test_headers_that_are_no_json(written, header):
    with pytest.raises(ModelFileError, match="understands"):
        fastml.load(written(file_of(header)))


KEYS = st.sampled_from([*Reader.KINDS, "state", "fields", "shape"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 70), st.floats(), st.sampled_from(["nan", "<f8", "C"]))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=10,
)


@given(JSON, st.lists(JSON, max_size=2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_crafted_headers_never_do_anything_else(written, about, table):
    """A signed file of any content is read, or refused with the one error."""
    with contextlib.suppress(ModelFileError):
        read(written(file_of({**GOOD, "about": about, "arrays": table}, bytes(64))))


def test_fixtures_are_there():
    assert FIXTURES


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_files_of_earlier_versions(path):
    """`about` holds rows and what the version that wrote the file predicted for them."""
    model, about, _ = read(path)
    assert type(model).__name__ == path.stem.split("-")[0]
    for method, expected in about["answers"].items():
        answer = getattr(model, method)(about["X"])
        if issparse(expected):
            assert (answer != expected).nnz == 0
        elif expected.dtype.kind == "f":
            assert np.allclose(answer, expected, rtol=1e-6)
        else:
            assert np.array_equal(answer, expected)


def test_the_writer_keeps_what_it_numbers():
    """Arrays that are made on the fly must not share an id."""
    writer = Writer()
    for i in range(100):
        assert writer.value(np.full(3, i), "x") == {"array": i}
