"""The evaluation as a program: what it prints, and how it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
CASE: dict[str, Any] = {
    "id": "one",
    "now": "2026-03-04T09:30:00+01:00",
    "timezone": "Europe/Berlin",
    "message": "Call Ana tomorrow",
    "expect": [{"title_words": ["call", "ana"], "execution_type": "manual", "due_date": "2026-03-05"}],
}


def run_eval(cases: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    names = {"CASES", "MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"}
    env = {key: value for key, value in os.environ.items() if key not in names}
    env |= more | ({"CASES": str(cases)} if cases else {})
    command = [sys.executable, "-m", "benchmarks.eval"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


def write(path: Path, *cases: object) -> Path:
    path.write_text("\n".join(case if isinstance(case, str) else json.dumps(case) for case in cases))
    return path


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_both_sets_are_scored_and_nothing_is_invented() -> None:
    scores = last_line(run_eval())
    assert (scores["cases"], scores["invented"]) == (20, 0)
    assert scores["right"] >= 18
    assert (scores["paraphrases"]["cases"], scores["paraphrases"]["invented"]) == (60, 0)
    assert scores["paraphrases"]["share_right"] >= 0.9


def test_a_file_of_ones_own_gives_four_keys(tmp_path: Path) -> None:
    done = run_eval(write(tmp_path / "cases.jsonl", CASE, "", {**CASE, "id": "two", "message": "hello", "expect": []}))
    assert last_line(done) == {"cases": 2, "right": 2, "share_right": 1.0, "invented": 0}


def test_a_miss_is_printed_with_what_was_expected_and_what_came(tmp_path: Path) -> None:
    wrong = {**CASE, "id": "off", "expect": [{"title_words": ["bob"], "due_date": "2026-03-09", "recipient": None}]}
    done = run_eval(write(tmp_path / "cases.jsonl", wrong, {**CASE, "id": "more", "expect": []}))
    assert last_line(done) == {"cases": 2, "right": 0, "share_right": 0.0, "invented": 1}
    assert "off: 'Call Ana tomorrow'" in done.stdout
    assert "title 'Call Ana' lacks 'bob'" in done.stdout
    assert "due_date is 2026-03-05, expected 2026-03-09" in done.stdout
    assert "recipient is Ana, expected None" in done.stdout


def test_each_case_has_a_zone_and_a_now_of_its_own(tmp_path: Path) -> None:
    expected = [{"title_words": ["ana"], "due_date": "2026-03-06"}]
    far = {**CASE, "now": "2026-03-04T20:30:00+00:00", "timezone": "Asia/Tokyo", "expect": expected}
    assert last_line(run_eval(write(tmp_path / "cases.jsonl", far)))["right"] == 1


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{not json", "not JSON"),
        ("[]", "the line: Input should be a valid dictionary"),
        ({**CASE, "now": "yesterday"}, "now: "),
        ({**CASE, "timezone": "Mars/Base"}, "there is no time zone 'Mars/Base'"),
        ({key: value for key, value in CASE.items() if key != "message"}, "message: Field required"),
        ({**CASE, "expect": [{"due": "2026-03-05"}]}, "expect.0.due: Extra inputs are not permitted"),
        ({**CASE, "expect": [{"execution_type": "robot"}]}, "expect.0.execution_type: "),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: object, what: str) -> None:
    done = run_eval(write(tmp_path / "cases.jsonl", CASE, line))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cases.jsonl, line 2: " in done.stderr
    assert what in done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run_eval(tmp_path / "none.jsonl")
    assert (done.returncode, "none.jsonl: No such file" in done.stderr) == (2, True)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert run_eval(write(tmp_path / "cases.jsonl")).returncode == 2


def test_a_model_needs_a_key_or_a_server() -> None:
    done = run_eval(MODEL="some-model")
    assert (done.returncode, "MODEL needs OPENAI_API_KEY" in done.stderr) == (2, True)
