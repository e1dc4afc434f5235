"""The pitch as prose: no data, no fence, headings that fit below others, and nothing lost."""

from typing import Any

import pytest

from agents.playbooks.document.pitch import STAGES, CreatePitch, PitchMarkdown, fill_prose, headings_from
from agents.playbooks.document.stage import Stage
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in STAGES}
PITCH: dict[str, Any] = answers_of("create_pitch")[0]["good"]
PROSE: str = answers_of("pitch_markdown")[0]["good"]["markdown"]


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("pitch", stage_id, number)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("```markdown\n" + PROSE + "\n```", "no code fence"),
        (f"[{PROSE}]", "this is data"),
        (PROSE.replace("###", ""), "no headings"),
        ("```\n# code\n```\n" + "word " * 50, "no code fence"),
        ("word " * 50 + "\n```\n# only in code\n```", "no headings"),
        ("# Short", "too short"),
    ],
)
def test_what_is_no_prose_is_told(text: str, says: str) -> None:
    assert says in (PitchMarkdown(markdown=text).shallow() or "")


async def test_prose_that_lost_half_of_the_pitch_goes_back() -> None:
    pitch = {**PITCH, "pitch": PITCH["pitch"] * 4}
    stage = KNOWN["pitch_markdown"]
    assert stage.write is not None
    with pytest.raises(FoundShallow, match="but the pitch alone has"):
        await stage.write(Scripted(stage, earlier_of(KNOWN, {"create_pitch": pitch})))


def test_rules_make_prose_of_the_pitch_alone() -> None:
    filled = fill_prose(earlier_of(KNOWN, {"create_pitch": PITCH}))
    assert filled.shallow() is None
    assert filled.markdown() == CreatePitch.model_validate(PITCH).markdown()
    assert written(STAGES)["pitch_markdown"].model_dump(mode="json") == {"markdown": PROSE}


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("# A\n## B\n\ntext", "### A\n#### B\n\ntext"),
        ("#### A\n##### B", "### A\n#### B"),
        ("# A\n###### B", "### A\n###### B"),
        ("# A\n```\n# code\n```", "### A\n```\n# code\n```"),
        ("#no heading", "#no heading"),
        ("", ""),
    ],
)
def test_headings_begin_at_a_level(text: str, moved: str) -> None:
    assert headings_from(text, 3) == moved
