"""Steward as a server of the Model Context Protocol, made with the protocol's own SDK for one visit.

Whoever imports this imports the SDK: doors do so when the first request comes.
"""

import json
import logging
from functools import cache
from importlib.metadata import version
from typing import Any

import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as OfferedTool
from pydantic import ValidationError

from app._mcp.agents import CLAIM_WORK, REPORT_WORK
from app._mcp.review import LIST_REVIEW, REVIEW
from app._mcp.tasks import ADD_TASK, EXECUTE_TASK, LIST_TASKS, SHOW_TASK
from app._mcp.tool import AnyTool, Visit
from app.problems import invalid_from, told
from app.scopes import refuse_without
from app.security import refuse_unstorable
from core.errors import StewardError

log = structlog.get_logger()
# The SDK tells of every request at the level info, and the house does so itself.
logging.getLogger("mcp").setLevel(max(logging.WARNING, logging.getLogger().level))
INSTRUCTIONS = (
    "Steward is a task assistant that does the tasks. add_task takes in what the person wants, list_tasks and show_task "
    "tell how things stand, execute_task has Steward work. Nothing is sent before a person has said yes: list_review "
    "shows what waits, review takes their decision, which is theirs alone. A registered agent gets its own work by "
    "claim_work and tells of it by report_work. Errors say what was wrong and what would help."
)
TOOLS: dict[str, AnyTool] = {
    tool.name: tool
    for tool in (ADD_TASK, LIST_TASKS, SHOW_TASK, EXECUTE_TASK, LIST_REVIEW, REVIEW, CLAIM_WORK, REPORT_WORK)
}
Context = ServerRequestContext[Any, Any]


def server_for(visit: Visit) -> Server[Any]:
    """A server that offers the tools which this visit may use."""

    async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_offered(name) for name, tool in TOOLS.items() if visit.may(tool.scope)])

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        tool = TOOLS.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:80]!r}; there are {', '.join(TOOLS)}")
        return await _use(visit, tool, params.arguments or {})

    return Server(
        "steward",
        version=version("steward"),
        title="Steward",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        get_tool_input_schema=lambda name: _offered(name).input_schema if name in TOOLS else None,
    )


@cache
def _offered(name: str) -> OfferedTool:
    tool = TOOLS[name]
    return OfferedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.takes.model_json_schema(),
        output_schema=tool.gives.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(
            read_only_hint=tool.is_read,
            destructive_hint=tool.is_destructive,
            idempotent_hint=tool.is_read or tool.is_idempotent,
            open_world_hint=tool.reaches_outside,
        ),
    )


async def _use(visit: Visit, tool: AnyTool, arguments: dict[str, Any]) -> CallToolResult:
    """What the tool gives; what goes wrong with it is an answer, too, which says what and where."""
    try:
        refuse_without(visit.caller.identity.scopes, tool.scope)
        refuse_unstorable(arguments)
        given = await tool.use(visit, _read(tool, arguments))
    except StewardError as error:
        if error.status >= 500:
            await log.aerror("tool_failed", tool=tool.name, error=error.message, detail=error.detail)
        return _refusal(error)
    except Exception as error:
        await log.aerror("tool_crashed", tool=tool.name, exc_info=error)
        return _refusal(StewardError("An unexpected error; the log has it"))
    shown = given.model_dump(mode="json")
    return CallToolResult(content=[_text(shown)], structured_content=shown)


def _read(tool: AnyTool, arguments: dict[str, Any]) -> Any:
    try:
        return tool.takes.model_validate(arguments)
    except ValidationError as error:
        raise invalid_from([{**one, "loc": ("arguments", *one["loc"])} for one in error.errors()]) from error


def _refusal(error: StewardError) -> CallToolResult:
    """The problem as the API tells it, for the program; in words for the model."""
    problem = told(error)
    return CallToolResult(content=[_text(problem)], structured_content=problem, is_error=True)


def _text(value: dict[str, Any]) -> TextContent:
    return TextContent(type="text", text=json.dumps(value, ensure_ascii=False))
