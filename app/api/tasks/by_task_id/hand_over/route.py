"""POST /api/tasks/{task_id}/hand-over."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.dependencies import CurrentCaller
from app.router import responds
from tasks.agent_work import hand_to_agent
from tasks.functions import queue_task_execution

Capability = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class HandOver(BaseModel):
    """Which outside agent is to do it: the one named, or any that can all of this; neither: any at all."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(default="", max_length=200, description="Name or id", examples=["Larry"])
    capabilities: list[Capability] = Field(default_factory=list[str], max_length=50, examples=[["prospecting"]])
    instructions: str = Field(default="", max_length=20_000, description="What the agent is told beside the task")
    input: dict[str, Any] | None = Field(
        default=None,
        description="What the agent gets as its input; absent, what is there stays",
        examples=[{"city": "Ghent"}],
    )
    execute: bool = Field(default=True, description="Offer it at once; else when the task is executed")


class HandedOver(BaseModel):
    """The tasks that were handed over: the task itself, or the parts of it that are no person's."""

    task_ids: list[UUID]


@responds(
    summary="Have outside agents do a task, or what is left of a plan", response_model=HandedOver, problems=(404, 409)
)
async def post(caller: CurrentCaller, task_id: UUID, body: HandOver) -> HandedOver:
    """Of a task with parts, those that have not begun, have no tool and are not manual; they are offered as their turn comes."""
    ids = await hand_to_agent(
        caller,
        task_id,
        whom=body.agent,
        capabilities=body.capabilities,
        instructions=body.instructions,
        input=body.input,
    )
    if body.execute and ids == [task_id]:
        await queue_task_execution(caller, task_id)
    return HandedOver(task_ids=ids)
