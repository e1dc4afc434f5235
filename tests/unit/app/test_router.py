"""Folders become URLs, and what does not belong stops the app from being built."""

import re
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from app.router import build_router

Site = Callable[[dict[str, str]], FastAPI]
GET = """
from starlette.responses import JSONResponse
async def get() -> JSONResponse:
    return JSONResponse({"file": __name__.partition(".")[2]})
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Site]:
    """Write files into a new package and build an application of it."""
    package = f"site_{uuid4().hex}"
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def build(files: dict[str, str]) -> FastAPI:
        for name, source in files.items():
            path = tmp_path / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        app = FastAPI()
        app.include_router(build_router(tmp_path / package, package))
        return app

    yield build
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]


def client(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("file", "url"),
    [
        ("api/tasks/execute/route.py", "/api/tasks/execute"),
        ("api/time_zones/route.py", "/api/time-zones"),
        ("tasks/page.py", "/tasks"),
        ("page.py", "/"),
        ("api/tasks/by_task_id/log/route.py", "/api/tasks/11111111-2222-4333-8444-555555555555/log"),
        ("files/by_name/route.py", "/files/a%20b.txt"),
    ],
)
async def test_a_file_serves_the_url_of_its_folder(site: Site, file: str, url: str) -> None:
    async with client(site({file: GET})) as http:
        answer = await http.get(url)
    assert answer.status_code == 200
    assert answer.json() == {"file": file.removesuffix(".py").replace("/", ".")}


async def test_static_segments_go_before_uuids_and_these_before_names(site: Site) -> None:
    app = site({f"things/{folder}/route.py": GET for folder in ("by_any", "by_thing_id", "zebra")})
    async with client(app) as http:
        files = [(await http.get(f"/things/{last}")).json()["file"] for last in ("zebra", str(uuid4()), "other")]
    assert files == ["things.zebra.route", "things.by_thing_id.route", "things.by_any.route"]


async def test_a_segment_that_ends_in_id_takes_nothing_but_a_uuid(site: Site) -> None:
    source = "from uuid import UUID\nasync def get(thing_id: UUID) -> str:\n    return type(thing_id).__name__\n"
    async with client(site({"by_thing_id/route.py": source})) as http:
        assert (await http.get(f"/{uuid4()}")).json() == "UUID"
        assert (await http.get("/12")).status_code == 404


async def test_private_folders_serve_nothing(site: Site) -> None:
    async with client(site({"_view/page.py": GET, "page.py": GET})) as http:
        assert (await http.get("/_view")).status_code == 404
        assert (await http.get("/-view")).status_code == 404


async def test_pages_answer_head_and_stay_out_of_the_schema(site: Site) -> None:
    app = site({"tasks/page.py": GET})
    async with client(app) as http:
        assert (await http.head("/tasks")).status_code == 200
    assert app.openapi()["paths"] == {}


def test_private_functions_models_and_what_is_imported_are_no_exports(site: Site) -> None:
    helpers = "from json import loads\nfrom pydantic import BaseModel\nclass Answer(BaseModel):\n    a: int = 1\n"
    site({"route.py": f"{helpers}{GET}def _help() -> None: ...\n"})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"api/route.py": f"{GET}def helper() -> None: ...\n"}, "api/route.py exports helper"),
        ({"api/route.py": "def head() -> None: ...\n"}, "api/route.py exports head"),
        ({"api/route.py": "def get() -> None: ...\n"}, "api/route.py: get is not async"),
        ({"api/route.py": "ANSWER = 42\n"}, "api/route.py serves nothing"),
        ({"tasks/route.py": GET, "tasks/page.py": GET}, "serves GET /tasks, and so does"),
        ({"by_a_id/route.py": GET, "by_b_id/route.py": GET}, "serves GET /{b_id:uuid}, and so does"),
        ({"time-zones/route.py": GET}, "the folder time-zones cannot be imported"),
    ],
)
def test_what_does_not_belong_stops_the_build_and_is_named(site: Site, files: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        site(files)


CONTRACT = """
from pydantic import BaseModel
from app.router import responds
class Thing(BaseModel):
    name: str
class Later(BaseModel):
    where: str
@responds(summary="Make a thing", status_code=201, response_model=Thing, problems=(404,), also=("text/event-stream",),
          also_status={202: Later})
async def post(thing: Thing) -> Thing:
    return thing
@responds(summary="A thing", response_model=Thing)
async def get() -> Thing:
    return Thing(name="a")
"""


def test_the_schema_says_what_the_contract_says(site: Site) -> None:
    document = site({"api/things/route.py": CONTRACT}).openapi()["paths"]["/api/things"]
    post, get = document["post"], document["get"]
    assert (post["operationId"], get["operationId"], post["tags"]) == ("post_things", "get_things", ["things"])
    assert set(post["responses"]) == {
        "201",
        "202",
        "400",
        "401",
        "403",
        "404",
        "409",
        "413",
        "415",
        "422",
        "429",
        "500",
        "503",
    }
    assert set(get["responses"]) == {"200", "400", "401", "403", "422", "429", "500", "503"}
    assert set(post["responses"]["201"]["content"]) == {"application/json", "text/event-stream"}
    for status in ("404", "409", "422"):
        assert post["responses"][status]["content"] == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
