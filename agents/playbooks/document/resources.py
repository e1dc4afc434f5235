"""Comparable projects that somebody really carried out, as far as a model remembers them; nobody has looked them up."""

import re
from typing import Literal

from pydantic import Field

from agents.playbooks.document.checks import entries_problem, list_problem, told
from agents.playbooks.document.filled import Entry
from agents.playbooks.document.stage import Section, Stage, Writing, bullets, first_problem, one_line, repeated, too_few

Confidence = Literal["certain", "likely", "unsure"]
CONFIDENCE_WORDS = {
    "certain": "the model is certain that it exists",
    "likely": "the model thinks that it exists",
    "unsure": "the model is not sure that it exists",
}
UNVERIFIED = "*Named from a language model's memory and not looked up: check each one before you rely on it.*"
URL = re.compile(r"https?://|www\.", re.IGNORECASE)
HOME_PAGE = re.compile(r"https?://[^\s/?#]+\.[^\s/?#.]{2,}(?:/\S*)?", re.IGNORECASE)


class ComparableProject(Entry):
    """A project to learn from, and how sure the model is that it exists."""

    project_name: str
    confidence_it_exists: Confidence
    description: str = Field(description="What it did, where and roughly when")
    why_comparable: str = Field(description="What it shares with this plan, and where it differs")
    success_metrics: list[str] = Field(
        description="By what its success can be told; figures only where you are certain of them"
    )
    risks_and_challenges_faced: list[str] = Field(description="What was hard, and what was done about it")
    actionable_steps: list[str] = Field(
        description="How to learn from it: which role or office to ask for what; no person's name"
    )
    home_page: str = Field(default="", description="Its own home page, only when you are certain of it; else empty")

    def problem(self) -> str | None:
        """What is too thin about it, or claims more than is known."""
        return first_problem(
            told(self, 4, "project_name"),
            told(self, 25, "description", "why_comparable"),
            list_problem(
                1,
                12,
                success_metrics=self.success_metrics,
                risks_and_challenges_faced=self.risks_and_challenges_faced,
                actionable_steps=self.actionable_steps,
            ),
            self._address_problem(),
        )

    def _address_problem(self) -> str | None:
        texts = [self.description, self.why_comparable, *self.success_metrics]
        texts += [*self.risks_and_challenges_faced, *self.actionable_steps]
        if any(URL.search(text) for text in texts):
            return "an address stands in a text: the only place for one is home_page, when it is certain"
        if not self.home_page:
            return None
        if not HOME_PAGE.fullmatch(self.home_page):
            return "home_page is no web address: leave it empty when you are not certain of it"
        if self.confidence_it_exists != "certain":
            return "home_page is given for a project that is not certain to exist: leave it empty"
        return None


class RelatedResources(Section):
    """Comparable projects, and what to search for to find more. Nothing in it counts as verified."""

    suggestion_list: list[ComparableProject] = Field(description="The closest first; empty when you know none")
    what_to_search_for: list[str] = Field(description="Words to search for comparable projects with, and where")
    summary: str = Field(description="What this plan can learn from them, or why none is known")

    def shallow(self) -> str | None:
        return first_problem(
            entries_problem("suggestion_list", self.suggestion_list, ComparableProject.problem),
            repeated(projects=[it.project_name for it in self.suggestion_list]),
            too_few(1 if self.suggestion_list else 3, what_to_search_for=self.what_to_search_for),
            list_problem(1, 6, what_to_search_for=self.what_to_search_for),
            told(self, 40, "summary"),
        )

    def markdown(self) -> str:
        found = [UNVERIFIED, self.summary, *map(_as_markdown, self.suggestion_list)]
        return "\n\n".join([*found, f"### What to search for\n\n{bullets(self.what_to_search_for)}"])


def _as_markdown(it: ComparableProject) -> str:
    lines = [
        f"**Comparable because:** {it.why_comparable}",
        f"**Success is told by:** {'; '.join(it.success_metrics)}",
        f"**What was hard:** {'; '.join(it.risks_and_challenges_faced)}",
        f"**How to learn from it:** {'; '.join(it.actionable_steps)}",
    ]
    page = [f"**Home page, not checked:** {it.home_page}"] if it.home_page else []
    sure = CONFIDENCE_WORDS[it.confidence_it_exists]
    return f"### {one_line(it.project_name)}\n\n*Not verified; {sure}.* {it.description}\n\n{bullets([*lines, *page])}"


async def write_resources(writing: Writing) -> RelatedResources:
    """One question; a model that knows no comparable project may say so."""
    words = writing.earlier.markdown("consolidate_assumptions_markdown", "project_plan")
    return await writing.ask(RelatedResources, words)


STAGES = (
    Stage(
        "related_resources",
        "Related projects",
        "resources",
        "Names comparable projects with what was hard in them and how to learn from them, as memories to be checked.",
        RelatedResources,
        depends_on=("project_plan",),
        reads=("consolidate_assumptions_markdown",),
        write=write_resources,
    ),
)
