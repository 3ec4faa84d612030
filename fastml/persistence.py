"""Models in files that any later version reads and that execute nothing: `fastml.save` and `fastml.load`.

A file is, in this order:

    8 bytes    89 46 4D 4C 0D 0A 1A 0A: a mark that a transfer as text destroys
    4 bytes    version of the format, little-endian
    8 bytes    length of the header, little-endian
    header     JSON in UTF-8: {"fastml", "model", "about", "arrays"}
    arrays     plain, little-endian, each at a multiple of 64 bytes after the header
    32 bytes   SHA-256 of all before

Values stand in the header as JSON has them, or as an object with one key that says what it is (see `Writer`). Numbers
come back bit for bit, arrays with dtype, shape and order, two names of one array as two names of one array.

What a model keeps is its state as for pickle (`__getstate__`): parameters and results. A class whose results include
what can be computed again (an index, say) leaves that out in `__getstate__` and computes it in `__setstate__`, for
files and pickles alike. Whatever is made of None, booleans, numbers, texts, arrays, sparse matrices, lists, tuples,
dicts, dtypes, fastml's estimators, and named tuples or dataclasses defined in fastml or fastml_ext can be saved; a
function or a random generator cannot.

The digest says that a file is whole, not who wrote it. So what is read is held to a table of each class's state (see
`fastml.schema`), and no allocation is larger than what the file holds.
"""

import dataclasses
import errno
import hashlib
import importlib.util
import inspect
import json
import math
import os
import re
import stat
import struct
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

import fastml
from fastml.base import Estimator
from fastml.schema import check_state
from fastml.writing import replacing

__all__ = ["ModelFileError", "Saved", "load", "read", "save"]

MARK = b"\x89FML\r\n\x1a\n"
VERSION = 1
START = struct.Struct("<8sIQ")
ALIGNMENT = 64
DIGEST = 32
DTYPES = re.compile(r"[|<](b1|[iu][1248]|f[248]|c8|c16|[SU]\d{1,9}|[Mm]8(\[\d*[a-zA-Zμ]+\])?)")
SPARSE = ("csr_array", "csr_matrix", "csc_array", "csc_matrix")
OBJECT = "|O"  # a dtype that an attribute may be, and no array in the file
PLAIN = (bool, int, str, type(None))
ABSTRACT = (
    np.number,
    np.integer,
    np.floating,
    np.inexact,
    np.signedinteger,
    np.unsignedinteger,
)  # dtypes of a selector
FUNCTIONS = (
    tuple(  # that a parameter may be; scikit-learn's of the same name is kept as fastml's, and NumPy's as NumPy's
        f"feature_selection.{name}"
        for name in (
            *("chi2", "f_classif", "f_regression", "gain_ratio", "information_gain"),
            *("mutual_info_classif", "mutual_info_regression", "r_regression"),
        )
    )
)
UFUNCS = (  # of NumPy, that a target is transformed by
    *("absolute", "arcsinh", "cbrt", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "negative", "positive"),
    *("power", "reciprocal", "rint", "sinh", "sqrt", "square", "tanh", "arctanh"),
)
FUNCTIONS += tuple(f"numpy.{name}" for name in UFUNCS)
DEEPEST = 100  # values inside one another
LAST_CHARACTER = 0x10FFFF


class ModelFileError(ValueError):
    """The file is not a whole model that this version of fastml can read."""


class Saved(NamedTuple):
    """What a file holds."""

    model: Any
    about: Any  # what was given to `save` with the model
    fastml: str  # the version that wrote the file


def save(model: Any, path: str | os.PathLike, about: dict | None = None) -> None:
    """Write a model to a file.

    Parameters
    ----------
    model : estimator of fastml
        Fitted or not.
    path : str or path-like
        The file; one that is there is replaced, at once and only when the new one is complete and on the disk. It
        keeps its permissions, and a symbolic link its place: see `fastml.writing.replacing`.
    about : object, default=None
        Anything of plain values and arrays to keep with the model; `fastml.persistence.read` returns it.

    Raises
    ------
    TypeError
        If a parameter or a result is something that a file cannot hold, such as a function; the message names it.
    OSError
        If `path` is a folder, a pipe or a device, or cannot be written.

    Examples
    --------
    >>> import os, tempfile, fastml
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> model = KNeighborsClassifier(n_neighbors=1).fit([[0.0], [1.0]], ["low", "high"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "model.fml")
    ...     fastml.save(model, file)
    ...     fastml.load(file).predict([[0.2]])
    array(['low'], dtype='<U4')
    """
    if not isinstance(model, Estimator):
        raise TypeError(f"{type(model).__name__} is not an estimator of fastml, and nothing else can be saved")
    writer = Writer()
    content = {"fastml": fastml.__version__, "model": writer.value(model, ""), "about": writer.value(about, "about")}
    header = json.dumps({**content, "arrays": writer.table}, ensure_ascii=False, allow_nan=False).encode()
    with replacing(path) as file:
        write(file, header, writer.arrays)


