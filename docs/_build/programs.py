"""Is a command that stands in the documentation one that there is? What is wrong with it, in a line."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator
from typer.main import get_command

from cli.main import app
from core.settings import Settings, variable_name
from docs._build import openapi

ROOT = Path(__file__).parents[2]
OUR_HOSTS = {"127.0.0.1", "localhost", "steward.example.org", "steward.example.com"}
SETTING = re.compile(r"(?:STEWARD|SUPABASE|OPENAI|RESEND|TAVILY)_\w+")
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
# Variables of the client for agents' authors, of tests and of builds: no settings of the house.
OTHER_VARIABLES = {
    *("STEWARD_URL", "STEWARD_AGENT_TOKEN", "STEWARD_TEST_CHROMIUM", "STEWARD_IMAGE"),
    *("SUPABASE_ACCESS_TOKEN", "SUPABASE_DB_PASSWORD"),  # of the Supabase CLI
}
MAKE_VARIABLES = {"ARGS", "CASES", "MODEL", "PYTHON"}
# Programs of others that pages may use; of python, its modules and files are looked up.
ALLOWED = {
    *("git", "cd", "source", ".", "export", "unset", "echo", "printf", "cat", "cp", "mv", "mkdir", "rm", "ls", "ln", "chmod", "chown", "install"),
    *("tar", "gzip", "sha256sum", "openssl", "head", "tail", "grep", "sed", "tee", "sort", "jq", "sleep", "test", "set", "read", "for", "umask"),
    *("sudo", "apt", "apt-get", "pip", "npm", "npx", "systemctl", "journalctl", "useradd", "loginctl", "kill", "pg_dump", "pg_restore", "psql", "createdb"),
    *("docker", "kubectl", "kustomize", "fly", "flyctl", "railway", "supabase", "aws", "cdk", "crontab", "ssh", "scp", "rsync", "uv", "node"),
}  # fmt: skip
CURL_VALUES = {
    *("-X", "--request", "-H", "--header", "-d", "--data", "--data-binary", "--data-raw", "--json", "-o", "--output"),
    *("-u", "--user", "-m", "--max-time", "-w", "--write-out", "--retry", "-b", "-c", "-A", "-F", "--form"),
}
PATH_PART = re.compile(r"\{\w+\}")


@cache
def _targets() -> set[str]:
    found = re.search(r"^TARGETS = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return set(str(found[1]).split()) if found else set()


@cache
def settings() -> set[str]:
    """The variables of all settings, and the aliases that they take."""
    return {variable_name(field) for field in Settings.model_fields} | OTHER_VARIABLES


def wrong_command(words: Sequence[str], functions: set[str]) -> str | None:
    """What is wrong with one command; None where nothing is."""
    words = list(words)
    while words and (given := ASSIGNMENT.fullmatch(words[0])):
        if found := wrong_variable(given[1]):
            return found
        words = words[1:]
    if not words:
        return None
    program, *rest = words
    name = Path(program).name if "/" in program else program
    match name:
        case "export" | "unset":
            return next((found for one in rest if (found := wrong_variable(one.partition("=")[0]))), None)
        case "steward":
            return wrong_steward(rest)
        case "make":
            return _wrong_make(rest)
        case "curl":
            return wrong_curl(rest)
        case "python" | "python3":
            return _wrong_python(rest)
        case "sudo" | "exec":
            rest = [one for one in rest if not one.startswith("-")] if rest and rest[0].startswith("-") else rest
            return wrong_command(rest, functions) if rest and rest[0] in {"steward", "make", "curl"} else None
        case _ if name in ALLOWED or name in functions:
            return None
        case _:
            return f"{name} is no program that pages use (docs/_build/programs.py lists them)"


def wrong_variable(name: str) -> str | None:
    """A variable that looks like a setting and is none."""
    is_known = name in settings() or name.startswith("SUPABASE_AUTH_EXTERNAL_")  # those are config.toml's
    return f"there is no setting {name}" if SETTING.fullmatch(name) and not is_known else None


# Section: steward, make, python


def wrong_steward(words: Sequence[str]) -> str | None:
    """Typer itself parses the words, and runs nothing."""
    words = [word for word in words if not re.fullmatch(r"[<>]|\d?>.*|<.*", word)]
    command: Any = get_command(app)
    name, context = "steward", None
    try:
        while hasattr(command, "resolve_command"):
            context = command.make_context(name, list(words), parent=context)
            left: list[str] = [*getattr(context, "_protected_args", []), *context.args]
            if not left:
                return None
            name, command, words = command.resolve_command(context, left)
        command.make_context(name, list(words), parent=context)
    except SystemExit:
        return None  # --help, --version
    except Exception as error:
        if type(error).__name__ == "Exit":
            return None
        message = getattr(error, "message", None) or str(error)
        if "does not exist" in message and "option" not in message.casefold():
            return None  # a file that the reader has
        return f"steward {' '.join(words)}: {message or type(error).__name__}"
    return None


def _wrong_make(words: Sequence[str]) -> str | None:
    for word in words:
        given = ASSIGNMENT.fullmatch(word)
        if given and given[1] not in MAKE_VARIABLES:
            return f"make knows no variable {given[1]}"
        if not given and not word.startswith("-") and word not in _targets():
            return f"there is no target {word}"
    return None


def _wrong_python(words: Sequence[str]) -> str | None:
    if words[:1] == ["-m"] and len(words) > 1:
        module = words[1]
        known = module in {"venv", "pip", "http.server", "json.tool"} or _is_module(module)
        return None if known else f"there is no module {module}"
    if words and not words[0].startswith("-") and words[0].endswith(".py") and words[0].count("/"):
        return None if (ROOT / words[0]).exists() else f"there is no file {words[0]}"
    return None


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


# Section: requests


def wrong_curl(words: Sequence[str]) -> str | None:
    """Is there such an endpoint, with this method, these parameters of the query, and this body?"""
    method, body, address = "", None, ""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in CURL_VALUES or re.fullmatch(r"-[sfSNL]*[XdHo]", word):
            if not rest:
                return f"curl {word} lacks its value"
            value = rest.pop(0)
            if word in {"--request"} or word.endswith("X"):
                method = value
            elif word in {"--data", "--data-binary", "--data-raw", "--json"} or word.endswith("d"):
                body = value
        elif not word.startswith("-") and not re.match(r"\d?>", word):
            if address:
                return f"curl has two addresses: {address} and {word}"
            address = word
    if not address:
        return "curl has no address"
    return wrong_request(method or ("GET" if body is None else "POST"), address, body)


def wrong_request(method: str, address: str, body: str | None) -> str | None:
    """What is wrong with a request to this house; requests elsewhere are nobody's business here."""
    parts = urlsplit(re.sub(r"^\$\{?\w*(?:URL|TASKS|HOST|STEWARD|HOUSE)\w*\}?", "http://127.0.0.1:8765", address))
    if parts.scheme not in {"http", "https", "ws", ""} or (parts.netloc and (parts.hostname or "") not in OUR_HOSTS):
        return None
    if parts.port not in {None, 8765} or not parts.path.startswith(("/api/", "/healthz", "/readyz")):
        return None
    found = find_operation(method, parts.path)
    if found is None:
        return f"there is no {method} {parts.path}"
    known = {one["name"] for one in found.told.get("parameters", []) if one["in"] == "query"}
    unknown = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - known
    if unknown and known:
        return f"{method} {found.path} has no parameter {', '.join(sorted(unknown))}"
    return wrong_body(found, body) if body else None


