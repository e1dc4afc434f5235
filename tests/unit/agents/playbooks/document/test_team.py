"""The team: ids from code, every role once in each part, backgrounds that say they are fictional, one document of all."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from agents.playbooks.document.stage import DEPTHS, Section, Stage
from agents.playbooks.document.team import CONTRACTS, FOUND, NEEDS, STAGES, STORIES, render_team
from agents.playbooks.document.team_forms import FICTIONAL, Contracts, Stories, Team
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in STAGES}
IDS = ["E1", "E2", "E3", "E4", "E5"]


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written(STAGES)


def stored(sections: dict[str, Section]) -> dict[str, dict[str, Any]]:
    return {name: section.model_dump(mode="json") for name, section in sections.items()}


async def written_one(stage_id: str, writing: Scripted) -> Any:
    write = KNOWN[stage_id].write
    assert write is not None
    return await write(writing)


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("team", stage_id, number)


def test_every_role_stands_once_in_each_part(sections: dict[str, Section]) -> None:
    for stage_id in (FOUND, CONTRACTS, STORIES, NEEDS):
        assert [member["id"] for member in stored(sections)[stage_id]["members"]] == IDS, stage_id
    contracts = sections[CONTRACTS]
    assert isinstance(contracts, Contracts)
    assert [it.contract_type for it in contracts.members] == ["part_time_employee"] * 2 + ["volunteer"] * 3


async def test_each_role_is_asked_for_with_what_was_added_to_it(sections: dict[str, Section]) -> None:
    writing = Scripted(KNOWN[STORIES], earlier_of(KNOWN, stored(sections)))
    await written_one(STORIES, writing)
    assert writing.asked == IDS
    assert (
        "The role to write about: E3, Volunteer repair helper (10 people)\n\n**Contract:** volunteer."
        in writing.said[2]
    )


async def test_no_more_roles_than_the_depth_takes_on_and_not_too_few(sections: dict[str, Section]) -> None:
    good = answers_of(FOUND)[0]["good"]
    short = Scripted(KNOWN[FOUND], earlier_of(KNOWN, {}), DEPTHS["fast_but_skip_details"])
    assert [role.id for role in (await written_one(FOUND, short)).members] == IDS[:2]
    many = {"roles": [{**good["roles"][0], "category": f"Role {number}"} for number in range(40)]}
    deep = Scripted(KNOWN[FOUND], earlier_of(KNOWN, {}), DEPTHS["all_details_but_slow"], instead={"": many})
    assert len((await written_one(FOUND, deep)).members) == 12
    with pytest.raises(FoundShallow, match="at least 3"):
        await written_one(
            FOUND, Scripted(KNOWN[FOUND], earlier_of(KNOWN, {}), instead={"": {"roles": good["roles"][:2]}})
        )


def test_backgrounds_are_marked_as_fictional_everywhere(sections: dict[str, Section]) -> None:
    stories = sections[STORIES]
    assert isinstance(stories, Stories)
    assert all(member["is_fictional"] is True for member in stored(sections)[STORIES]["members"])
    assert stories.markdown().count(FICTIONAL) == 5
    assert sections["team_markdown"].markdown().count(FICTIONAL) == 5
    story = stories.members[0].model_dump()
    with pytest.raises(ValidationError, match="is_fictional"):
        Stories.model_validate({"members": [{**story, "is_fictional": False}]})
    story["job_background_story_of_employee"] += " Ask Dr. Peeters about it."
    assert "E1: describe the person without a name" in (Stories.model_validate({"members": [story]}).shallow() or "")


@pytest.mark.parametrize("role_id", ["E0", "E01", "X1", "e1", "", "E1 "])
def test_ids_have_their_form_and_stand_once(sections: dict[str, Section], role_id: str) -> None:
    members = stored(sections)[FOUND]["members"]
    with pytest.raises(ValidationError, match="pattern"):
        Team.model_validate({"members": [{**members[0], "id": role_id}]})
    with pytest.raises(ValidationError, match="twice: E1"):
        Team.model_validate({"members": [members[0], *members]})


def test_one_document_tells_all_of_each_role(sections: dict[str, Section]) -> None:
    text = sections["team_markdown"].markdown()
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    assert headings[0] == "### E1: Workshop coordinator (1 person)"
    assert headings[2:] == [
        "### E3: Volunteer repair helper (10 people)",
        "### E4: Treasurer (1 person)",
        "### E5: Outreach volunteer (2 people)",
        "### Review of the team",
    ]
    assert text.count("**Contract:**") == text.count("**Equipment:**") == text.count("A usual week:") == 5
    assert "#### Omissions" in text


def test_the_document_is_right_for_whatever_is_there(sections: dict[str, Section]) -> None:
    assert render_team(earlier_of(KNOWN, {})) is None
    some = copy.deepcopy(stored(sections))
    del some["review_team"], some[STORIES]
    some[CONTRACTS]["members"] = [{**some[CONTRACTS]["members"][0], "id": "E99"}]
    found = render_team(earlier_of(KNOWN, some))
    assert found is not None
    assert "*The review is not written.*" in found.text
    assert "**Contract:**" not in found.text
    empty = render_team(earlier_of(KNOWN, {FOUND: {"members": []}}))
    assert empty is not None
    assert empty.text.startswith("*No role is named.*")
