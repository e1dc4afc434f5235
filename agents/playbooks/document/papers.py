"""The papers of a plan: documents to write and to find, which of them matter, and what each must hold.

Ids are ours: D1 is a document to write (create), F1 one to find.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, Field

from agents.playbooks.document.filled import Entry, unfilled
from agents.playbooks.document.rendered import Rendered
from agents.playbooks.document.stage import (
    Section,
    bullets,
    first_problem,
    one_line,
    repeated,
    table,
    texts_too_short,
    too_few,
)

Impact = Literal["critical", "high", "medium", "low"]
IMPACTS: tuple[Impact, ...] = ("critical", "high", "medium", "low")
MOST_LISTED = 30  # documents of one kind: more are a library, not a plan's papers


class PaperToCreate(Entry):
    """A document that the plan needs and somebody has to write."""

    document_name: str
    description: str = Field(description="What it is for and who reads it")
    responsible_role_type: str = Field(description="The role that writes it")
    steps_to_create: list[str]


class PaperToFind(Entry):
    """A document that somebody else made and the plan needs."""

    document_name: str
    description: str = Field(description="What the plan needs it for")
    responsible_role_type: str = Field(description="The role that gets it")
    steps_to_find: list[str] = Field(description="Where it is asked for or looked up")
    access_difficulty: Literal["easy", "medium", "hard"]


class PapersNamed(Section):
    """Both lists, as they are answered."""

    documents_to_create: list[PaperToCreate]
    documents_to_find: list[PaperToFind]

    def shallow(self) -> str | None:
        return _papers_problem(self, self.documents_to_create, self.documents_to_find)

    def markdown(self) -> str:
        return papers_with_ids(self).markdown()


class CreatedPaper(PaperToCreate):
    """A document to write, with its id."""

    id: str = Field(pattern=r"^D\d+$")


class FoundPaper(PaperToFind):
    """A document to find, with its id."""

    id: str = Field(pattern=r"^F\d+$")


class IdentifyDocuments(Section):
    """The documents to write (D1, D2) and to find (F1, F2)."""

    documents_to_create: list[CreatedPaper]
    documents_to_find: list[FoundPaper]

    def shallow(self) -> str | None:
        return first_problem(
            _papers_problem(self, self.documents_to_create, self.documents_to_find),
            repeated(ids=[paper.id for paper in (*self.documents_to_create, *self.documents_to_find)]),
        )

    def markdown(self) -> str:
        return "\n\n".join(
            [
                f"### To write\n\n{paper_table(self.documents_to_create)}",
                f"### To find\n\n{paper_table(self.documents_to_find)}",
            ]
        )


class PaperRating(Entry):
    """How much a document matters for the first phase."""

    id: str
    impact_rating: Impact
    rationale: str


class PapersRated(Section):
    """A rating for every document of one list."""

    ratings: list[PaperRating]
    summary: str = Field(description="What the important ones have in common, and what is left for later")

    def shallow(self) -> str | None:
        return first_problem(
            unfilled(self),
            repeated(id=[rating.id for rating in self.ratings]),
            *(texts_too_short(15, **{f"rationale of {rating.id}": rating.rationale}) for rating in self.ratings),
            texts_too_short(20, summary=self.summary),
        )

    def missing(self, known: Sequence[str]) -> str | None:
        """Ids that were not rated, or that no document has, in words; None when each was rated."""
        given = {rating.id for rating in self.ratings}
        left = [paper_id for paper_id in known if paper_id not in given]
        strangers = sorted(given.difference(known))
        return first_problem(
            f"no document has the id {', '.join(strangers)}; allowed: {', '.join(known)}" if strangers else None,
            f"not rated: {', '.join(left)}" if left else None,
        )

    def markdown(self) -> str:
        rows = [(r.id, r.impact_rating, r.rationale) for r in sorted(self.ratings, key=_rank)]
        return "\n\n".join([table(["Document", "Impact", "Why"], rows), self.summary])


class PapersKept(PapersRated):
    """The ratings, and the documents that are worked out."""

    kept: list[str]

    def shallow(self) -> str | None:
        strangers = sorted(set(self.kept).difference(rating.id for rating in self.ratings))
        return first_problem(
            super().shallow(),
            repeated(kept=self.kept),
            f"kept, but not rated: {', '.join(strangers)}" if strangers else None,
        )

    def markdown(self) -> str:
        return f"{super().markdown()}\n\n**Worked out now:** {', '.join(self.kept) or 'none'}."


class FilterDocumentsToFind(PapersKept):
    """Which documents to find matter for the first phase."""


class FilterDocumentsToCreate(PapersKept):
    """Which documents to write matter for the first phase."""


class PaperContent(Section):
    """What one document must hold, and what hangs on its quality."""

    essential_information: list[str] = Field(
        description="What must be in it, as questions it answers or facts it states"
    )
    risks_of_poor_quality: list[str]
    worst_case_scenario: str
    best_case_scenario: str
    fallback_alternative_approaches: list[str] = Field(
        description="What is done where it cannot be had, or not in time"
    )

    def shallow(self) -> str | None:
        return first_problem(
            too_few(2, essential_information=self.essential_information),
            too_few(
                1,
                risks_of_poor_quality=self.risks_of_poor_quality,
                fallback_alternative_approaches=self.fallback_alternative_approaches,
            ),
            unfilled(self),
            repeated(
                essential_information=self.essential_information,
                risks_of_poor_quality=self.risks_of_poor_quality,
                fallback_alternative_approaches=self.fallback_alternative_approaches,
            ),
            texts_too_short(
                20, worst_case_scenario=self.worst_case_scenario, best_case_scenario=self.best_case_scenario
            ),
            repeated(scenarios=[self.worst_case_scenario, self.best_case_scenario]),
        )

    def markdown(self) -> str:
        return "\n\n".join(
            [
                f"**Must hold:**\n\n{bullets(self.essential_information)}",
                f"**If it is poor:**\n\n{bullets(self.risks_of_poor_quality)}",
                f"**At worst:** {one_line(self.worst_case_scenario)}",
                f"**At best:** {one_line(self.best_case_scenario)}",
                f"**Without it:**\n\n{bullets(self.fallback_alternative_approaches)}",
            ]
        )


class PaperDraft(PaperContent):
    """A kept document with its content."""

    id: str
    document_name: str

    def markdown(self) -> str:
        return f"### {self.id} {one_line(self.document_name)}\n\n{super().markdown()}"


class PapersDrafted(Section):
    """The kept documents of one list, worked out."""

    documents: list[PaperDraft]

    def shallow(self) -> str | None:
        return first_problem(
            repeated(id=[draft.id for draft in self.documents]),
            *(f"{draft.id}: {problem}" for draft in self.documents if (problem := draft.shallow())),
        )

    def markdown(self) -> str:
        return "\n\n".join(draft.markdown() for draft in self.documents) or "None was kept for the first phase."


class DraftDocumentsToFind(PapersDrafted):
    """What the documents to find must hold."""


class DraftDocumentsToCreate(PapersDrafted):
    """What the documents to write must hold."""


class DocumentsMarkdown(Rendered):
    """Both sets of documents as one text."""


def papers_with_ids(named: PapersNamed) -> IdentifyDocuments:
    """Both lists with ids in the order of the answer."""
    return IdentifyDocuments(
        documents_to_create=[
            CreatedPaper(id=f"D{number}", **paper.model_dump())
            for number, paper in enumerate(named.documents_to_create, start=1)
        ],
        documents_to_find=[
            FoundPaper(id=f"F{number}", **paper.model_dump())
            for number, paper in enumerate(named.documents_to_find, start=1)
        ],
    )


def worth_keeping(rated: PapersRated) -> list[str]:
    """The ids of the critical and the high ones, the weightiest first; where none is, of those with the best rating there is."""
    ranked = sorted(rated.ratings, key=_rank)
    found = [rating.id for rating in ranked if rating.impact_rating in {"critical", "high"}]
    return found or [rating.id for rating in ranked if rating.impact_rating == ranked[0].impact_rating]


def paper_table(papers: Sequence[CreatedPaper | FoundPaper]) -> str:
    """The documents of one list with who sees to them and how."""
    rows = [(p.id, p.document_name, p.description, p.responsible_role_type, "; ".join(_steps(p))) for p in papers]
    return table(["Id", "Document", "What for", "Who", "Steps"], rows)


def render_papers(identified: IdentifyDocuments, drafts: Mapping[str, Sequence[PaperDraft]]) -> str:
    """One text: each list with its worked-out documents, then those that wait. `drafts` by `create` and `find`."""
    lists: tuple[tuple[str, str, Sequence[CreatedPaper | FoundPaper]], ...] = (
        ("Documents to write", "create", identified.documents_to_create),
        ("Documents to find", "find", identified.documents_to_find),
    )
    return "\n\n".join(_render_list(title, papers, drafts[kind]) for title, kind, papers in lists)


def _render_list(title: str, papers: Sequence[CreatedPaper | FoundPaper], drafts: Sequence[PaperDraft]) -> str:
    known = {paper.id: paper for paper in papers}
    blocks = [f"### {title}"]
    for draft in drafts:
        blocks.append(f"#### {draft.id} {one_line(draft.document_name)}")
        if paper := known.pop(draft.id, None):
            blocks += [paper.description, f"**Who:** {paper.responsible_role_type}", bullets(_steps(paper))]
        blocks.append(PaperContent.markdown(draft))
    if not drafts:
        blocks.append("None was kept for the first phase.")
    if known:
        blocks += [
            "**Left for later:**",
            bullets([f"{p.id} {p.document_name}: {p.description}" for p in known.values()]),
        ]
    return "\n\n".join(blocks)


def _steps(paper: CreatedPaper | FoundPaper) -> list[str]:
    return paper.steps_to_create if isinstance(paper, CreatedPaper) else paper.steps_to_find


def _rank(rating: PaperRating) -> int:
    return IMPACTS.index(rating.impact_rating)


def _papers_problem(answer: BaseModel, create: Sequence[PaperToCreate], find: Sequence[PaperToFind]) -> str | None:
    return first_problem(
        too_few(2, documents_to_create=create),
        too_few(1, documents_to_find=find),
        f"too many documents of one kind (at most {MOST_LISTED})"
        if max(len(create), len(find)) > MOST_LISTED
        else None,
        unfilled(answer),
        repeated(document_name=[paper.document_name for paper in (*create, *find)]),
        *(too_few(1, **{f"steps_to_create of {paper.document_name!r}": paper.steps_to_create}) for paper in create),
        *(too_few(1, **{f"steps_to_find of {paper.document_name!r}": paper.steps_to_find}) for paper in find),
        *(texts_too_short(20, **{f"description of {p.document_name!r}": p.description}) for p in (*create, *find)),
    )
