"""Files of tasks over the API, and the page of what was done on the web: to whom they belong, and so that nothing runs."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.house import House
from tasks import artifacts, functions
from tasks.models import Task


@pytest.fixture
async def task(house: House) -> Task:
    item: dict[str, Any] = {"title": "Look", "tool": "browser", "tool_input": {}, "execution_type": "fully_automated"}
    (made,) = await functions.create_tasks(house.caller, [item])
    return made


@pytest.mark.parametrize(
    ("name", "media_type", "served_as", "disposition"),
    [
        ("page-001.jpg", "image/jpeg", "image/jpeg", "inline; filename*=UTF-8''page-001.jpg"),
        ("x.svg", "image/svg+xml", "application/octet-stream", "attachment; filename*=UTF-8''x.svg"),
        ("x.html", "text/html", "application/octet-stream", "attachment; filename*=UTF-8''x.html"),
        ('Größe "a"\r\nX: y.pdf', "application/pdf", "application/octet-stream",
         "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22a%22%0D%0AX%3A%20y.pdf"),
    ],
)  # fmt: skip
async def test_a_file_is_served_so_that_nothing_in_it_runs(
    client: httpx.AsyncClient, house: House, task: Task, name: str, media_type: str, served_as: str, disposition: str
) -> None:
    kept = await artifacts.save_artifact(house.caller, task.id, name, media_type, b"<script>alert(1)</script>")
    answer = await client.get(f"/api/artifacts/{kept.id}")
    assert answer.status_code == 200
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == served_as
    assert answer.headers["content-disposition"] == disposition
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"].startswith("private")


async def test_files_and_pages_of_others_are_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House, task: Task
) -> None:
    kept = await artifacts.save_artifact(house.caller, task.id, "a.jpg", "image/jpeg", b"x")
    assert (await stranger.get(f"/api/artifacts/{kept.id}")).status_code == 404
    assert (await client.get(f"/api/artifacts/{uuid4()}")).status_code == 404
    assert (await client.get(f"/api/artifacts/{kept.id}", headers={"Authorization": ""})).status_code in {401, 403}
    assert (await stranger.get(f"/tasks/{task.id}/browser")).status_code == 404
    assert (await client.get(f"/tasks/{task.id}/browser")).status_code == 200
    (other,) = await functions.create_tasks(house.caller, [{"title": "No pages"}])
    assert (await client.get(f"/tasks/{other.id}/browser")).status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"action": "dance"}, "There is no such button"),
        ({"action": "take"}, "taken over while its task waits"),
        ({"action": "hand_back"}, "Nobody has taken this page over"),
        ({"at.x": "1", "at.y": "no"}, "A click needs a place"),
        ({"at.x": "1", "at.y": "2"}, "Take the page over first"),
        ({"action": "type", "text": ""}, "Type between 1 and 5000 characters"),
        ({"action": "type", "text": "x" * 6000}, "Type between 1 and 5000 characters"),
        ({"action": "press", "key": "F12"}, "is no key here"),
        ({"action": "navigate", "url": "file:///etc/passwd"}, "The address is none"),
        ({"action": "store", "site": "shop.example"}, "A sign-in has a site and a password"),
        ({"action": "store", "site": "a b", "password": "x"}, "A sign-in has a site and a password"),
    ],
)
async def test_buttons_that_do_nothing_say_why(
    client: httpx.AsyncClient, task: Task, form: dict[str, str], said: str
) -> None:
    answer = await client.post(f"/tasks/{task.id}/browser", data=form)
    assert answer.status_code in {409, 422}
    assert said in answer.text
