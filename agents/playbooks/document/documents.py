"""Data and documents: what must be collected, written and found, which of it matters first, and what each must hold."""

from collections.abc import Sequence
from typing import TypeVar

from agents.playbooks.document.data_needs import DataCollection
from agents.playbooks.document.papers import (
    CreatedPaper,
    DocumentsMarkdown,
    DraftDocumentsToCreate,
    DraftDocumentsToFind,
    FilterDocumentsToCreate,
    FilterDocumentsToFind,
    FoundPaper,
    IdentifyDocuments,
    PaperContent,
    PaperDraft,
    PapersDrafted,
    PapersKept,
    PapersNamed,
    PapersRated,
    paper_table,
    papers_with_ids,
    render_papers,
    worth_keeping,
)
from agents.playbooks.document.stage import Earlier, Stage, Writing

K = TypeVar("K", bound=PapersKept)
D = TypeVar("D", bound=PapersDrafted)
BACKGROUND = ("consolidate_assumptions_markdown", "project_plan", "expert_review", "team_markdown")


async def write_data_collection(writing: Writing) -> DataCollection:
    """One question, from assumptions, plan, criticism and team."""
    return await writing.ask(DataCollection, writing.earlier.markdown(*BACKGROUND))


async def write_documents(writing: Writing) -> IdentifyDocuments:
    """One question for both lists; the ids are ours."""
    return papers_with_ids(await writing.ask(PapersNamed, writing.earlier.markdown(*BACKGROUND)))


async def filter_to_find(writing: Writing) -> FilterDocumentsToFind:
    """One question over the documents to find."""
    papers = writing.earlier.of("identify_documents", IdentifyDocuments).documents_to_find
    return await _filtered(writing, papers, FilterDocumentsToFind)


async def filter_to_create(writing: Writing) -> FilterDocumentsToCreate:
    """One question over the documents to write."""
    papers = writing.earlier.of("identify_documents", IdentifyDocuments).documents_to_create
    return await _filtered(writing, papers, FilterDocumentsToCreate)


async def draft_to_find(writing: Writing) -> DraftDocumentsToFind:
    """One question for each document to find that was kept, side by side."""
    papers = writing.earlier.of("identify_documents", IdentifyDocuments).documents_to_find
    kept = writing.earlier.of("filter_documents_to_find", FilterDocumentsToFind).kept
    return await _drafted(writing, [paper for paper in papers if paper.id in kept], DraftDocumentsToFind)


async def draft_to_create(writing: Writing) -> DraftDocumentsToCreate:
    """One question for each document to write that was kept, side by side."""
    papers = writing.earlier.of("identify_documents", IdentifyDocuments).documents_to_create
    kept = writing.earlier.of("filter_documents_to_create", FilterDocumentsToCreate).kept
    return await _drafted(writing, [paper for paper in papers if paper.id in kept], DraftDocumentsToCreate)


def fill_documents(earlier: Earlier) -> DocumentsMarkdown:
    """Both lists with what was worked out of them."""
    drafts = {
        "create": earlier.of("draft_documents_to_create", DraftDocumentsToCreate).documents,
        "find": earlier.of("draft_documents_to_find", DraftDocumentsToFind).documents,
    }
    identified = earlier.of("identify_documents", IdentifyDocuments)
    return DocumentsMarkdown(markdown=render_papers(identified, drafts))


async def _filtered(writing: Writing, papers: Sequence[CreatedPaper | FoundPaper], form: type[K]) -> K:
    """The ratings of all, and what is kept of them: the weightiest, as many as this depth goes into."""
    if not papers:
        return form(ratings=[], summary="There are no documents of this kind.", kept=[])
    known = [paper.id for paper in papers]
    words = f"{writing.earlier.markdown('project_plan')}\n\n## The documents to rate\n\n{paper_table(papers)}"
    rated = await writing.ask(PapersRated, words, check=lambda answer: answer.missing(known))
    kept = writing.depth.cut(worth_keeping(rated))
    return form(ratings=rated.ratings, summary=rated.summary, kept=kept)


async def _drafted(writing: Writing, papers: Sequence[CreatedPaper | FoundPaper], form: type[D]) -> D:
    context = writing.earlier.markdown("project_plan")

    async def draft(paper: CreatedPaper | FoundPaper) -> PaperContent:
        words = f"{context}\n\n## The document to work out\n\n{paper_table([paper])}"
        return await writing.ask(PaperContent, words, part=paper.id)

    answers = await writing.each(papers, draft)
    return form(
        documents=[
            PaperDraft(id=paper.id, document_name=paper.document_name, **answer.model_dump())
            for paper, answer in zip(papers, answers, strict=True)
        ]
    )


STAGES = (
    Stage(
        "data_collection",
        "Data collection",
        "documents",
        "Lists the data that must be collected or reckoned to check the assumptions, who sees to it, and what it is to decide.",
        DataCollection,
        depends_on=("team_markdown", "expert_review"),
        reads=("consolidate_assumptions_markdown", "project_plan"),
        write=write_data_collection,
    ),
    Stage(
        "identify_documents",
        "Identify documents",
        "documents",
        "Lists the documents that have to be written and those that have to be found, with roles and steps.",
        IdentifyDocuments,
        depends_on=("team_markdown", "expert_review"),
        reads=("consolidate_assumptions_markdown", "project_plan"),
        write=write_documents,
    ),
    Stage(
        "filter_documents_to_find",
        "Filter documents to find",
        "documents",
        "Rates how much each document to find matters for the first phase, and keeps the few that do.",
        FilterDocumentsToFind,
        depends_on=("identify_documents",),
        reads=("project_plan",),
        write=filter_to_find,
    ),
    Stage(
        "filter_documents_to_create",
        "Filter documents to create",
        "documents",
        "Rates how much each document to write matters for the first phase, and keeps the few that do.",
        FilterDocumentsToCreate,
        depends_on=("identify_documents",),
        reads=("project_plan",),
        write=filter_to_create,
    ),
    Stage(
        "draft_documents_to_find",
        "Draft documents to find",
        "documents",
        "Says of each kept document to find what it must tell, and how to get along without it.",
        DraftDocumentsToFind,
        depends_on=("filter_documents_to_find",),
        reads=("identify_documents", "project_plan"),
        write=draft_to_find,
        minutes=0.5,
    ),
    Stage(
        "draft_documents_to_create",
        "Draft documents to create",
        "documents",
        "Says of each kept document to write what must stand in it, and what a poor one would cost.",
        DraftDocumentsToCreate,
        depends_on=("filter_documents_to_create",),
        reads=("identify_documents", "project_plan"),
        write=draft_to_create,
        minutes=0.5,
    ),
    Stage(
        "markdown_documents_to_create_and_find",
        "Documents document",
        "documents",
        "Puts the documents of both kinds into one text, by rules alone.",
        DocumentsMarkdown,
        depends_on=("draft_documents_to_find", "draft_documents_to_create"),
        reads=("identify_documents",),
        fill=fill_documents,
        minutes=0.02,
    ),
)
