"""The list of known differences from scikit-learn, and the pages that are made of it: tests/dropin."""

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "dropin"


def load(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


known = load("known")


def test_each_difference_has_a_kind_and_a_reason():
    differences = known.read_known()
    assert len(differences) > 50
    assert all(test.startswith(("sklearn/", "imblearn/", "mlxtend/")) and "::" in test for test in differences)
    recorded = [test for test, (_, reason) in differences.items() if "Error" in reason or "assert" in reason]
    assert recorded == [], "recorded as a gap, and not yet given a reason"


@pytest.mark.parametrize(
    ("test", "family"),
    [
        ("sklearn/tree/tests/test_tree.py::test_a[x]", "tree"),
        ("sklearn/tests/test_common.py::test_estimators[GaussianNB()-check_fit]", "naive_bayes"),
        (
            "sklearn/tests/test_common.py::test_set_output_transform_configured[check_a-TfidfVectorizer()]",
            "feature_extraction",
        ),
        ("sklearn/tests/test_common.py::test_estimators[SVC()-check_fit]", "elsewhere"),
        ("sklearn/tests/test_public_functions.py::test_a[sklearn.metrics.auc]", "metrics"),
        ("sklearn/tests/test_pipeline.py::test_a", "pipeline"),
        ("sklearn/tests/test_base.py::test_a", "elsewhere"),
        ("imblearn/over_sampling/tests/test_smote.py::test_a", "imblearn"),
        ("mlxtend/classifier/tests/test_stacking.py::test_a", "mlxtend"),
    ],
)
def test_the_family_of_a_test(test, family):
    assert known.family_of(test) == family


def test_the_pages_are_those_of_the_list():
    for file, text in known.page_parts().items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name}: python tests/dropin --page writes it anew"


@pytest.mark.parametrize("text", ["sklearn/x.py::test_a  # gap\n", "sklearn/x.py::test_a  # odd: reason\n"])
def test_a_line_without_a_reason_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.setattr(known, "KNOWN", tmp_path / "known.txt")
    known.KNOWN.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="no kind and reason"):
        known.read_known()
