"""A plan document before it is written: a task for each stage of its level, each after what it waits for."""

from agents.playbooks.document.catalog import PING, stages, stages_of
from agents.playbooks.document.making import before, document_plan, stage_tasks, title_of


def test_every_stage_of_a_level_is_a_task_after_those_it_waits_for() -> None:
    tasks = stage_tasks("balanced_speed_and_detail")
    assert [task["key"] for task in tasks] == list(stages())
    for place, task in enumerate(tasks):
        assert task["depends_on"] == list(stages()[task["key"]].depends_on)
        assert set(task["depends_on"]) <= {one["key"] for one in tasks[:place]}
        assert task["estimated_duration_minutes"] >= 1
        assert task["on_failure"] == ("stop" if task["key"] in {"redline_gate", "setup"} else "escalate")


def test_a_short_level_bridges_what_it_leaves_out() -> None:
    wanted = stages_of("ping_llm")
    assert set(wanted) == set(PING)
    needs = {stage_id: before(stage_id, wanted) for stage_id in wanted}
    assert needs["start_time"] == []
    assert "plan_type" in needs["report"]
    assert all(set(found) <= set(wanted) for found in needs.values())


def test_the_title_is_the_first_line_and_the_prompt_is_kept_whole() -> None:
    prompt = f"\n\n# Open   a workshop\n{'x' * 5000}"
    plan = document_plan(prompt, "ping_llm", "some-model", starts_by_itself=False, timezone="Europe/Brussels")
    assert (plan["title"], plan["description"], plan["starts_by_itself"]) == ("Open a workshop", prompt, False)
    assert plan["request"]["llm_model"] == "some-model"
    assert title_of("word " * 100).endswith("word…")
    assert len(title_of("x" * 500)) <= 121
    assert title_of(" \n ") == "Plan"
