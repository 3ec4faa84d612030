"""An estimator for workers: it lies where their processes can load it, as a test module does not."""

import os
import signal
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

__all__ = ["Remembers"]


class Remembers(ClassifierMixin, BaseEstimator):
    """Says where it was fitted, may fail, be slow, or kill its process once."""

    def __init__(self, k=0, folder=None, kill=False, fail=False, sleep=0.0):
        self.k, self.folder, self.kill, self.fail, self.sleep = k, folder, kill, fail, sleep

    def fit(self, X, y):
        time.sleep(self.sleep)
        if self.fail:
            raise ZeroDivisionError("mine")
        path = os.path.join(self.folder, f"killed{self.k}")
        if self.kill and not os.path.exists(path):
            with open(path, "w"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        with open(os.path.join(self.folder, f"pid{os.getpid()}"), "a"):
            self.classes_ = np.unique(y)
        self.mean_ = X[:, 0].mean()
        return self

    def predict(self, X):
        return self.classes_[(X[:, 0] > self.mean_ + self.k).astype(int)]
