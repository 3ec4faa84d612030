"""The names of fastml.preprocessing, which are imported when they are first used."""

import os
import pickle
import subprocess
import sys

import fastml.preprocessing as steps

COUNT = """
import sys
import fastml.preprocessing
before = {name for name in sys.modules if name.startswith("fastml.preprocessing.")}
assert not before, before
from fastml.preprocessing import StandardScaler
assert "fastml.preprocessing.feature_map" not in sys.modules
from fastml.preprocessing import *
assert FeatureMap is sys.modules["fastml.preprocessing.feature_map"].FeatureMap
"""


def test_a_class_loads_what_it_needs():
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")]))
    subprocess.run([sys.executable, "-c", COUNT], check=True, env=os.environ | {"PYTHONPATH": path})


def test_every_name_is_there():
    assert sorted(name for names in steps.HOMES.values() for name in names) == sorted(steps.__all__)
    assert set(steps.__all__) <= set(dir(steps))
    assert "FunctionTransformer" in dir(steps)
    for name in steps.__all__:
        assert pickle.loads(pickle.dumps(getattr(steps, name))) is vars(steps)[name]
