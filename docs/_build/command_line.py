"""The reference of the command line: every command with its arguments, options and defaults, out of the Typer app."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, cast, get_args, get_origin

from typer.main import get_command

from cli.main import app
from docs._build.markdown import cell, code, joined, table

HEAD = """# Command reference

Every command of `steward`, as its `--help` says it; [the command line](../guide/command-line.md) tells how they are used together.
"""
MARKUP = re.compile(r"\[/?(?:bold|dim|italic|cyan|green|red|yellow)\]")


def commands() -> dict[str, Any]:
    """`"steward token create" -> command`, groups too; the program itself first."""
    found: dict[str, Any] = {}

    def walk(name: str, command: Any) -> None:
        found[name] = command
        for below, inner in cast("dict[str, Any]", getattr(command, "commands", {})).items():
            if not inner.hidden:
                walk(f"{name} {below}", inner)

    walk("steward", get_command(app))
    return found


def options(command: Any) -> list[Any]:
    """The options of a command that people may give."""
    return [one for one in command.params if one.param_type_name == "option" and not one.hidden]


def pages() -> Iterator[tuple[str, str]]:
    """The one page."""
    yield "reference/commands.md", HEAD + "\n".join(_section(name, one) for name, one in commands().items())


def _section(name: str, command: Any) -> str:
    level = "##" if len(name.split()) <= 2 else "###"
    words = (command.help or command.short_help or "").split("\f")[0].strip()
    parts = [f"{level} `{name}` {{ #{name.replace(' ', '-')} }}", MARKUP.sub("", words)]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    metavars = " ".join(_metavar(one) for one in arguments)
    below = " COMMAND" if getattr(command, "commands", None) else ""
    parts.append(f"`{' '.join(filter(None, [name, '[OPTIONS]', metavars]))}{below}`")
    if arguments:
        rows = [(code(_metavar(one)), cell(one.help or "")) for one in arguments]
        parts.append(table(["Argument", ""], rows))
    if options(command):
        rows = [(_names(one), cell(joined([_kind(one), one.help or ""])), _default(one)) for one in options(command)]
        parts.append(table(["Option", "", "default"], rows))
    return "\n\n".join(parts) + "\n"


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")


def _names(option: Any) -> str:
    return ", ".join(code(name) for name in [*option.opts, *option.secondary_opts])


def _kind(option: Any) -> str:
    if option.is_flag:
        return ""
    kind = _annotation(option.type_descriptor.annotation)
    limits = [f"from {option.min}"] * (option.min is not None) + [f"to {option.max}"] * (option.max is not None)
    return " ".join([kind, *limits]).strip()


def _annotation(kind: Any) -> str:
    """A type in the words of a person: text, number, file, or the words that are allowed."""
    words = {"str": "text", "int": "number", "float": "number", "Path": "path", "bool": "", "UUID": "id"}
    inner = [one for one in get_args(kind) if one is not type(None)]
    if get_origin(kind) is Literal:
        return " or ".join(str(one) for one in get_args(kind))
    if inner:
        return " or ".join(dict.fromkeys(_annotation(one) for one in inner))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(str(one.value) for one in kind)
    return words.get(str(getattr(cast("Any", kind), "__name__", "")), "text")


def _default(option: Any) -> str:
    value = option.default
    if callable(value) or value in (None, False, (), []) or (option.is_flag and value is not True):
        return ""
    return code(str(value)) if not isinstance(value, bool) else "on"
