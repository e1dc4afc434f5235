"""The command tools: what a task can have done here, what asks first, and what is missing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from cli.door import DoorCommand, JsonOption, in_house
from cli.output import Output, WrongUse, one_line

if TYPE_CHECKING:
    from agents.tools.tool import AnyTool
    from app.house import House


def register(app: typer.Typer) -> None:
    """Put this command on the command line."""
    app.command("tools", cls=DoorCommand, rich_help_panel="Agents and programs")(tools_command)


def tools_command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One tool: what it does and what it takes.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the tools that tasks can use: what each does, whether it asks first, what is missing."""

    async def action(house: "House") -> None:
        tools = await house.tools()
        providers = await house.equipment.outside.providers(house.caller)

        def missing(tool: "AnyTool") -> str | None:
            return tool.missing(lambda need: house.equipment.outside.lacks(need, providers))

        out = Output(as_json)
        if name is not None:
            if name not in tools:
                raise WrongUse(f"There is no tool {one_line(name)!r}", hint="`steward tools` lists them.")
            _show(out, tools[name], missing(tools[name]))
            return
        found = sorted(tools.values(), key=lambda tool: (tool.capability, tool.name))
        out.data([_as_json(tool, missing(tool)) for tool in found])
        _list(out, {tool.name: (tool, missing(tool)) for tool in found})

    in_house(action)


def _manner(tool: "AnyTool") -> str:
    """How much a person has to do with it."""
    if tool.asks_first:
        return "acts, asks first"
    return {"read": "reads", "act": "acts", "control": "steers"}[tool.kind]


def _as_json(tool: "AnyTool", missing: str | None) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "capability": tool.capability,
        "kind": tool.kind,
        "asks_first": tool.asks_first,
        "risk": tool.risk,
        "brings_untrusted": tool.brings_untrusted,
        "cost_usd": tool.cost_usd,
        "timeout_seconds": tool.timeout_seconds,
        "is_ready": missing is None,
        "missing": missing,
        "input_schema": tool.input.model_json_schema(),
        "output_schema": tool.output.model_json_schema() if tool.output else None,
    }


def _list(out: Output, tools: "Mapping[str, tuple[AnyTool, str | None]]") -> None:
    width = max(map(len, tools))
    before = ""
    for tool, missing in tools.values():
        if tool.capability != before:
            out.say(*([""] if before else []), Text(tool.capability, "bold"))
            before = tool.capability
        mark = ("·", "yellow") if missing else ("✓", "green")
        out.say(Text.assemble("  ", mark, f" {tool.name:<{width}}  {_manner(tool):<16}  {one_line(tool.description)}"))
        if missing:
            out.say(Text(f"    {'':<{width}}  missing: {one_line(missing)}", "dim"))
    ready = sum(missing is None for _, missing in tools.values())
    out.say("", f"{ready} of {len(tools)} tools are ready. `steward tools NAME` shows one.")


def _show(out: Output, tool: "AnyTool", missing: str | None) -> None:
    told = _as_json(tool, missing)
    out.data(told)
    out.say(Text(tool.name, "bold"), one_line(tool.description), "")
    out.say(f"  kind       {_manner(tool)}; risk: {tool.risk}")
    out.say(f"  given to   agents with the capability {tool.capability}")
    out.say(f"  missing    {missing or 'nothing'}", "", Text("Input", "bold"))
    schema: dict[str, Any] = told["input_schema"]
    required = set(schema.get("required", []))
    for field, form in schema.get("properties", {}).items():
        needed = "" if field in required else " (optional)"
        out.say(f"  {field}: {_form(form)}{needed}  {one_line(form.get('description', ''))}".rstrip())
    if not schema.get("properties"):
        out.say("  anything" if schema.get("additionalProperties", True) else "  nothing")
    output: dict[str, Any] = told["output_schema"] or {}
    given: dict[str, Any] = output.get("properties", {})
    if given:
        out.say("", Text("Result, for templates of later tasks", "bold"))
        for field, form in given.items():
            out.say(f"  {field}: {_form(form)}  {one_line(form.get('description', ''))}".rstrip())


def _form(form: dict[str, Any]) -> str:
    """The kind of a field in a word or two."""
    choices = form.get("anyOf") or form.get("oneOf")
    if choices:
        kinds = [_form(choice) for choice in choices if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds)) or "anything"
    if "enum" in form:
        return " | ".join(str(value) for value in form["enum"])
    if "$ref" in form:
        return str(form["$ref"]).rpartition("/")[2]
    kind = str(form.get("format") or form.get("type") or "anything")
    return f"list of {_form(form.get('items', {}))}" if kind == "array" else kind
