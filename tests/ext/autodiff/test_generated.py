"""Generated kernels on disk: found again, left out where nothing can be written, the oldest forgotten."""

import os

import numpy as np
import pytest

from fastml_ext.autodiff import generated

TEXT = "def body(x0):\n    return (F(x0 * x0), F(2.0 * x0),)\n"


@pytest.fixture
def fresh(monkeypatch):
    """Forget what this process has loaded."""
    monkeypatch.setattr(generated, "_loaded", {})


def test_loaded_once():
    first = generated.load(TEXT, np.float64)
    assert first is generated.load(TEXT, np.float64)
    assert first is not generated.load(TEXT, np.float32)
    assert first["body"](3.0) == (9.0, 6.0)


def test_names_depend_on_text_dtype_and_helpers(monkeypatch):
    names = {generated._name(TEXT, np.dtype(d)) for d in (np.float64, np.float32)} | {
        generated._name("", np.dtype(float))
    }
    assert len(names) == 3
    monkeypatch.setattr(generated.machine, "__file__", __file__)
    assert generated._name(TEXT, np.dtype(float)) not in names


def test_without_a_folder(fresh, monkeypatch):
    monkeypatch.setattr(generated, "_folder", lambda: None)
    assert generated.load(TEXT, np.float64)["body"](3.0) == (9.0, 6.0)


def test_a_folder_that_cannot_be_written(fresh, monkeypatch, tmp_path):
    (tmp_path / "graphs").write_text("a file where the folder should be")
    monkeypatch.setattr(generated, "_folder", lambda: os.fspath(tmp_path))
    assert generated.load(TEXT, np.float64)["body"](3.0) == (9.0, 6.0)


def test_the_oldest_sources_are_forgotten(monkeypatch, tmp_path):
    monkeypatch.setattr(generated, "KEPT", 2)
    monkeypatch.setattr(generated, "_folder", lambda: os.fspath(tmp_path))
    for k in range(4):
        file = generated._write(f"graph_{k}", TEXT)
        os.utime(file, (k, k))
        (tmp_path / "graphs" / f"graph_{k}.body-1.nbi").write_text("")
    left = sorted(f.name for f in (tmp_path / "graphs").iterdir())
    assert left == [f"graph_{k}{end}" for k in (1, 2, 3) for end in (".body-1.nbi", ".source")]


def test_callbacks():
    body = generated.load(TEXT, np.float64)["body"]
    value, derivative = generated.callbacks(body, 1, np.float64)
    assert (value.ctypes(3.0), derivative.ctypes(3.0)) == (9.0, 6.0)
