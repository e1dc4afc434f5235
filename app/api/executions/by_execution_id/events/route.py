"""POST /api/executions/{execution_id}/events: what an agent reports about its work."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from app._agents.events import Batch, Report
from app._agents.reporting import problem_of, report
from app._agents.speaking import speaking_agent
from app.dependencies import CurrentCaller
from app.problems import problem_response
from app.router import responds
from tasks.agents import ReportAnswer


class ReportAnswers(BaseModel):
    """An answer to each event, in their order."""

    items: list[ReportAnswer]


@responds(
    summary="Report one event, or up to 500 in order; each counts once, and is answered with what to do next",
    response_model=ReportAnswer | ReportAnswers,
    problems=(404,),
)
async def post(request: Request, caller: CurrentCaller, execution_id: UUID, body: Report) -> Response:
    own = speaking_agent(caller)
    events, is_batch = (body.events, True) if isinstance(body, Batch) else ([body], False)
    answers = await report(request.app.state.house, caller, own, execution_id, events, is_batch=is_batch)
    if is_batch:
        return _json(ReportAnswers(items=answers))
    if answers[0].outcome == "refused":
        return problem_response(request, problem_of(answers[0]))
    return _json(answers[0])


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")