def find_operation(method: str, path: str) -> openapi.Operation | None:
    """The operation that answers at a path; a path of words goes before one with parameters."""
    fitting = [
        one
        for one in openapi.operations()
        if one.method == method and re.fullmatch(PATH_PART.sub("[^/]+", one.path), path.rstrip("/"))
    ]
    return min(fitting, key=lambda one: one.path.count("{"), default=None)


def wrong_body(found: openapi.Operation, body: str) -> str | None:
    """Where the body does not fit the schema; `$NAME` and what begins with @ stand for something."""
    if body.startswith("@") or found.body is None:
        return None if body.startswith("@") else f"{found.method} {found.path} takes no body"
    try:
        given = json.loads(re.sub(r"\$\{?[A-Za-z_]\w*\}?", "00000000-0000-4000-8000-000000000000", body))
    except ValueError as error:
        return f"{found.method} {found.path}: the body is not JSON: {error}"
    schema = {**found.body, "components": openapi.document()["components"]}
    first = next(_errors(schema, given), None)
    return f"{found.method} {found.path}: {first}" if first else None


def _errors(schema: dict[str, Any], given: Any) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(given):  # pyright: ignore[reportUnknownMemberType]
        inner = cast("list[Any]", error.context or [])
        deepest = max(inner, key=lambda one: len(one.path), default=error)
        yield f"{'.'.join(map(str, deepest.absolute_path)) or 'body'}: {deepest.message[:200]}"