def load(path: str | os.PathLike) -> Any:
    """The model in the file `path`, as it was saved; nothing in the file is executed.

    Raises
    ------
    ModelFileError
        A ValueError: the file is damaged, truncated, of another kind, or written by a newer version of fastml.
    OSError
        If there is no such file, or it cannot be read.
    """
    return read(path).model


def read(path: str | os.PathLike) -> Saved:
    """What the file `path` holds: (model, about, version of fastml that wrote it); raises as `load` does."""
    path = os.fspath(path)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "is no file", path)
    content = np.fromfile(path, np.uint8)
    header, data = check(path, content)
    try:
        header = json.loads(header.tobytes())
        reader = Reader([array(data, *row) for row in header["arrays"]])
        saved = Saved(reader.value(header["model"]), reader.value(header["about"]), header["fastml"])
        if not (isinstance(saved.model, Estimator) and isinstance(saved.fastml, str)):
            raise TypeError("it holds no model")
    except (MemoryError, OSError):
        raise
    except Exception as error:  # whatever a foreign file leads to on the way
        raise ModelFileError(
            f"{path!r} is a whole file, but not a model that fastml {fastml.__version__} understands: {error}"
        ) from None
    return saved


def check(path, content):
    """(header, arrays) of a file whose digest is right."""
    start = content[: START.size].tobytes()
    if not start.startswith(MARK):
        if len(start) < len(MARK) and MARK.startswith(start):
            raise ModelFileError(f"{path!r} is empty or truncated after {len(start)} bytes: copy or save it again")
        pickle = start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
        cure = "it looks like a pickle, which this function does not run" if pickle else "only such files can be loaded"
        raise ModelFileError(f"{path!r} is not a file that fastml.save wrote: {cure}")
    if len(content) < START.size + DIGEST or hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:].tobytes():
        raise ModelFileError(f"{path!r} is damaged or truncated, its checksum is wrong: copy or save it again")
    _, version, length = START.unpack(start)
    if version > VERSION:
        raise ModelFileError(
            f"{path!r} has format {version}, and fastml {fastml.__version__} reads up to {VERSION}: upgrade fastml"
        )
    first = START.size + length
    if first > len(content) - DIGEST:
        raise ModelFileError(f"{path!r} is damaged: its header ends after the file")
    return content[START.size : first], content[aligned(first) : -DIGEST]


def write(file, header, arrays):
    digest = hashlib.sha256()

    def put(data):
        digest.update(data)
        file.write(data)

    put(START.pack(MARK, VERSION, len(header)))
    put(header)
    at = START.size + len(header)
    for values in arrays:
        put(bytes(aligned(at) - at))
        put(values.reshape(-1, order="A").view(np.uint8).data if values.nbytes else b"")
        at = aligned(at) + values.nbytes
    file.write(digest.digest())


