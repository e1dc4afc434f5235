"""What an organization words itself for a kind of task. One thin typed call per SQL function.

What is built in, and what each kind is for, stands in `agents.workflows.catalog`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.database import Caller
from tasks.models import Record

LONGEST = 4_000
"""Characters of instructions that are kept, and that a model is told."""


class OwnWorkflow(Record):
    """The organization's own words for a kind. `version` follows from them; off, they are kept and told to nobody."""

    kind: str
    instructions: str
    is_active: bool = True
    version: str
    updated_at: datetime


async def list_workflows(caller: Caller) -> list[OwnWorkflow]:
    """The kinds that the organization has words of its own for, by name."""
    return [OwnWorkflow.model_validate(row) for row in await caller.call("list_workflows")]


async def save_workflow(
    caller: Caller, kind: str, changes: Mapping[str, Any], *, version: str | None = None
) -> OwnWorkflow:
    """Word what every run of a kind is told (`instructions`), or switch it (`is_active`); what is left out stays.

    `version` is the one that was looked at, "" for none: raises Conflict where another stands there now. Raises Forbidden
    for whoever is neither owner nor admin.
    """
    row = await caller.call("save_workflow", kind=kind, changes=dict(changes), version=version)
    return OwnWorkflow.model_validate(row)


async def reset_workflow(caller: Caller, kind: str, *, version: str | None = None) -> None:
    """Take the own words away: what is built in is left. Raises as `save_workflow`."""
    await caller.call("reset_workflow", kind=kind, version=version)
