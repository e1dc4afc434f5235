"""Files of tasks: kept once, found by name in the tree, nobody else's."""

from uuid import uuid4

import pytest

from core.database import Caller
from core.errors import Invalid, NotFound
from tasks import artifacts, trees

TREE = {"key": "root", "title": "root", "children": [{"key": "a", "title": "a"}, {"key": "b", "title": "b"}]}


async def test_the_same_file_twice_is_one_row_and_the_newest_of_a_name_is_meant(ana: Caller) -> None:
    made = await trees.create_task_tree(ana, TREE)
    a, b = made.keys["a"], made.keys["b"]
    first = await artifacts.save_artifact(ana, a, "söme name.txt", "text/plain", "grüße\x00".encode())
    again = await artifacts.save_artifact(ana, a, "söme name.txt", "text/plain", "grüße\x00".encode())
    assert first.id == again.id
    await artifacts.save_artifact(ana, a, "söme name.txt", "text/plain", b"")
    newest = await artifacts.find_artifact(ana, b, "söme name.txt")
    assert (newest.content, newest.size_bytes, newest.task_id) == (b"", 0, a)
    assert (await artifacts.get_artifact(ana, first.id)).content == "grüße\x00".encode()
    assert [(file.name, file.content) for file in await artifacts.list_artifacts(ana, made.id)] == [
        ("söme name.txt", None),
        ("söme name.txt", None),
    ]


async def test_files_are_nobody_elses(ana: Caller, mallory: Caller, service: Caller) -> None:
    made = await trees.create_task_tree(ana, TREE)
    kept = await artifacts.save_artifact(service, made.id, "a.txt", "text/plain", b"a")
    assert (await artifacts.find_artifact(ana, made.id, "a.txt")).content == b"a"
    for attempt in (
        artifacts.get_artifact(mallory, kept.id),
        artifacts.list_artifacts(mallory, made.id),
        artifacts.save_artifact(mallory, made.id, "b", "text/plain", b"b"),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_what_is_wrong_is_named(ana: Caller) -> None:
    made = await trees.create_task_tree(ana, TREE)
    await artifacts.save_artifact(ana, made.id, "a.txt", "text/plain", b"a")
    with pytest.raises(NotFound, match=r"b\.txt") as caught:
        await artifacts.find_artifact(ana, made.id, "b.txt")
    assert caught.value.detail == "there are: a.txt"
    with pytest.raises(NotFound):
        await artifacts.get_artifact(ana, uuid4())
    for name in ("", "x" * 301):
        with pytest.raises(Invalid):
            await artifacts.save_artifact(ana, made.id, name, "text/plain", b"a")
    with pytest.raises(Invalid, match="20,000,000"):
        await artifacts.save_artifact(ana, made.id, "big", "text/plain", b"x" * 20_000_001)
