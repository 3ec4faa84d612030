"""The list of known differences, the shares that were measured, and the page that is made of both."""

import json
import re
from pathlib import Path

from fastml.exchange.families import FAMILIES

__all__ = [
    "KINDS",
    "KNOWN",
    "PAGE",
    "family_of",
    "page_parts",
    "read_known",
    "read_shares",
    "write_known",
    "write_page",
    "write_shares",
]

HERE = Path(__file__).resolve().parent
KNOWN, SHARES = HERE / "known.txt", HERE / "shares.json"
PAGE = HERE.parents[1] / "docs" / "coming-from-scikit-learn.md"
LIST = HERE.parents[1] / "docs" / "differences.md"
KINDS = {
    "choice": "Different on purpose",
    "words": "The same refusal or warning, in other words",
    "gap": "Not yet as in scikit-learn",
    "private": "Tests of private names, which say nothing of the interface",
}
OTHERS = {"imblearn": "imbalanced-learn 0.14.2", "mlxtend": "mlxtend 0.25.0"}
BEGIN, END = "<!-- measured: tests/dropin writes this part -->\n", "<!-- end of the measured part -->\n"


def read_known():
    """{test: (kind, reason)} of known.txt."""
    known = {}
    for line in KNOWN.read_text(encoding="utf-8").splitlines() if KNOWN.exists() else ():
        if line.strip() and not line.startswith("#"):
            test, _, why = line.rpartition("  # ")
            kind, _, reason = why.partition(": ")
            if kind not in KINDS or not reason:
                raise SystemExit(f"known.txt: no kind and reason in {line!r}")
            known[test] = kind, reason
    return known


def write_known(known):
    head = "# Tests of scikit-learn that fail on fastml, and why: see tests/dropin/__main__.py.\n"
    lines = [f"{test}  # {kind}: {reason}\n" for test, (kind, reason) in sorted(known.items())]
    KNOWN.write_text(head + "".join(lines), encoding="utf-8")


def read_shares():
    """{family: (tests that ran fastml's code, those that passed)}."""
    return json.loads(SHARES.read_text(encoding="utf-8")) if SHARES.exists() else {}


def write_shares(shares):
    SHARES.write_text(json.dumps(shares, indent=1) + "\n", encoding="utf-8")


def measured(shares, known):
    """The part of the page that tells the shares."""
    private = [family_of(test) for test, (kind, _) in known.items() if kind == "private"]
    shares = {family: (ran - private.count(family), passed) for family, (ran, passed) in shares.items()}
    others = {family: shares.pop(family) for family in [*shares] if family in OTHERS}
    total, passed = (sum(row[i] for row in shares.values()) for i in (0, 1))
    rows = [f"| `{family}` | {tests:,} | {100 * right / tests:.1f} % |\n" for family, (tests, right) in shares.items()]
    text = (
        f"Of {total:,} tests that scikit-learn 1.9.1 ships and that run fastml's code when its names are put in the"
        f" place of scikit-learn's, {100 * passed / total:.1f} % pass, tests of private names apart. `make dropin`"
        " runs them, and fails where a test fails that is not in [the list of differences](differences.md).\n\n"
        f"| tests of | that run fastml | pass |\n|---|---|---|\n{''.join(rows)}"
    )
    for family, (tests, right) in others.items():
        text += (
            f"\nOf the tests of {OTHERS[family]}, {tests:,} call fastml when they run under"
            f" [`fastml.accel`](accel.md), and {right:,} of these pass.\n"
        )
    return text


def differences(known):
    """The page that lists every known difference, once, with how many tests see it."""
    text = (
        "# Differences from scikit-learn\n\nEvery reason for which a test of scikit-learn 1.9.1 fails on fastml, and"
        " how many do. The tests by name stand in `tests/dropin/known.txt`, from which this page is made.\n"
    )
    for kind, title in KINDS.items():
        counts: dict = {}
        for test, (other, reason) in known.items():
            if other == kind:
                key = family_of(test), reason
                counts[key] = counts.get(key, 0) + 1
        rows = [f"| {family} | {reason} | {count} |\n" for (family, reason), count in sorted(counts.items())]
        if rows:
            text += f"\n## {title}\n\n| tests of | difference | tests |\n|---|---|---|\n{''.join(rows)}"
    return text


def family_of(test):
    """The family of tests/dropin that a test belongs to; of a test of all estimators, that of the estimator."""
    if found := re.match(r"(?:sklearn/(\w+)/tests/|(imblearn|mlxtend)/)", test):
        return found[1] or found[2]
    if found := re.match(r"sklearn/tests/test_public_functions.py::.*\[sklearn\.(\w+)\.", test):
        return found[1]
    if found := re.match(r"sklearn/tests/test_common.py::\w+\[(?:\w+-)?(\w+)\(", test):
        return next((row.family.partition(".")[0] for row in FAMILIES if found[1] in row.names), "elsewhere")
    found = re.match(r"sklearn/tests/test_(naive_bayes|discriminant_analysis|pipeline)", test)
    return found[1] if found else "elsewhere"


def page_parts():
    """{file: its text}, as they must be for known.txt and the shares."""
    known, shares = read_known(), read_shares()
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return {PAGE: before + BEGIN + measured(shares, known) + END + after, LIST: differences(known)}


def write_page():
    for file, text in page_parts().items():
        file.write_text(text, encoding="utf-8")