def aligned(offset):
    return -(-offset // ALIGNMENT) * ALIGNMENT


def array(data, dtype, shape, order, offset):
    """One array of a file."""
    dtype = checked_dtype(dtype)
    if not all(type(size) is int and size >= 0 for size in [*shape, offset]) or order not in ("C", "F"):
        raise ValueError(f"an array of shape {shape}, order {order!r}, offset {offset}")
    if offset % ALIGNMENT or (math.prod(shape) and not dtype.itemsize):
        raise ValueError(f"an array of {dtype} of shape {shape} at {offset}: nothing that was saved is so")
    size = math.prod(shape) * dtype.itemsize
    if offset + size > len(data):
        raise ValueError(f"an array of {size} bytes at {offset}, behind the end")
    if not size:
        return np.empty(shape, dtype, order)
    values = data[offset : offset + size].view(dtype).reshape(shape, order=order)
    if dtype.kind == "b" and data[offset : offset + size].max() > 1:
        raise ValueError("an array of bool that holds other bytes than 0 and 1")
    if dtype.kind == "U" and data[offset : offset + size].view("<u4").max() > LAST_CHARACTER:
        raise ValueError("an array of texts with characters that there are none of")
    return values.astype(dtype.newbyteorder("="), copy=False)


def checked_dtype(name):
    if not (isinstance(name, str) and DTYPES.fullmatch(name)):
        raise ValueError(f"an array of dtype {name!r}")
    return np.dtype(name)


class Writer:
    """Turns values into what the header holds and collects their arrays.

    A value that JSON lacks is an object whose first key is "float" (nan, inf, -inf), "array" or "scalar" (a row of the
    table of arrays), "dtype", "type" (of NumPy's numbers), "sparse", "objects", "list", "tuple", "dict" (pairs),
    "struct", "model", "function" (one of FUNCTIONS, by its name) or "slice".
    """

    def __init__(self):
        self.arrays: list[np.ndarray] = []
        self.table: list[list] = []  # of each array its dtype, shape, order and offset
        self._rows: dict[int, int] = {}
        self._kept: list[np.ndarray] = []
        self._end = 0

    def value(self, value, name):
        """name: of the attribute, for the message where it cannot be saved"""
        kind = type(value)
        if kind in PLAIN or (kind is float and math.isfinite(value)):
            return value
        if kind is float:
            return {"float": repr(value)}
        if kind in (list, tuple):
            return {kind.__name__: self.values(value, name)}
        if kind is dict:
            return {"dict": [[self.value(key, name), self.value(v, f"{name}[{key!r}]")] for key, v in value.items()]}
        if kind in (np.ndarray, np.memmap):
            return self.array(value, name)
        if isinstance(value, np.generic):
            return {"scalar": self.row(np.asarray(value), name)}
        if isinstance(value, np.dtype):
            return {"dtype": OBJECT if value.kind == "O" else self.dtype(value, name).str}
        if isinstance(value, type) and issubclass(value, np.generic):
            return {"type": value.__name__ if value in ABSTRACT else self.dtype(np.dtype(value), name).str}
        if kind is slice:
            return {"slice": self.values([value.start, value.stop, value.step], name)}
        if kind.__name__ in SPARSE and kind is getattr(scipy.sparse, kind.__name__):
            parts = [self.value(getattr(value, part), f"{name}.{part}") for part in ("data", "indices", "indptr")]
            return {"sparse": kind.__name__, "shape": list(value.shape), "parts": parts}
        return self.made_of_parts(value, name)

    def values(self, values, name):
        return [self.value(v, f"{name}[{i}]") for i, v in enumerate(values)]

    def made_of_parts(self, value, name):
        cls = type(value)
        if callable(value) and (known := function_name(value)):
            return {"function": known}
        if isinstance(value, Estimator) and public(cls):
            kept = value.__getstate__()
            kept = {key: kept[key] for key in kept if key != "_skl_callbacks"}  # who listens is no part of a model
            state = self.named(kept, name)
            try:
                check_state(cls, kept)
            except ValueError as error:
                raise TypeError(f"{name or cls.__name__} is in no state that could be loaded again: {error}") from None
            return {"model": public(cls), "state": state}
        fields = fields_of(cls)
        if fields is not None and find(where(cls)) is cls:
            return {"struct": where(cls), "fields": self.named({key: getattr(value, key) for key in fields}, name)}
        what = f"function {value.__name__!r}" if hasattr(value, "__name__") else f"object of {where(cls)}"
        raise TypeError(
            f"{name or 'the model'} is the {what}: a file holds values and arrays, not code or foreign objects"
        )

    def named(self, values, name):
        return {key: self.value(v, f"{name}.{key}".lstrip(".")) for key, v in values.items()}

    def array(self, values, name):
        if values.dtype != object:
            return {"array": self.row(values, name)}
        return {"objects": self.values(values.ravel().tolist(), name), "shape": list(values.shape)}

    def row(self, values, name):
        """The row of an array in the table; the same one for the same array."""
        if id(values) not in self._rows:
            self._rows[id(values)] = len(self.table)
            self._kept.append(values)  # or another array might get its id
            stored = np.array(values, self.dtype(values.dtype, name), copy=None, order="F" if values.flags.fnc else "C")
            offset = aligned(self._end)
            self.table.append([stored.dtype.str, list(stored.shape), "F" if stored.flags.fnc else "C", offset])
            self.arrays.append(stored)
            self._end = offset + stored.nbytes
        return self._rows[id(values)]

    def dtype(self, dtype, name):
        stored = dtype.newbyteorder("<")
        if not DTYPES.fullmatch(stored.str):
            raise TypeError(f"{name} has the dtype {dtype}, which a file cannot hold")
        return stored


class Reader:
    """Turns what the header holds into values."""

    KINDS = (
        *("float", "array", "scalar", "dtype", "type", "sparse", "objects"),
        *("list", "tuple", "dict", "struct", "model", "function", "slice"),
    )

    def __init__(self, arrays):
        self.arrays = arrays
        self.depth = 0

    def value(self, value):
        if type(value) in PLAIN or type(value) is float:
            return value
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError(f"values nested more than {DEEPEST} times")
        found = self.structured(value)
        self.depth -= 1
        return found

    def structured(self, value):
        kind = next(iter(value), None) if type(value) is dict else "list without a name"
        if kind not in self.KINDS:
            raise ValueError(f"a value of the unknown kind {kind!r}")
        return getattr(self, f"read_{kind}")(*value.values())

    def read_float(self, text):
        if text not in ("nan", "inf", "-inf"):
            raise ValueError(f"a number {text!r}")
        return float(text)

    def read_array(self, row):
        return self.arrays[row]

    def read_scalar(self, row):
        return self.arrays[row][()]

    def read_dtype(self, name):
        if name == OBJECT:
            return np.dtype(object)
        return checked_dtype(name).newbyteorder("=")

    def read_type(self, name):
        abstract = next((kind for kind in ABSTRACT if kind.__name__ == name), None)
        return checked_dtype(name).type if abstract is None else abstract

    def read_slice(self, ends):
        if len(ends) != 3:
            raise ValueError(f"a slice of {len(ends)} ends")
        return slice(*self.read_list(ends))

    def read_sparse(self, kind, shape, parts):
        if kind not in SPARSE or len(parts) != 3:
            raise ValueError(f"a sparse {kind!r} of {len(parts)} parts")
        matrix = getattr(scipy.sparse, kind)(tuple(self.read_list(parts)), shape=tuple(shape))
        matrix.check_format(full_check=True)
        return matrix

    def read_objects(self, values, shape):
        filled = np.empty(len(values), object)
        filled[:] = self.read_list(values)
        return filled.reshape(shape)

    def read_function(self, name):
        if name not in FUNCTIONS:
            raise ValueError(f"the function {name!r}, which is none that a file may name")
        return function_named(name)

    def read_list(self, values):
        return [self.value(v) for v in values]

    def read_tuple(self, values):
        return tuple(self.value(v) for v in values)

    def read_dict(self, pairs):
        return {self.value(key): self.value(v) for key, v in pairs}

    def read_struct(self, name, fields):
        cls, values = find(name), {key: self.value(v) for key, v in fields.items()}
        if cls is not None and fields_of(cls) != list(values) and hasattr(cls, "from_older"):
            values = cls.from_older(values) or values
        if cls is None or fields_of(cls) != list(values):
            raise ValueError(f"there is no {name} of the fields {', '.join(fields)}")
        return cls(**values)

    def read_model(self, name, state):
        module, _, cls = name.rpartition(".")
        home = f"fastml.{module}"
        found = getattr(importlib.import_module(home), cls, None) if known(home) else None
        if not (isinstance(found, type) and issubclass(found, Estimator) and public(found) == name):
            raise ValueError(f"there is no estimator fastml.{name}")
        values = {key: self.value(v) for key, v in state.items()}
        values |= {key: v for key, v in defaults_of(found).items() if key not in values}
        check_state(found, values)
        model = found.__new__(found)
        model.__setstate__(values)
        return model


def defaults_of(cls):
    """The parameters of a class with their defaults, which a file from before a parameter was added does not name."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def public(cls):
    """The name of a public estimator below `fastml`, such as "neighbors.KNeighborsClassifier"; None for others."""
    package, *modules = cls.__module__.split(".")
    if package != "fastml" or not modules:
        return None
    name = f"{modules[0]}.{cls.__name__}"
    return name if getattr(importlib.import_module(f"fastml.{modules[0]}"), cls.__name__, None) is cls else None


def fields_of(cls):
    """The names of the fields of a named tuple or a dataclass, in order, or None for any other class."""
    if isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return list(cls._fields)
    if isinstance(cls, type) and dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    return None


def where(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def find(name):
    """The class of that full name in fastml or fastml_ext, or None."""
    module, _, cls = name.rpartition(".")
    found = getattr(importlib.import_module(module), cls, None) if known(module) else None
    return found if isinstance(found, type) and where(found) == name else None


def known(module):
    """Whether it is a module of fastml or fastml_ext: nothing else is ever imported because a file says so."""
    parts = module.split(".")
    if parts[0] not in ("fastml", "fastml_ext") or "__main__" in parts or not all(p.isidentifier() for p in parts):
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, AttributeError):
        return False


def function_named(name):
    family, _, name = name.partition(".")
    if family == "numpy":
        return getattr(np, name)
    return getattr(importlib.import_module(f"fastml.{family}"), name)


def function_name(value):
    """The name among FUNCTIONS of a function of fastml, or of scikit-learn's in its place; None of any other."""
    if isinstance(value, np.ufunc):
        known = value.__name__ in UFUNCS and getattr(np, value.__name__) is value
        return f"numpy.{value.__name__}" if known else None
    package, _, rest = getattr(value, "__module__", "").partition(".")
    name = f"{rest.partition('.')[0]}.{getattr(value, '__name__', '')}"
    if package not in ("fastml", "sklearn") or name not in FUNCTIONS:
        return None
    family, _, short = name.partition(".")
    return name if getattr(importlib.import_module(f"{package}.{family}"), short) is value else None
