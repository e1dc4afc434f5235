"""The stages of a plan document are those of the facts, and fit together from the first to the last."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.playbooks.document.catalog import GROUPS, PING, stage_named, stages, stages_of
from core.errors import Invalid
from tests.emulators.document_answers import ANSWERS, answers_of, write_document

FACTS: dict[str, dict[str, Any]] = {
    one["id"]: one
    for one in json.loads((Path(__file__).parents[4] / "data" / "plan_stages.json").read_text())["stages"]
}
GATED: dict[str, list[str]] = {
    "identify_purpose": ["redline_gate"],
    "premise_attack": ["redline_gate"],
}  # nothing is written before the gate


def test_stages_are_those_of_the_facts() -> None:
    found = stages()
    assert set(found) == set(FACTS)
    for stage_id, stage in found.items():
        facts = FACTS[stage_id]
        assert sorted(stage.depends_on) == sorted(GATED.get(stage_id) or facts["depends_on"]), stage_id
        assert stage.needs_model is facts["llm"], stage_id
        assert stage.group == facts["group"], stage_id
        assert stage.group in GROUPS
        assert stage.purpose != facts["purpose"], stage_id  # in words of our own


def test_what_a_stage_reads_is_over_before_it() -> None:
    before: dict[str, set[str]] = {}
    for stage_id, stage in stages().items():
        before[stage_id] = set(stage.depends_on).union(*(before[needed] for needed in stage.depends_on))
        assert set(stage.reads) <= before[stage_id], stage_id


def test_every_question_has_an_authored_good_and_bad_answer() -> None:
    for stage_id, stage in stages().items():
        if stage.needs_model:
            entries = answers_of(stage_id)
            assert entries, stage_id
            assert all({"form", "good", "bad", "says"} <= entry.keys() for entry in entries), stage_id
    assert {path.stem for path in ANSWERS.glob("*.json")} <= set(stages())


async def test_authored_answers_make_a_whole_document() -> None:
    sections = await write_document("balanced_speed_and_detail")
    assert set(sections) == set(stages())
    for stage_id, section in sections.items():
        assert stages()[stage_id].form.model_validate(section).markdown().strip(), stage_id
    assert set(await write_document("ping_llm")) == set(PING)
    assert set(await write_document("fast_but_skip_details")) == set(stages())


def test_an_unknown_stage_is_named() -> None:
    with pytest.raises(Invalid, match="no stage 'wbs_level9'"):
        stage_named("wbs_level9")
    assert list(stages_of("ping_llm"))[-1] == "report"
