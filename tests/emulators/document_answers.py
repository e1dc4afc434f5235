"""A model that writes a plan document: the authored answers of `tests/data/document` as fixtures of the model server.

Each file is a stage: {part, form, good, bad, says} for each form that is asked for; a good answer to questions with parts is
given to every part that begins with its `part`.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).parents[1] / "data" / "document"
PROMPT = (
    "Open a community bicycle repair workshop in Ghent: residents repair bicycles themselves with tools and help. "
    "40,000 euros, nine months, two paid staff and volunteers, run as a non-profit."
)
USAGE = {"prompt_tokens": 900, "completion_tokens": 300, "total_tokens": 1200}


def answers_of(stage_id: str) -> list[dict[str, Any]]:
    """The authored answers of a stage, those for parts with longer names first."""
    entries: list[dict[str, Any]] = json.loads((ANSWERS / f"{stage_id}.json").read_text(encoding="utf-8"))
    return sorted(entries, key=lambda entry: -len(entry["part"]))


def write_fixtures(
    path: Path,
    *,
    bad: Collection[str] = (),
    refused: bool = False,
    latency_ms: int = 0,
    instead: dict[str, Any] | None = None,
) -> Path:
    """The fixtures as a file: good answers, bad ones for the stages of `bad`, a redline gate that refuses where wanted.

    `latency_ms` is before the first byte of each answer. `instead`: other answers of stages, whole.
    """
    fixtures: list[dict[str, Any]] = []
    for file in sorted(ANSWERS.glob("*.json")):
        for entry in answers_of(file.stem):
            answer = entry["bad" if file.stem in bad else "good"]
            if file.stem == "redline_gate" and refused:
                answer = REFUSAL
            answer = (instead or {}).get(file.stem, answer)
            said = f"Section: [{file.stem}]" + (f" part [{entry['part']}" if entry["part"] else "")
            calls = [{"name": entry["form"].lower(), "arguments": answer}]
            fixture: dict[str, Any] = {"match": {"userMessage": said}, "response": {"toolCalls": calls, "usage": USAGE}}
            if latency_ms:
                fixture["streamingProfile"] = {"ttft": latency_ms, "tps": 1_000_000}
                fixture["latency"] = 0
            fixtures.append(fixture)
    path.write_text(json.dumps({"fixtures": fixtures}), encoding="utf-8")
    return path


REFUSAL = {
    "verdict": "refuse",
    "rationale_short": "The description asks how to pick locks of other people's bicycles, which helps with theft.",
    "framing": "",
    "violation_category": "theft",
    "violation_claim": "It asks for ways into locks that belong to others.",
    "violation_capability_uplift": "yes",
    "violation_severity": "high",
}
