"""Documents: every one is rated, the weighty few are worked out, and the text tells the others too."""

from typing import Any

import pytest

from agents.playbooks.document.documents import STAGES, fill_documents
from agents.playbooks.document.papers import (
    DocumentsMarkdown,
    DraftDocumentsToCreate,
    FilterDocumentsToCreate,
    IdentifyDocuments,
    PapersRated,
    worth_keeping,
)
from agents.playbooks.document.stage import DEPTHS, Section, Stage, StageMissing
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import FoundShallow, Scripted, earlier_of, written

KNOWN: dict[str, Stage[Any]] = {stage.id: stage for stage in STAGES}
TEXT = "markdown_documents_to_create_and_find"


@pytest.fixture(scope="module")
def sections() -> dict[str, Section]:
    return written(STAGES)


def stored_for(stage_id: str, sections: dict[str, Section]) -> dict[str, Any]:
    return {n: sections[n].model_dump(mode="json") for n in KNOWN[stage_id].read_stages if n in sections}


async def write(writing: Scripted) -> Any:
    assert writing.stage.write is not None
    return await writing.stage.write(writing)


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("documents", stage_id, number)


def test_the_weighty_are_kept_and_worked_out(sections: dict[str, Section]) -> None:
    identified, kept = sections["identify_documents"], sections["filter_documents_to_create"]
    assert isinstance(identified, IdentifyDocuments)
    assert [paper.id for paper in identified.documents_to_create] == ["D1", "D2", "D3", "D4"]
    assert [paper.id for paper in identified.documents_to_find] == ["F1", "F2", "F3", "F4"]
    assert isinstance(kept, FilterDocumentsToCreate)
    assert kept.kept == ["D1", "D2", "D3"]
    drafts, text = sections["draft_documents_to_create"], sections[TEXT]
    assert isinstance(drafts, DraftDocumentsToCreate)
    assert drafts.documents[0].document_name == "Budget with a reserve"
    assert isinstance(text, DocumentsMarkdown)
    assert text.text.index("#### D1") < text.text.index("- D4 Guide") < text.text.index("#### F1")
    assert text.model_dump(mode="json")["markdown"] == text.markdown()


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["D1", "D2", "D3"], "not rated: D4"),
        (["D1", "D2", "D3", "F4"], "no document has the id F4; allowed: D1, D2, D3, D4"),
        ([], "not rated: D1, D2, D3, D4"),
    ],
)
async def test_every_document_is_rated_and_no_other(sections: dict[str, Section], ids: list[str], says: str) -> None:
    rating = {"impact_rating": "high", "rationale": "Decisions wait for it."}
    answer = {"ratings": [{**rating, "id": i} for i in ids], "summary": "All of them matter alike."}
    earlier = earlier_of(KNOWN, stored_for("filter_documents_to_create", sections))
    with pytest.raises(FoundShallow, match=says):
        await write(Scripted(KNOWN["filter_documents_to_create"], earlier, instead={"": answer}))


@pytest.mark.parametrize(
    ("rated", "kept"),
    [("low high critical", "32"), ("medium low medium", "13"), ("low low", "12"), ("", "")],
)
def test_what_is_worth_keeping(rated: str, kept: str) -> None:
    ratings = [
        {"id": str(n), "impact_rating": impact, "rationale": "Much waits for it."}
        for n, impact in enumerate(rated.split(), 1)
    ]
    assert "".join(worth_keeping(PapersRated.model_validate({"ratings": ratings, "summary": "s"}))) == kept


async def test_a_short_plan_works_out_two(sections: dict[str, Section]) -> None:
    earlier = earlier_of(KNOWN, stored_for("filter_documents_to_create", sections))
    stage = KNOWN["filter_documents_to_create"]
    found = await write(Scripted(stage, earlier, DEPTHS["fast_but_skip_details"]))
    assert found.kept == ["D1", "D2"]


async def test_no_documents_of_a_kind_are_not_asked_about(sections: dict[str, Section]) -> None:
    stored: dict[str, Any] = {**sections["identify_documents"].model_dump(mode="json"), "documents_to_find": []}
    earlier = earlier_of(KNOWN, {"identify_documents": stored})
    writing = Scripted(KNOWN["filter_documents_to_find"], earlier)
    rated = await write(writing)
    assert (writing.asked, rated.kept, rated.shallow()) == ([], [], None)
    given: dict[str, Any] = {"identify_documents": stored, "filter_documents_to_find": rated.model_dump(mode="json")}
    drafts = await write(Scripted(KNOWN["draft_documents_to_find"], earlier_of(KNOWN, given)))
    assert "None was kept" in drafts.markdown()
    both: dict[str, Any] = {
        "identify_documents": stored,
        "draft_documents_to_find": drafts.model_dump(mode="json"),
        "draft_documents_to_create": sections["draft_documents_to_create"].model_dump(mode="json"),
    }
    assert fill_documents(earlier_of(KNOWN, both)).text.endswith("None was kept for the first phase.")


def test_the_text_needs_both_drafts() -> None:
    with pytest.raises(StageMissing, match="draft_documents_to_create"):
        fill_documents(earlier_of(KNOWN, {}))
