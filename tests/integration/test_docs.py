"""The documentation says what there is: a setting, command, option, page, endpoint, event, tool, problem or reason that
nobody wrote about fails here, and so does an example that would not work."""

import ast
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import get_args

import httpx
import psycopg
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute

from agents.tools.built_in import BUILT_IN_TOOLS
from app.house import House
from app.main import create_app
from app.router import build_router
from core.keys import Keys
from core.settings import Settings, variable_name
from docs._build import drawings, generated, openapi, scratch
from docs._build.blocks import Block, Checker, blocks_of, written_blocks, written_pages
from docs._build.command_line import commands, options
from tasks import drafts, models
from tests.one_router import share_routes

share_routes()
ROOT = Path(__file__).parents[2]
WRITTEN = {str(page.relative_to(ROOT)): page.read_text() for page in written_pages()}
GUIDES = "\n".join(
    text for name, text in WRITTEN.items() if name.startswith(("docs/guide", "docs/agents", "docs/start"))
)
MACHINE = re.compile(r"/(?:work|Users)/\w|/tmp/(?!steward\b)\w+\d")
REGISTRIES = re.compile(
    r"\b(?:pypi\.org|files\.pythonhosted|registry\.npmjs|artifactory|nexus\.|/simple/)\b", re.IGNORECASE
)


@pytest.fixture
def made(database_url: str) -> dict[str, str]:
    """The generated pages, out of this test's database."""
    scratch.use(database_url)
    return dict(generated.generated_pages())


def lacking(names: set[str], text: str) -> set[str]:
    """The names that the text does not have as words of their own."""
    return {name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)}


def test_what_there_is_is_documented(made: dict[str, str], database_url: str) -> None:
    everything = "\n".join([*WRITTEN.values(), *made.values()])
    assert (
        lacking({variable_name(field) for field in Settings.model_fields}, WRITTEN["docs/guide/settings.md"]) == set()
    )
    assert lacking(set(BUILT_IN_TOOLS), GUIDES) == set(), "a tool that no guide names"
    assert lacking(event_kinds(database_url), WRITTEN["docs/reference/events.md"]) == set()
    states = WRITTEN["docs/concepts/states.md"]
    for words in (models.BlockedOn, models.ExecutionStatus, drafts.DraftState, drafts.ApprovalState):
        assert {word for word in get_args(words) if f"`{word}`" not in states} == set()
    assert lacking(problems_named_in_code(), made["reference/problems.md"]) == set()
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace"
            " union select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')"
        ).fetchall()
    assert lacking({str(row[0]) for row in found}, everything) == set()


def test_every_command_and_option_is_documented(made: dict[str, str]) -> None:
    reference = made["reference/commands.md"]
    for name, command in commands().items():
        _, _, section = reference.partition(f"`{name}` {{ #")
        section = section.split("\n## ")[0].split("\n### ")[0]
        assert section, name
        names = {option for one in options(command) for option in [*one.opts, *one.secondary_opts]}
        assert {option for option in names if f"`{option}`" not in section} == set(), name
        assert command.help, f"{name} says nothing"
        assert all(one.help for one in command.params), f"{name}: an option or argument says nothing"


def test_every_endpoint_and_page_is_documented(made: dict[str, str]) -> None:
    for one in openapi.operations():
        page = made[f"reference/api/{'health' if one.tag in {'healthz', 'readyz'} else one.tag}.md"]
        assert f"`{one.method} {one.path}`" in page, one
        assert one.told.get("summary"), f"{one.method} {one.path} says nothing"
    pages = WRITTEN["docs/reference/pages.md"]
    for route in build_router(ROOT / "app", "app").routes:
        path = re.sub(r":\w+(?=})", "", getattr(route, "path", ""))
        if isinstance(route, APIWebSocketRoute) or (
            isinstance(route, APIRoute) and not route.include_in_schema and "GET" in (route.methods or ())
        ):
            assert f"`{path}`" in pages, f"docs/reference/pages.md does not name {path}"


def event_kinds(database_url: str) -> set[str]:
    """The kinds that functions of the database record, and those that runs add."""
    call = re.compile(r"record_(?:agent_)?event\([^;']*'([a-z_]+)'")
    with psycopg.connect(database_url) as connection:
        sources = connection.execute("select prosrc from pg_proc where prosrc like '%record_%event(%'").fetchall()
    kinds = {kind for (source,) in sources for kind in call.findall(str(source))}
    for file in [*(ROOT / "agents").rglob("*.py"), *(ROOT / "jobs").rglob("*.py"), *(ROOT / "app").rglob("*.py")]:
        text = file.read_text()
        if "add_task_event" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("add_task_event"):
                    assert isinstance(node.args[2], ast.Constant), f"{file}: the kind of an event is a word"
                    kinds.add(str(node.args[2].value))
    assert len(kinds) > 15
    return kinds


