r"""Inputs of tools that name outputs of earlier tasks: `{{ task.field }}`.

`task` is the key of a task that is over before this one starts (or its title as one word), `field` a path into what it
gave: names and positions, like `{{ search.results.0.url }}`. `{{ task.output }}` is all of it. A value that is nothing
but a template keeps its type; inside other text it becomes text. What is put in is never read again for templates, and
nothing is computed. `\{{` is two braces. Names are checked by the database as a tree is made, fields by `check_tree`
where the tool says what it gives, and both again before a run.

What comes out of an untrusted output stays marked: `Filled.untrusted` names each place of the input that others wrote,
through any number of tasks in between, and an event of the task keeps it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import orjson

from agents.equipment import Run
from agents.tools.tool import AnyTool
from core.errors import Invalid
from tasks.events import add_task_event
from tasks.plan_tools import Earlier, list_outputs_before

TEMPLATE = re.compile(r"(\\?)\{\{((?:(?!\}\}).)*)\}\}|(\\?)\{\{", re.DOTALL)
WORD = r"[^\s.{}\[\]()|+*/=<>!?,;:#%&^'\"\\]+"
REFERENCE = re.compile(rf"\s*({WORD})((?:\.{WORD}|\[\d{{1,6}}\])*)\s*")
STEP = re.compile(WORD)
SIGNS = re.compile(r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
MOST_CHARACTERS = 1_000_000
OUTSIDE_SOURCES = {"mail", "slack", "calendar"}
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Reference:
    """What a template names: a task, and a path into its output. `said` is the template as it stands."""

    said: str
    name: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Filled:
    """An input with its templates filled in. `untrusted`: place in the input -> title of the task it came from."""

    given: Mapping[str, Any]
    untrusted: Mapping[str, str] = field(default_factory=dict[str, str])
    sources: Mapping[str, str] = field(default_factory=dict[str, str])


async def resolved_input(run: Run) -> Mapping[str, Any]:
    """The task's `tool_input` with every template filled in. Raises Invalid that names the template and what is there."""
    filled = await filled_input(run)
    if filled.sources:
        outside = sorted(set(filled.untrusted.values()))
        message = "Its input comes from " + ", ".join(sorted(set(filled.sources.values())))
        message += f"; written by others: {', '.join(outside)}" if outside else ""
        data = {"from": dict(filled.sources), "untrusted": sorted(filled.untrusted)}
        await add_task_event(run.caller, run.task.id, "input", message, data)
    return filled.given


async def filled_input(run: Run) -> Filled:
    """The task's input, filled in, and where each part of it came from."""
    raw = run.task.tool_input
    if not any("{{" in text for _, text in strings(raw)):
        return Filled(raw)
    before = await list_outputs_before(run.caller, run.task.id)
    return fill(raw, before, run.equipment.tools)


def fill(raw: Mapping[str, Any], before: Sequence[Earlier], tools: Mapping[str, AnyTool]) -> Filled:
    """The input with its templates filled in. Raises Invalid; the whole has at most 1,000,000 characters."""
    untrusted = untrusted_tasks(before, tools)
    marks: dict[str, str] = {}
    sources: dict[str, str] = {}
    size = 0

    def value_of(place: str, reference: Reference) -> Any:
        nonlocal size
        task = _named(reference, before)
        value = _looked_up(reference, task)
        size += len(value) if isinstance(value, str) else len(orjson.dumps(value))
        if size > MOST_CHARACTERS:
            raise Invalid(
                f"The input with all that is filled in has more than {MOST_CHARACTERS} characters", detail=place
            )
        sources[place] = task.title
        if task.id in untrusted:
            marks[place] = task.title
        return value

    given = _filled(raw, "", value_of)
    return Filled(cast("Mapping[str, Any]", given), marks, sources)


def _filled(value: Any, place: str, value_of: Callable[[str, Reference], Any]) -> Any:
    match value:
        case str():
            return _filled_text(value, place, value_of)
        case dict():
            items = cast("dict[str, Any]", value).items()
            return {key: _filled(inner, f"{place}.{key}".lstrip("."), value_of) for key, inner in items}
        case list():
            inner_values = enumerate(cast("list[Any]", value))
            return [_filled(inner, f"{place}.{index}".lstrip("."), value_of) for index, inner in inner_values]
        case _:
            return value


def _filled_text(text: str, place: str, value_of: Callable[[str, Reference], Any]) -> Any:
    whole = TEMPLATE.fullmatch(text.strip())
    if whole and not whole[1] and whole[2] is not None:
        return value_of(place, reference_in(whole[2]))

    def piece(match: re.Match[str]) -> str:
        if match[1] or match[3]:
            return match[0][1:]
        if match[2] is None:
            raise Invalid(
                f"A template in {place} is not closed", detail=match.string[match.start() : match.start() + 100]
            )
        reference = reference_in(match[2])
        value = value_of(place, reference)
        if value is None:
            raise Invalid(f"{reference.said} is null and cannot stand inside a text", detail=place)
        return value if isinstance(value, str) else orjson.dumps(value).decode()

    return TEMPLATE.sub(piece, text)


def reference_in(inner: str) -> Reference:
    """What stands between the braces. Raises Invalid: a key or title, then names or positions, nothing else."""
    said = f"{{{{{inner[:200]}}}}}"
    match = REFERENCE.fullmatch(inner)
    if match is None:
        raise Invalid(f"The template {said} cannot be read", detail="allowed is {{ task.field }}, nothing is computed")
    return Reference(said, match[1], tuple(STEP.findall(match[2])) or ("output",))


