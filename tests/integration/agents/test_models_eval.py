"""`make eval MODEL=...` against the model server: the same cases, and what they took."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.emulators.model_server import ModelServer

ROOT = Path(__file__).parents[3]
CASE: dict[str, Any] = {"now": "2026-03-04T09:30:00+01:00", "timezone": "Europe/Berlin", "expect": []}


def evaluated(server: ModelServer, path: Path, *messages: str, model: str = "gpt-5-mini") -> Any:
    lines = [json.dumps({**CASE, "id": str(number), "message": text}) for number, text in enumerate(messages)]
    path.write_text("\n".join(lines))
    env = {
        **os.environ,
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": "not-a-key",
        "STEWARD_MODEL_SMALL": "other",
    }
    env |= {"MODEL": model, "CASES": str(path), "STEWARD_MODEL_FALLBACKS": "another"}
    command = [sys.executable, "-m", "benchmarks.eval"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_it_says_what_the_model_took(model_server: ModelServer, tmp_path: Path) -> None:
    done = evaluated(model_server, tmp_path / "c.jsonl", "case: another name", "case: words are rejected")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["cases"], result["right"]) == (2, 1)
    took = {key: value for key, value in result["model"].items() if key != "seconds"}
    assert took == {
        "name": "gpt-5-mini", "requests": 2, "failed": 1, "input_tokens": 1000, "output_tokens": 1000, "cost_usd": 0.00225,
    }  # fmt: skip
    assert "for $0.0022" in done.stdout
    assert "no answer: The language model's server rejected the request" in done.stdout


def test_a_price_that_nobody_knows_is_said(model_server: ModelServer, tmp_path: Path) -> None:
    done = evaluated(model_server, tmp_path / "c.jsonl", "case: another name", model="house-special")
    assert json.loads(done.stdout.splitlines()[-1])["model"]["cost_usd"] is None
    assert "at a price that nobody knows" in done.stdout


def test_a_wrong_key_ends_it_in_one_line(model_server: ModelServer, tmp_path: Path) -> None:
    done = evaluated(model_server, tmp_path / "c.jsonl", "case: bad key")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "OPENAI_API_KEY" in done.stderr