def problems_named_in_code() -> set[str]:
    """Types that classes of errors have, and those that are written out."""
    folders = ("app", "core", "cli", "jobs", "agents", "tasks", "integrations")
    sources = [file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py")]
    types = {
        word
        for text in sources
        for word in re.findall(r"^    type(?:: ClassVar\[str\])? = \"([a-z-]+)\"", text, re.MULTILINE)
    }
    assert len(types) > 30
    written = {word for text in sources for word in re.findall(r"urn:steward:problem:([a-z-]+\w)", text)}
    return {f"urn:steward:problem:{name}" for name in (types | written) - {"http"}}


# Section: examples

ASKS_OUTSIDE = {
    "/api/mail/accounts"
}  # it tries the servers of the example, which are nobody's; its body fits the schema, below


@pytest.fixture
async def client(house: House) -> AsyncGenerator[httpx.AsyncClient]:
    """A person's client of a house in process."""
    keys = Keys.load(house.settings.home)
    assert house.owner.user_id
    transport = httpx.ASGITransport(create_app(house, keys), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {keys.bearer_token(house.owner.user_id)}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers, timeout=60) as made:
        yield made


async def test_every_example_of_the_api_is_a_request_that_is_understood(client: httpx.AsyncClient) -> None:
    wrong: list[str] = []
    for one in openapi.operations():
        body, headers = openapi.example_body(one), openapi.example_headers(one)
        if one.path in ASKS_OUTSIDE:
            continue
        answer = await client.request(one.method, openapi.example_path(one), json=body, headers=headers)
        if answer.status_code in {400, 405, 413, 415, 422} or answer.status_code >= 500:
            wrong.append(f"{one.method} {one.path}: {answer.status_code} {answer.text[:300]}")
    assert not wrong, "\n".join(wrong)


def test_generated_pages_hold_right_blocks_and_drawings_are_what_their_script_makes(made: dict[str, str]) -> None:
    blocks = [block for name, text in made.items() for block in blocks_of(name, text)]
    assert len(blocks) > 100
    assert Checker().check_all(blocks) == []
    for make in drawings.DRAWINGS:
        drawing = make()
        assert (drawings.FOLDER / f"{drawing.name}.svg").read_text() == drawing.svg(), "python -m docs._build.drawings"


def test_pages_name_no_machine_and_pictures_are_there() -> None:
    for name, text in WRITTEN.items():
        assert not MACHINE.search(text), f"{name} names a path of a machine: {MACHINE.search(text)}"
        assert not REGISTRIES.search(text), f"{name} names a registry"
        for picture in re.findall(r'!\[[^\]]*\]\(([^)#]+)[^)]*\)|(?:src|srcset)="([^"]+)"', text):
            target = picture[0] or picture[1]
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name} shows {target}"


# Section: the check itself


WRONG = {
    "": "anything",
    "cobol": "stop run",
    "text": "$ steward list",
    "console": "only what came out",
    "json": "{,}",
    "yaml": "a: [",
    "toml": "a =",
    "ini": "a=1",
    "env": "STEWARD_PROT=8765",
    "sql": "select public.get_profil()",
    "python": "from tasks.policy import decide_all",
    "javascript": "const = 3",
    "typescript": "const a: = 3",
    "http": "GET /api/taskz",
}
WRONG_SHELL = [
    "steward lst",
    "steward list --stats pending",
    "steward plan list --colour",
    "steward run --port many",
    "make tset",
    "make test SPEED=9",
    "export STEWARD_PROT=3",
    "STEWARD_PROT=3 steward run",
    "TOKEN=$(steward tokn)",
    "cd steward && steward nope | tee out",
    "frobnicate",
    "echo 'never ends",
    "curl",
    "curl -s http://127.0.0.1:8765/api/taskz",
    "curl -s -X DELETE http://127.0.0.1:8765/api/tasks",
    "curl 'http://127.0.0.1:8765/api/tasks?limitt=3'",
    "curl -d '{\"massage\": 3}' http://127.0.0.1:8765/api/chat",
    "curl -d '{\"message\": }' http://127.0.0.1:8765/api/chat",
    "python -m docs.nothing",
    "python docs/agents/examples/none.py",
]
RIGHT = [
    Block("p", 1, "sh", "api() { curl -s \"$@\"; }\nTASKS=http://127.0.0.1:8765/api/tasks\napi -X POST \"$TASKS/$ID/pause\"  # a comment's end\n"),
    Block("p", 1, "sh", "cat > .env <<'END'\nsteward nonsense\nEND\nsteward list --json | jq '.[0]' && steward show \"$(steward list --json | jq -r '.[0].id')\"\n"),
    Block("p", 1, "sh", "curl -s -H \"Authorization: Bearer $TOKEN\" \\\n  -d '{\"message\": \"a # b; c\"}' \\\n  http://127.0.0.1:8765/api/chat\n"),
    Block("p", 1, "sql", "select 1; select public.get_profile();\n"),
    Block("p", 1, "typescript", "const a: number = 3;\n"),
    Block("p", 1, "python", "assert 1 + 1 == 2\n", runs=True),
    Block("p", 1, "http", 'POST /api/chat\n\n{"massage": 3}\n', is_refused=True),
]  # fmt: skip


def test_the_check_finds_what_is_wrong_and_nothing_else(database_url: str) -> None:
    scratch.use(database_url)
    checker = Checker()
    wrong = [
        Block("p", number, *one) for number, one in enumerate([*WRONG.items(), *(("sh", line) for line in WRONG_SHELL)])
    ]
    found = "\n".join(checker.check_all(wrong))
    assert [block for block in wrong if f"p:{block.line} (" not in found] == []
    assert checker.check_all(RIGHT) == []
    assert checker.wrong(Block("p", 1, "python", "assert 1 + 1 == 3\n", runs=True))
    (unended,) = blocks_of("p", "text\n```sh\nsteward lst")
    assert checker.wrong(unended)
    assert len(written_blocks()) > 150
