"""Every example of a docstring runs."""

import doctest
import importlib
import pkgutil

import pytest

import fastml
import fastml_ext

MODULES = [
    module.name
    for package in (fastml, fastml_ext)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
