"""`make eval`: how well tasks are found in what people write.

    make eval                       both sets of tests/data/eval, by the built-in rules
    make eval CASES=file.jsonl      another file of the same shape
    make eval MODEL=gpt-5-mini      by a model (OPENAI_API_KEY or OPENAI_BASE_URL)

A case is right when the number of tasks and every scored key of each expected task are right. Ends with one line of JSON.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agents.extractor import extract
from agents.thinking import Thinking
from core.settings import load_settings
from tasks.models import ExtractedTask

DATA = Path(__file__).parent.parent / "tests" / "data" / "eval"


def read_cases(path: Path) -> list[dict[str, Any]]:
    """The cases of a file; exits with one line that names file and line when one is malformed."""
    cases: list[dict[str, Any]] = []
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        sys.exit(f"error: {path}: {error.strerror}")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = json.loads(line)
            datetime.fromisoformat(case["now"]).astimezone(ZoneInfo(case["timezone"]))
            cases.append(
                {
                    **case,
                    "id": str(case.get("id", number)),
                    "message": str(case["message"]),
                    "expect": list(case["expect"]),
                }
            )
        except (ValueError, KeyError, TypeError) as error:
            sys.exit(f"error: {path}, line {number}: {error!r}")
    return cases


def misses(expected: list[Mapping[str, Any]], found: list[ExtractedTask], zone: ZoneInfo) -> list[str]:
    """What is wrong with the answer, a line each; empty when the case is right."""
    wrong = [f"expected {len(expected)} tasks, got {len(found)}"] if len(expected) != len(found) else []
    for number, (want, got) in enumerate(zip(expected, found, strict=False), 1):
        for word in want.get("title_words", []):
            if word.casefold() not in got.title.casefold():
                wrong.append(f"task {number}: title {got.title!r} lacks {word!r}")
        due = got.due_at.astimezone(zone).date().isoformat() if got.due_at else None
        actual = {
            "execution_type": got.execution_type,
            "due_date": due,
            "priority": got.priority,
            "recipient": got.recipient,
        }
        for key, value in actual.items():
            if key in want and want[key] != value:
                wrong.append(f"task {number}: {key} is {value!r}, expected {want[key]!r}")
    return wrong


async def score(path: Path, thinking: Thinking) -> dict[str, Any]:
    """Run the cases of one file and print each miss."""
    cases = read_cases(path)
    right = invented = 0
    for case in cases:
        zone = ZoneInfo(case["timezone"])
        now = datetime.fromisoformat(case["now"]).astimezone(zone)
        answer = await extract(case["message"], now=now, thinking=thinking)
        wrong = misses(case["expect"], answer.tasks, zone)
        invented += max(0, len(answer.tasks) - len(case["expect"]))
        right += not wrong
        if wrong:
            print(f"{case['id']}: {case['message']!r}")
            for line in [
                *wrong,
                *(f"got: {t.title!r} {t.execution_type} {t.due_at} {t.recipient}" for t in answer.tasks),
            ]:
                print(f"    {line}")
    print(f"{path.name}: {right} of {len(cases)} right, {invented} invented, by {thinking.name}")
    return {
        "cases": len(cases),
        "right": right,
        "share_right": round(right / len(cases), 3) if cases else 0.0,
        "invented": invented,
    }


async def main() -> None:
    model = os.environ.get("MODEL")
    settings = load_settings()
    if model:
        settings = settings.model_copy(update={"model": model})
        if not settings.has_model:
            sys.exit("error: MODEL needs OPENAI_API_KEY or OPENAI_BASE_URL")
    thinking = Thinking.from_settings(settings) if model else Thinking()
    cases = os.environ.get("CASES")
    if cases:
        print(json.dumps(await score(Path(cases), thinking)))
        return
    given = await score(DATA / "chat_extraction.jsonl", thinking)
    print(json.dumps({**given, "paraphrases": await score(DATA / "paraphrases.jsonl", thinking)}))


if __name__ == "__main__":
    asyncio.run(main())