def _named(reference: Reference, before: Sequence[Earlier]) -> Earlier:
    found = [task for task in before if reference.name in task.names]
    if len(found) > 1:
        raise Invalid(f"{reference.said} could be any of several tasks", detail=", ".join(t.title for t in found))
    if not found:
        known = ", ".join(sorted({name for task in before for name in task.names})[:20]) or "none"
        raise Invalid(f"{reference.said} names no task that this one depends on", detail=f"it depends on: {known}")
    if found[0].is_waived or found[0].execution_status != "completed":
        raise Invalid(f"{reference.said}: {found[0].title} gave nothing, the plan went on without it")
    return found[0]


def _looked_up(reference: Reference, task: Earlier) -> Any:
    result = cast("Mapping[str, Any]", task.result) if isinstance(task.result, Mapping) else {"output": task.result}
    output = result.get("output")
    roots: list[Any] = [output, result] if isinstance(output, dict | list) else [result]
    for root in roots:
        value: Any = root
        for step in reference.path:
            if isinstance(value, Mapping) and step in value:
                value = cast("Mapping[str, Any]", value)[step]
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(cast("list[Any]", value)):
                value = cast("list[Any]", value)[int(step)]
            else:
                break
        else:
            return value
    raise Invalid(
        f"{reference.said}: {task.title} gave no field {'.'.join(reference.path)!r}",
        detail=f"it has: {_parts(roots[0])}",
    )


def _parts(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(list(cast("Mapping[str, Any]", value))[:30]) or "no field"
    if isinstance(value, list):
        return f"a list of {len(cast('list[Any]', value))}"
    return "no fields"


def untrusted_tasks(before: Sequence[Earlier], tools: Mapping[str, AnyTool]) -> set[UUID]:
    """Those whose output others may have written: by their tool, by where they came from, or by what they worked on."""
    found: set[UUID] = set()
    for task in sorted(before, key=lambda one: len(one.after)):  # what came earlier has less before it
        tool = tools.get(task.tool or "")
        says_so = isinstance(task.result, Mapping) and bool(cast("Mapping[str, Any]", task.result).get("untrusted"))
        fed = task.tool is None or any("{{" in text for _, text in strings(task.tool_input))
        brings = tool is not None and tool.brings_untrusted
        if brings or says_so or task.source in OUTSIDE_SOURCES or (fed and not found.isdisjoint(task.after)):
            found.add(task.id)
    return found


def strings(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, with its place."""
    waiting: list[tuple[str, Any]] = [(place, value)]
    while waiting:
        where, one = waiting.pop()
        if isinstance(one, str):
            yield where, one
        elif isinstance(one, Mapping):
            items = cast("Mapping[str, Any]", one).items()
            waiting += [(f"{where}.{key}".lstrip("."), inner) for key, inner in items]
        elif isinstance(one, list):
            waiting += [(f"{where}.{index}".lstrip("."), inner) for index, inner in enumerate(cast("list[Any]", one))]


def slug(words: str) -> str:
    """A title as one word; the same as `private.slug` of the database."""
    return SIGNS.sub("_", words.translate(_ASCII_LOWER)).strip("_")


def check_tree(tree: Mapping[str, Any], tools: Mapping[str, AnyTool]) -> None:
    """Raises Invalid for a template that cannot be read, or names a field which the task's tool never gives.

    Whether the named task is there and over before is the database's to check, as it makes the tree.
    """
    nodes = list(_nodes(tree))
    given: dict[str, AnyTool | None] = {}
    for node in nodes:
        tool = None if node.get("children") else tools.get(str(node.get("tool") or ""))
        for name in {str(node.get("key") or ""), slug(str(node.get("key") or "")), slug(str(node.get("title") or ""))}:
            given[name] = None if name in given else tool
    for node in nodes:
        for place, text in strings(node.get("tool_input") or {}):
            for match in TEMPLATE.finditer(text):
                if match[1] or match[3]:
                    continue
                if match[2] is None:
                    raise Invalid(f"A template in {place} of {node.get('title')} is not closed", detail=text[:100])
                _check_field(reference_in(match[2]), given, str(node.get("title")))


def _check_field(reference: Reference, given: Mapping[str, AnyTool | None], title: str) -> None:
    tool = given.get(reference.name)
    if tool is None or tool.output is None or reference.path[0] == "output":
        return
    schema = tool.output.model_json_schema(mode="serialization")
    if not _has(schema, reference.path, schema.get("$defs", {})):
        known = ", ".join(schema.get("properties", {}))
        raise Invalid(
            f"{title} uses {reference.said}, and {tool.name} gives no field {'.'.join(reference.path)!r}",
            detail=f"it gives: {known}",
        )


def _nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        children: object = node.get("children")
        if isinstance(children, list):
            waiting += [c for c in cast("list[Any]", children) if isinstance(c, Mapping)]


def _has(schema: Mapping[str, Any], path: Sequence[str], defs: Mapping[str, Any]) -> bool:
    """May a value of this JSON Schema have something at this path?"""
    if not path:
        return True
    if "$ref" in schema:
        return _has(defs.get(str(schema["$ref"]).rpartition("/")[2], {}), path, defs)
    branches: list[Mapping[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or []
    if branches:
        return any(_has(branch, path, defs) for branch in branches)
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        return path[0].isdecimal() and (
            not isinstance(items, Mapping) or _has(cast("Mapping[str, Any]", items), path[1:], defs)
        )
    if kind == "object":
        properties: Mapping[str, Any] = schema.get("properties", {})
        if path[0] in properties:
            return _has(properties[path[0]], path[1:], defs)
        more = schema.get("additionalProperties", not properties)
        return _has(cast("Mapping[str, Any]", more), path[1:], defs) if isinstance(more, Mapping) else bool(more)
    return kind is None
