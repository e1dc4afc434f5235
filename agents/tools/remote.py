"""Tools of MCP servers as tools of ours: reads by themselves, everything else after a person's yes."""

from typing import Any

import jsonschema
from jsonschema.protocols import Validator
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agents.equipment import Run
from agents.services.remote import RemoteTools
from agents.tools.tool import AnyTool, Done, Outcome, Shown, Tool, text_of
from core.errors import Invalid
from core.outside.remote import OfferedTool
from tasks.actions import Action, Effect

TIMEOUT_SECONDS = 120
LONGEST_DESCRIPTION = 1000


class RemoteInput(BaseModel):
    """Arguments of a tool whose form is known from its server alone."""

    model_config = ConfigDict(extra="allow")


def remote_tool(offered: OfferedTool) -> AnyTool:
    """One of our tools out of an offered one. Raises Invalid where its schema is no JSON Schema."""

    async def use(run: Run, given: RemoteInput) -> Outcome:
        service = await run.reach(RemoteTools)
        return Done(await service.call(offered, given.model_dump(mode="json")), "claimed")

    async def show(run: Run, given: RemoteInput) -> Shown:
        return Shown(
            f"Let {offered.server} do “{offered.name}”?",
            given.model_dump(mode="json"),
            f"{offered.server} describes it so: {offered.description[:LONGEST_DESCRIPTION]}",
        )

    async def action(run: Run, given: RemoteInput) -> Action:
        if offered.is_read:
            return Action(offered.full_name, Effect.QUERY, body=text_of(given))
        return Action(offered.full_name, Effect.WRITE, [offered.server], body=text_of(given))

    return Tool(
        offered.full_name,
        f"{offered.description[:LONGEST_DESCRIPTION] or offered.name} (offered by {offered.server})",
        "read" if offered.is_read else "act",
        use,
        _input_of(offered),
        show=show,
        capability=f"mcp:{offered.server}",
        needs=(RemoteTools,),
        effect=Effect.QUERY if offered.is_read else Effect.WRITE,
        action=action,
        risk="none" if offered.is_read else "medium",
        brings_untrusted=True,
        timeout_seconds=TIMEOUT_SECONDS,
    )


def _input_of(offered: OfferedTool) -> type[RemoteInput]:
    """A form that checks what the server's schema asks for, and shows that schema as its own."""
    schema = dict(offered.input_schema)
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise Invalid(f"The tool {offered.full_name} has no JSON Schema as its input", detail=error.message) from None
    validator: Validator = jsonschema.Draft202012Validator(schema)

    class Arguments(RemoteInput):
        @model_validator(mode="before")
        @classmethod
        def _as_the_server_wants(cls, data: Any) -> Any:
            problem = next(iter(sorted(validator.iter_errors(data), key=lambda e: list(e.path))), None)
            if problem is not None:
                where = ".".join(str(part) for part in problem.path)
                raise ValueError(f"{where}: {problem.message}" if where else problem.message)
            return data

        @classmethod
        def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
            return schema

    Arguments.__name__ = Arguments.__qualname__ = f"{offered.name}_input"
    return Arguments
