"""The outline of a page that a model reads: Playwright's accessibility snapshot, line by line."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.outside.browser import MASK, NoSuchElement, Target

MOST_CHARACTERS = 20_000
LINE = re.compile(
    r"^\s*- '?(?P<role>[a-z]+)(?: (?P<name>\"(?:[^\"\\]|\\.)*\"|/.*/))?(?P<marks>(?: \[[^\]]*\])*)(?P<rest>'?:.*|')?$"
)
REF = re.compile(r"\[ref=((?:f\d+)?e\d+)\]")
NOISE = re.compile(r" \[cursor=pointer\]| \[active\]")
SECRET_LINE = re.compile(
    r"^(?P<head>\s*- '?(?:textbox|searchbox|spinbutton|combobox)\b.*?\[ref=[a-z0-9]+\][^:]*: )(?P<value>.*)$"
)


@dataclass(frozen=True)
class Node:
    """Something on the page that can be referred to."""

    ref: str
    role: str
    name: str
    nth: int


def nodes_of(outline: str) -> list[Node]:
    """Everything with a ref, in reading order; `nth` counts those of equal role and name from 0."""
    found: list[Node] = []
    counts: dict[tuple[str, str], int] = {}
    for line in outline.splitlines():
        # YAML puts keys with a colon into single quotes, and doubles those that are in them.
        match = LINE.match(line.replace("''", "'") if line.lstrip().startswith("- '") else line)
        ref = REF.search(match["marks"]) if match else None
        if match is None or ref is None:
            continue
        role, name = match["role"], _unquoted(match["name"])
        nth = counts.get((role, name), 0)
        counts[role, name] = nth + 1
        found.append(Node(ref[1], role, name, nth))
    return found


def find(nodes: Sequence[Node], target: Target) -> Node:
    """The one thing meant. Raises NoSuchElement that names what would do."""
    if target.ref:
        for node in nodes:
            if node.ref == target.ref:
                return node
        if not target.name:
            raise NoSuchElement(f"Nothing on the page has the reference {target.ref}", hint="Look at the page again.")
    wanted = target.name.casefold().strip()
    pool = [node for node in nodes if not target.role or node.role == target.role]
    same = [node for node in pool if node.name.casefold().strip() == wanted and (node.name or target.role)]
    if not same and wanted:
        same = [node for node in pool if wanted in node.name.casefold()]
        if len({(node.role, node.name) for node in same}) > 1:
            names = ", ".join(sorted({f'{node.role} "{node.name[:60]}"' for node in same})[:5])
            raise NoSuchElement(f"{target.in_words()} could be several things on the page: {names}")
    if not target.role and len({node.role for node in same}) > 1:
        same = [node for node in same if node.role in USABLE] or same
    if target.nth < len(same):
        return same[target.nth]
    there = ", ".join(sorted({f'{node.role} "{node.name[:40]}"' for node in pool if node.name})[:8])
    raise NoSuchElement(f"There is no {target.in_words()} on the page", hint=f"There are: {there}" if there else None)


USABLE = {
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "checkbox",
    "radio",
    "switch",
    "menuitem",
    "tab",
    "spinbutton",
}


def shown(outline: str, secrets: Sequence[str]) -> str:
    """The outline as it may be read: values of secret fields masked, noise left out, cut to a bound."""
    hidden = {form for secret in secrets for form in (secret, json.dumps(secret, ensure_ascii=False))}
    lines: list[str] = []
    for line in NOISE.sub("", outline).splitlines():
        match = SECRET_LINE.match(line)
        lines.append(match["head"] + MASK if match and match["value"].strip() in hidden else line)
    text = "\n".join(lines)
    if len(text) <= MOST_CHARACTERS:
        return text
    kept = text[:MOST_CHARACTERS].rpartition("\n")[0]
    return f"{kept}\n(cut here: the page goes on for {len(text) - len(kept)} more characters)"


def _unquoted(name: str | None) -> str:
    if not name:
        return ""
    if name.startswith('"'):
        try:
            return str(json.loads(name))
        except ValueError:
            return name.strip('"')
    return name.strip("/")
