"""Every block of code that stands in the documentation, and whether it is right: parsed, compiled or run by its language."""

import ast
import asyncio
import configparser
import importlib
import json
import re
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg
import yaml

from cli.testing import node_program
from docs._build import scratch
from docs._build.programs import wrong_command, wrong_request, wrong_variable
from docs._build.shell import commands, functions

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent>[ ]*)(?P<marks>```+|~~~+)[ ]*(?P<language>[\w+-]*)(?P<rest>[^\n`]*)$")
REFUSED = re.compile(r"\s*```http\nHTTP/1\.1 4")
STRIP = "require('node:module').stripTypeScriptTypes(require('node:fs').readFileSync(process.argv[1], 'utf8'))"
RUN = "<!-- run -->"
OURS = {"app", "agents", "jobs", "integrations", "tasks", "core", "cli", "benchmarks"}
LOOKS_LIKE_A_COMMAND = re.compile(r"\s*(?:\$ |(?:steward|curl|make|pip|export|docker|kubectl|npm|npx|git clone) )")
METHOD = re.compile(r"(GET|POST|PUT|PATCH|DELETE|WS) (\S+)(?: HTTP/[\d.]+)?")
INCLUDED = {
    "yml": "yaml",
    "bash": "sh",
    "shell": "sh",
    "js": "javascript",
    "py": "python",
    "ts": "typescript",
    "jsonc": "json",
}
FREE = {
    "nginx",
    "caddyfile",
    "dockerfile",
    "css",
    "html",
    "diff",
    "markdown",
    "md",
}  # nothing here reads them: shown as they are


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language and its text without the indent."""

    page: str
    line: int
    language: str
    text: str
    runs: bool = False
    is_refused: bool = False  # a request whose answer, the block after it, is an error

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.language or 'no language'})"


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a page. One that never ends is a block up to the end of the page."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opened = FENCE.match(lines[at])
        if not opened:
            at += 1
            continue
        end = at + 1
        while end < len(lines) and lines[end].strip() != opened["marks"]:
            end += 1
        indent = len(opened["indent"])
        inner = "\n".join(line[indent:] if not line[:indent].strip() else line for line in lines[at + 1 : end])
        before = lines[at - 1].strip() if at else ""
        refused = bool(REFUSED.match("\n".join(lines[end + 1 : end + 5])))
        yield Block(page, at + 1, opened["language"], inner + "\n", runs=before == RUN, is_refused=refused)
        at = end + 1


def written_pages() -> list[Path]:
    """The README and every page of docs that a person wrote, and the beginnings of the generated ones."""
    named = [ROOT / name for name in ("README.md", "CONTRIBUTING.md") if (ROOT / name).exists()]
    return named + sorted((ROOT / "docs").rglob("*.md"))


def written_blocks() -> list[Block]:
    """Every block of `written_pages`."""
    return [one for page in written_pages() for one in blocks_of(str(page.relative_to(ROOT)), page.read_text())]


@dataclass
class Checker:
    """Says what is wrong with blocks. Functions that a page's shell defines are known from there on."""

    _functions: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def check_all(self, blocks: Sequence[Block]) -> list[str]:
        """One line for each block that is wrong. Not from within a running event loop."""
        found = [f"{one}: {wrong}" for one in blocks if (wrong := self.wrong(one))]
        scripts = [one for one in blocks if language_of(one) in {"javascript", "typescript"}]
        return found + asyncio.run(_wrong_scripts(scripts))

    def wrong(self, block: Block) -> str | None:
        """What is wrong with a block; None where nothing is. Scripts of Node are looked at together."""
        try:
            return self._wrong(block)
        except (ValueError, SyntaxError, yaml.YAMLError, configparser.Error, ImportError, psycopg.Error) as error:
            return " ".join(str(error).split())

    def _wrong(self, block: Block) -> str | None:
        language = language_of(block)
        match language:
            case "sh" | "console":
                return self._wrong_shell(block)
            case "python":
                return _wrong_python(block)
            case "json":
                json.loads(block.text)
            case "yaml":
                list(yaml.safe_load_all(block.text))
            case "toml":
                tomllib.loads(block.text)
            case "ini":
                parser = configparser.ConfigParser(strict=False, interpolation=None)
                parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
                parser.read_string(block.text)
            case "env":
                names = [
                    line.partition("=")[0].strip()
                    for line in block.text.splitlines()
                    if line.strip()[:1] not in {"", "#"}
                ]
                return next((found for name in names if (found := wrong_variable(name))), None)
            case "sql":
                _run_sql(block.text)
            case "http":
                return _wrong_http(block)
            case "text":
                looks = next((line for line in block.text.splitlines() if LOOKS_LIKE_A_COMMAND.match(line)), None)
                return f"a command in a block of output: {looks.strip()}" if looks else None
            case "javascript" | "typescript":
                return None
            case _ if language in FREE:
                return None
            case _:
                return (
                    f"a block of {language!r} is not known"
                    if language
                    else "the block does not say its language (text, sh, ...)"
                )
        return None

    def _wrong_shell(self, block: Block) -> str | None:
        known = self._functions.setdefault(block.page, set())
        text = block.text
        if language_of(block) == "console":
            text = _typed(text)
            if not text.strip():
                return "a console shows what is typed after `$ `; there is nothing"
        known |= functions(text)
        found = (wrong_command(_body(words), known) for words in commands(text))
        return next((one for one in found if one), None)


