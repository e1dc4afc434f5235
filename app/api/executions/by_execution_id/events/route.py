"""POST /api/executions/{execution_id}/events: what an agent reports about its work. GET: what has happened, a page or live."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import Body, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from app._agents.events import Batch, Report
from app._agents.examples import REPORTS
from app._agents.reporting import problem_of, report
from app._agents.speaking import speaking_agent
from app._executions.acting import check_execution
from app.api._answers import Listing
from app.api.events._streams import EventStream, LastEventId, begins_after, page_of_events, place
from app.dependencies import CurrentCaller
from app.problems import problem_response
from app.router import responds
from app.seen import house_of
from tasks.agent_work import ReportAnswer
from tasks.events import TaskEvent

Reported = Annotated[Report, Body(openapi_examples=cast("dict[str, Any]", REPORTS))]


class ReportAnswers(BaseModel):
    """An answer to each event, in their order."""

    items: list[ReportAnswer]


@responds(
    summary="What has happened in the execution: a page, or a live stream",
    response_model=Listing[TaskEvent],
    problems=(404,),
    also=("text/event-stream",),
)
async def get(
    request: Request,
    caller: CurrentCaller,
    execution_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**62, description="Id of the last event seen")] = 0,
    tail: Annotated[bool, Query(description="Where no id is given: begin with what happens from now on")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
    cursor: Annotated[str | None, Query(description="Of the page before, instead of after")] = None,
    accept: Annotated[str, Header()] = "",
    last_event_id: LastEventId = "",
) -> Response:
    """Events of kind `agent` say what an agent reported: data has type, agent, percent and outcome. Those of kind `offered`, what waits for one."""
    await check_execution(caller, execution_id)
    begin = await place(caller, begins_after(after, last_event_id, cursor), tail=tail and not last_event_id)
    if "text/event-stream" in accept:
        return EventStream(request, caller, execution_id, begin)
    return await page_of_events(caller, execution_id, begin, limit)


@responds(
    summary="Report one event, or up to 500 in order; each counts once, and is answered with what to do next",
    response_model=ReportAnswer | ReportAnswers,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, execution_id: UUID, body: Reported) -> Response:
    own = speaking_agent(caller)
    events, is_batch = (body.events, True) if isinstance(body, Batch) else ([body], False)
    answers = await report(house_of(request), caller, own, execution_id, events, is_batch=is_batch)
    if is_batch:
        return _json(ReportAnswers(items=answers))
    if answers[0].outcome == "refused":
        return problem_response(request, problem_of(answers[0]))
    return _json(answers[0])


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")
