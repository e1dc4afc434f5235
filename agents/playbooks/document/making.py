"""A plan document before it is written: its root, and a task for each stage of the level."""

from collections.abc import Mapping
from typing import Any

from agents.playbooks.document.catalog import stages, stages_of
from agents.playbooks.document.stage import Level, Stage

LONGEST_TITLE = 120
MOST_RETRIES = 2
STOPPING = {"redline_gate", "setup"}  # without these nothing of the plan is worth writing
# (calls of a model, their cost in US dollars) that a plan of the level may use, a few reruns included.
USES: Mapping[Level, tuple[int, float]] = {
    "ping_llm": (50, 1),
    "fast_but_skip_details": (1_000, 10),
    "balanced_speed_and_detail": (3_000, 25),
    "all_details_but_slow": (10_000, 100),
}


def document_plan(
    prompt: str,
    level: Level,
    llm_model: str | None = None,
    *,
    starts_by_itself: bool = True,
    timezone: str = "UTC",
) -> dict[str, Any]:
    """The plan as `tasks.plans.create_plan` takes it."""
    model_calls, cost_usd = USES[level]
    return {
        "kind": "document",
        "title": title_of(prompt),
        "description": prompt,
        "request": {"prompt": prompt, "speed_vs_detail": level, "llm_model": llm_model, "timezone": timezone},
        "starts_by_itself": starts_by_itself,
        "bounds": {
            "max_children": 1_000,  # a rerun adds rows
            "max_tasks": 2_000,
            "max_model_calls": model_calls,
            "max_cost_usd": cost_usd,
        },
        "tasks": stage_tasks(level),
    }


def stage_tasks(level: Level) -> list[dict[str, Any]]:
    """A task for each stage that the level has, each after all it waits for."""
    wanted = stages_of(level)
    return [_task(stage, before(stage.id, wanted)) for stage in wanted.values()]


def before(stage_id: str, wanted: Mapping[str, Stage[Any]]) -> list[str]:
    """Which of the wanted stages a stage waits for: those that it depends on, and in place of one that is not wanted

    those that this one would have waited for.
    """
    found: dict[str, None] = {}
    looked_at: set[str] = set()
    waiting = list(reversed(stages()[stage_id].depends_on))
    while waiting:
        name = waiting.pop()
        if name in looked_at:
            continue
        looked_at.add(name)
        if name in wanted:
            found[name] = None
        else:
            waiting += reversed(stages()[name].depends_on)
    return list(found)


def title_of(text: str) -> str:
    """The first line of a text, cut off at a word where it is long."""
    first = next((" ".join(line.split()) for line in text.splitlines() if line.strip()), "Plan").lstrip("# ") or "Plan"
    if len(first) <= LONGEST_TITLE:
        return first
    cut = first[:LONGEST_TITLE]
    return f"{cut.rpartition(' ')[0] or cut}…"


def _task(stage: Stage[Any], depends_on: list[str]) -> dict[str, Any]:
    return {
        "key": stage.id,
        "title": stage.title,
        "description": stage.purpose,
        "kind": "document",
        "execution_type": "fully_automated",
        "source": "plan",
        "tool": "plan_stage",
        "tool_input": {"stage": stage.id},
        "depends_on": depends_on,
        "on_failure": "stop" if stage.id in STOPPING else "escalate",
        "estimated_duration_minutes": max(1, round(stage.minutes)),
        "max_retries": MOST_RETRIES,
    }
