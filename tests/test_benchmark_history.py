"""The alarm of benchmarks/history.py: what became slower than in the runs before."""

import json

import history
import report

WORKS = {
    "a": {"family": "tree", "times": {"fastml": 1.0, "scikit-learn": 4.0, "fastml, interpreted": 9.0}},
    "b": {"family": "tree", "times": {"fastml": 2.0, "PyTorch": 3.0}},
    "c": {"family": "tree", "times": {"fastml": 2.0}},
}
RESULTS = {"commit_info": {"id": "abc"}, "datetime": "2026-01-02T03:04:05+00:00"}


def run_of(ratio, machine="m", threads=2):
    return {"machine": machine, "threads": threads, "ratios": {"a": {"scikit-learn": ratio}}}


def test_a_run_is_a_line_of_ratios(tmp_path):
    run, path = history.entry(RESULTS, WORKS, "m", 2), tmp_path / "history.jsonl"
    assert run["ratios"] == {"a": {"scikit-learn": 4.0}, "b": {"PyTorch": 1.5}}
    assert (run["day"], run["commit"], run["machine"], run["threads"]) == ("2026-01-02", "abc", "m", 2)
    assert history.read(path) == []
    history.append(path, run)
    history.append(path, run)
    assert history.read(path) == [run, run]


def test_a_ratio_that_fell_by_a_quarter_is_an_alarm():
    earlier = [run_of(ratio) for ratio in (1.0, 4.0, 3.0, 4.0, 5.0, 100.0)]  # the last five count: their median is 4
    assert history.slower(run_of(3.0), earlier) == []
    assert history.slower(run_of(2.9), earlier) == ["a, beside scikit-learn: 2.9× after 4×"]


def test_runs_of_other_machines_and_new_works_say_nothing():
    assert history.slower(run_of(1.0), [run_of(9.0, machine="n"), run_of(9.0, threads=1)]) == []
    assert history.slower(run_of(1.0), [{"machine": "m", "threads": 2, "ratios": {}}]) == []


def result(library, median):
    info = {"library": library, "floors": {}, "limit": None}
    name = "benchmarks/bench_tree.py::bench[a]"
    return {"extra_info": info, "stats": {"median": median}, "fullname": name, "group": "a"}


def test_the_page_says_what_became_slower(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "product_rate", lambda: 1e9)
    page, told = tmp_path / "page.md", []
    for ours in (1.0, 1.0, 2.0):
        each = {"benchmarks": [result("fastml", ours), result("scikit-learn", 4.0)]}
        told.append(report.write(page, RESULTS | {"machine_info": {"cpu": {"brand_raw": "m"}}} | each, 2))
    assert told == [[], [], ["a, beside scikit-learn: 2× after 4×"]]
    assert "**slower than before: a, beside scikit-learn: 2× after 4×**" in page.read_text(encoding="utf-8")
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["ratios"]["a"]["scikit-learn"] for line in lines] == [4.0, 4.0, 2.0]
