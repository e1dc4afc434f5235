"""The OpenAPI document says who may call, what takes an Idempotency-Key, and what can be done next."""

from typing import Any

import pytest

from app.house import House
from app.main import create_app
from core.keys import Keys


@pytest.fixture
def paths(house: House) -> dict[str, Any]:
    return create_app(house, Keys.load(house.settings.home)).openapi()["paths"]


async def test_open_routes_say_so_and_take_no_key_of_a_request(paths: dict[str, Any]) -> None:
    push, ready, cancel = (
        paths["/api/calendar/push"]["post"],
        paths["/readyz"]["get"],
        paths["/api/tasks/{task_id}/cancel"]["post"],
    )
    assert push["security"] == ready["security"] == []
    assert "Idempotency-Key" not in [parameter["name"] for parameter in push["parameters"]]
    assert "security" not in cancel
    assert "Idempotency-Key" in [parameter["name"] for parameter in cancel["parameters"]]
    assert "Idempotency-Key" not in [parameter["name"] for parameter in paths["/api/tasks"]["get"]["parameters"]]


async def test_an_answer_links_to_what_can_be_done_with_what_it_shows(paths: dict[str, Any]) -> None:
    made = paths["/api/tasks"]["post"]["responses"]["201"]["links"]
    listed = paths["/api/tasks"]["get"]["responses"]["200"]["links"]
    shown = paths["/api/drafts/{draft_id}"]["get"]["responses"]["200"]["links"]
    assert made["get_tasks_task_id"]["parameters"] == {"task_id": "$response.body#/id"}
    assert {"patch_tasks_task_id", "delete_tasks_task_id", "post_tasks_task_id_cancel"} <= made.keys()
    assert listed["get_tasks_task_id"]["parameters"] == {"task_id": "$response.body#/items/0/id"}
    assert shown["post_drafts_draft_id_approve"]["parameters"] == {"draft_id": "$request.path.draft_id"}
    inner = paths["/api/tasks/{task_id}/steps"]["get"]["responses"]["200"]["links"]
    assert inner["post_tasks_task_id_steps_step_id"]["parameters"]["task_id"] == "$request.path.task_id"


async def test_a_file_of_json_holds_whatever_it_does(paths: dict[str, Any]) -> None:
    content = paths["/api/plans/{plan_id}/files/{name}"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {}
    assert content["text/markdown"]["schema"] == {"type": "string"}
