"""All stages of a plan document, in the order of their groups, and which of them a level has."""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from agents.playbooks.document.stage import Level, Stage
from core.errors import Invalid

GROUPS = (
    "intake",
    "vetting",
    "classification",
    "levers",
    "scenarios",
    "context",
    "assumptions",
    "project_plan",
    "governance",
    "resources",
    "team",
    "analysis",
    "documents",
    "wbs",
    "pitch",
    "schedule",
    "review",
    "report",
)
# What tells whether the model answers at all: the way in, the gate, one question, and the report of those.
PING = ("start_time", "setup", "redline_gate", "identify_purpose", "plan_type", "report")


@cache
def stages() -> Mapping[str, Stage[Any]]:
    """Every stage by its id, each after all it depends on."""
    found: dict[str, Stage[Any]] = {}
    for group in GROUPS:
        module = importlib.import_module(f"agents.playbooks.document.{group}")
        for stage in module.STAGES:
            found[stage.id] = stage
    return {stage_id: found[stage_id] for stage_id in _in_order(found)}


def _in_order(found: Mapping[str, Stage[Any]]) -> list[str]:
    from agents.sequencer import Part, sequence

    return sequence([Part(stage.id, frozenset(stage.read_stages)) for stage in found.values()]).order


def stages_of(level: Level) -> Mapping[str, Stage[Any]]:
    """The stages that a plan of this level has."""
    if level == "ping_llm":
        return {stage_id: stage for stage_id, stage in stages().items() if stage_id in PING}
    return stages()


def stage_named(stage_id: str) -> Stage[Any]:
    """The stage. Raises Invalid that lists the known ones."""
    found = stages().get(stage_id)
    if found is None:
        known = ", ".join(stages())
        raise Invalid(f"There is no stage {stage_id!r}", errors=[{"field": "stage", "message": f"allowed: {known}"}])
    return found
