"""Real data sets, read from the folder that the environment variable FASTML_DATA names. Tests share these."""

import functools
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

__all__ = ["a9a", "adult", "car", "cities", "covtype", "digits", "fashion_mnist", "folder", "sms_spam", "table"]


def folder(name):
    """The folder of a data set; the test or benchmark that asks is skipped where it is not there."""
    root = os.environ.get("FASTML_DATA")
    if root is None:
        pytest.skip(f"{name} is read from the folder that FASTML_DATA names, and it is not set")
    path = Path(root) / name
    if not path.is_dir():
        pytest.skip(f"FASTML_DATA={root} has no folder {name}")
    return path


def digits():
    """scikit-learn's bundled 8 x 8 digits: X (1797, 64) float64, y (1797,)."""
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


@functools.lru_cache(maxsize=2)
def fashion_mnist(part="train"):
    """X (60000, 784) uint8, y (60000,) uint8 for part="train"; 10,000 rows for "t10k"."""
    at = folder("fashion-mnist")
    with gzip.open(at / f"{part}-images-idx3-ubyte.gz") as file:
        X = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(at / f"{part}-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), np.uint8, offset=8)
    return X, y


@functools.lru_cache(maxsize=1)
def cities():
    """Latitude and longitude in degrees (155210, 2) float64, and country codes (155210,)."""
    import pandas as pd

    frame = pd.read_csv(folder("geonames-cities") / "cities.csv.gz", keep_default_na=False)
    return frame[["latitude", "longitude"]].to_numpy(float), frame["country_code"].to_numpy(str)


@functools.lru_cache(maxsize=2)
def covtype(part="binary"):
    """X (581012, 54) int16 and y of two classes for "binary"; 50,000 rows of seven classes for "50k-7class"."""
    import pandas as pd

    name = "covtype.binary.csv.gz" if part == "binary" else "covtype.50k-7class.csv.gz"
    frame = pd.read_csv(folder("covtype") / name, header=None, dtype=np.int16).to_numpy()
    return np.ascontiguousarray(frame[:, :-1]), frame[:, -1]


@functools.lru_cache(maxsize=2)
def a9a(part="a9a"):
    """X CSR (32561, 123) float64 and y in {-1, 1}; part="a9a.t" has 16,281 rows."""
    from sklearn.datasets import load_svmlight_file

    with gzip.open(folder("a9a") / f"{part}.gz") as file:
        return load_svmlight_file(file, n_features=123)


@functools.lru_cache(maxsize=1)
def car():
    """Six columns of words (1728, 6) and four classes."""
    frame = table("car", "car.data.gz", header=None)
    return frame.iloc[:, :-1].to_numpy(str), frame.iloc[:, -1].to_numpy(str)


@functools.lru_cache(maxsize=2)
def adult(part="data"):
    """A frame of 14 columns, six of numbers and eight of words, "?" where one is missing, and the labels."""
    frame = table("adult", f"adult.{part}.gz", header=None, skipinitialspace=True, skiprows=int(part == "test"))
    return frame.iloc[:, :-1], frame.iloc[:, -1].str.rstrip(".").to_numpy(str)


@functools.lru_cache(maxsize=1)
def sms_spam():
    """5,574 messages, a list of str, and their labels "ham" or "spam" (5574,)."""
    with gzip.open(folder("sms-spam") / "SMSSpamCollection.gz", "rt", encoding="utf-8", newline="\n") as file:
        labels, texts = zip(*(line.rstrip("\n").split("\t", 1) for line in file), strict=True)
    return list(texts), np.array(labels)


def table(name, file, **options):
    """A file of a data set as a pandas frame; options as for pandas.read_csv."""
    import pandas as pd

    return pd.read_csv(folder(name) / file, **options)
