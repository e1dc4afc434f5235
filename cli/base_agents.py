"""The commands base-agent and orchestrate: an agent that writes one result, and one that divides work among such agents.

They need no house: what comes out lies in a folder or a bucket. The same runs as functions of AWS (docs/guide/aws.md).
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from cli.door import DoorCommand, JsonOption, run_async
from cli.output import Output, WrongUse, one_line, plain
from core.settings import load_settings

MOST_BYTES = 5_000_000
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="The order as JSON; - reads it from stdin.")]
OutputOption = Annotated[
    str, typer.Option("--output", "-o", help="Folder, or s3://bucket/prefix, for results; unless the order names one.")
]
FunctionOption = Annotated[
    str | None, typer.Option("--function", help="Call this function of AWS Lambda instead of working here.")
]


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("base-agent", cls=DoorCommand, rich_help_panel="Agents and programs")(base_agent_command)
    app.command("orchestrate", cls=DoorCommand, rich_help_panel="Agents and programs")(orchestrate_command)


def base_agent_command(
    file: FileArgument,
    output: OutputOption = "outputs",
    function: FunctionOption = None,
    as_json: JsonOption = False,
) -> None:
    """One agent, one result: {"instructions": "...", "context": "...", "format": "markdown"}."""
    order = read_json(file)

    async def work() -> Mapping[str, Any]:
        from app.aws_lambda_agents import think_once

        if function is None:
            return await think_once(load_settings(), order, place=output)
        from integrations.aws.lambda_function import LambdaFunction

        called = LambdaFunction(function)
        try:
            return await called.call(order)
        finally:
            await called.close()

    result = run_async(work())
    out = Output(as_json)
    out.data(result)
    manifest = result["manifest"]
    if manifest["status"] == "blocked":
        out.say(Text.assemble(("Blocked: ", "yellow"), plain(str(manifest["reason"]))))
        return
    out.say(plain(str(result["text"])).rstrip(), "")
    known = " It was there already: no model was asked." if result["was_known"] else ""
    out.say(f"Written to {one_line(str(result['address']))}.{known}")


def orchestrate_command(
    file: FileArgument,
    output: OutputOption = "outputs",
    function: FunctionOption = None,
    as_json: JsonOption = False,
) -> None:
    """An objective is divided, base agents do the parts: {"objective": "...", "context": "..."}. The same again goes on."""
    objective = read_json(file)

    async def work() -> Mapping[str, Any]:
        from app.aws_lambda_agents import divide_and_call

        return await divide_and_call(load_settings(), objective, place=output, function=function)

    told = run_async(work())
    out = Output(as_json)
    out.data(told)
    for part in told["parts"]:
        mark = ("✓", "green") if part["status"] == "completed" else ("·", "yellow")
        why = f": {one_line(str(part['reason']))}" if part["reason"] else ""
        name = one_line(str(part["title"] or part["id"]))
        out.say(Text.assemble("  ", mark, f" {name} ({str(part['status']).replace('_', ' ')}){why}"))
    out.say("", f"Report: {one_line(str(told['report']))}")


def read_json(file: str) -> Mapping[str, Any]:
    """The object in a file, or on stdin for `-`. Raises WrongUse that says what is wrong with it."""
    try:
        raw = sys.stdin.buffer.read(MOST_BYTES + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise WrongUse(f"{one_line(file)!r} cannot be read", detail=error.strerror or str(error)) from error
    if len(raw) > MOST_BYTES:
        raise WrongUse(f"{one_line(file)!r} is too large", detail=f"{MOST_BYTES} bytes are taken at most")
    try:
        found: object = json.loads(raw)
    except ValueError as error:
        raise WrongUse(f"{one_line(file)!r} is no JSON", detail=str(error)) from error
    if not isinstance(found, Mapping):
        raise WrongUse(f"{one_line(file)!r} is no JSON object", hint='Write {"instructions": "..."}.')
    return cast("Mapping[str, Any]", found)