def _body(words: list[str]) -> list[str]:
    """The command; of a function that is defined, the first one in it."""
    return [word for word in words[1:] if word != "{"] if words[0].endswith("()") else words


def language_of(block: Block) -> str:
    """The language under its one name."""
    return INCLUDED.get(block.language, block.language)


def _typed(text: str) -> str:
    """What a person typed in a transcript: lines after `$ `, and those that they go on in."""
    kept: list[str] = []
    goes_on = False
    for line in text.splitlines():
        if line.startswith("$ ") or goes_on:
            kept.append(line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(kept)


def _wrong_python(block: Block) -> str | None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        names: list[tuple[str, list[str]]] = []
        if isinstance(node, ast.Import):
            names = [(one.name, []) for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [(node.module, [one.name for one in node.names])]
        for module, wanted in names:
            if found := _wrong_import(module, wanted):
                return found
    return _run(block, tree) if block.runs else None


def _run(block: Block, tree: ast.Module) -> str | None:
    try:
        exec(compile(tree, f"{block.page}:{block.line}", "exec"), {"__name__": "docs"})  # noqa: S102 - our own page says so  # nosec B102
    except Exception as error:
        return f"it runs into {type(error).__name__}: {error}"
    return None


def _wrong_import(module: str, wanted: Sequence[str]) -> str | None:
    top = module.partition(".")[0]
    if top in {"steward_agent", *(path.stem for path in (ROOT / "docs" / "agents" / "examples").glob("*.py"))}:
        return None  # a file that lies beside the reader's program
    if top in OURS:
        loaded = importlib.import_module(module)
        missing = [name for name in wanted if not hasattr(loaded, name) and not _is_module(f"{module}.{name}")]
        return f"{module} has no {', '.join(missing)}" if missing else None
    return None if find_spec(top) else f"there is no module {module}"


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _run_sql(text: str) -> None:
    """Run it on a database of this version, and take it back."""
    with psycopg.connect(scratch.database_url()) as connection:
        try:
            connection.execute(text.encode())
        finally:
            connection.rollback()


def _wrong_http(block: Block) -> str | None:
    head, _, body = block.text.partition("\n\n")
    first, *rest = head.splitlines()
    if first.startswith("HTTP/"):
        if body.strip() and "json" in head.casefold():
            json.loads(body)
        return None
    found = METHOD.fullmatch(first.strip())
    if not found:
        return f"not a request, nor an answer: {first}"
    if found[1] == "WS":
        return None
    if not body and rest and rest[0].startswith(("{", "[")):
        body = "\n".join(rest)
    return wrong_request(found[1], found[2], (not block.is_refused and body.strip()) or None)


async def _wrong_scripts(blocks: Sequence[Block]) -> list[str]:
    """Node reads all of them, side by side."""

    async def look(block: Block, folder: Path, number: int) -> str | None:
        file = folder / f"{number}.mjs"
        file.write_text(block.text)
        how = ["--check"] if language_of(block) == "javascript" else ["--no-warnings", "-e", STRIP]
        process = await asyncio.create_subprocess_exec(
            str(node_program()), *how, str(file), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        error = next((line for line in said.decode().splitlines() if "Error" in line), "it is not a script")
        return f"{block}: {error}" if process.returncode else None

    with tempfile.TemporaryDirectory() as folder:
        found = await asyncio.gather(*(look(one, Path(folder), number) for number, one in enumerate(blocks)))
    return [one for one in found if one]
