"""The forms of the levers: strategic choices that a plan could make one way or another, from a brainstorm to the vital few."""

from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.checks import entries_problem, list_problem, told
from agents.playbooks.document.rendered import Rendered
from agents.playbooks.document.stage import Section, bullets, first_problem, one_line, repeated, table, too_few

Importance = Literal["critical", "high", "medium", "low"]
MOST_AT_ONCE = 8
MOST_VITAL = 6


class LeverIdea(BaseModel):
    """A choice the plan could make one way or another."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="The choice in two to six words")
    consequences: str = Field(description="What pulling it changes, at once and later, and what it costs elsewhere")
    options: list[str] = Field(
        description="Three ways to set it that exclude one another, each a decision one could take"
    )
    review: str = Field(description="What the options leave out, or the tension between them")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 3, "name"),
            told(self, 40, "consequences"),
            told(self, 25, "review"),
            list_problem(3, 8, options=self.options),
        )


class LeverIdeas(Section):
    """What one turn of the brainstorm brought."""

    levers: list[LeverIdea]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(3, levers=self.levers),
            f"too many levers (at most {MOST_AT_ONCE} at once)" if len(self.levers) > MOST_AT_ONCE else None,
            entries_problem("levers", self.levers, LeverIdea.problem),
            repeated(levers=[lever.name for lever in self.levers]),
        )

    def markdown(self) -> str:
        return bullets([lever.name for lever in self.levers])


class Lever(LeverIdea):
    """A lever with its id."""

    lever_id: str

    def markdown(self) -> str:
        """The lever below a heading of its own."""
        return "\n\n".join(
            [
                f"### {self.lever_id} {one_line(self.name)}",
                one_line(self.consequences),
                bullets(self.options),
                f"**Open:** {one_line(self.review)}",
            ]
        )


class PotentialLevers(Section):
    """All levers of the brainstorm."""

    levers: list[Lever]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(2, levers=self.levers),
            repeated(lever_id=[lever.lever_id for lever in self.levers], names=[lever.name for lever in self.levers]),
            entries_problem("levers", self.levers, Lever.problem),
        )

    def markdown(self) -> str:
        return "\n\n".join(lever.markdown() for lever in self.levers)


class LeverVerdict(BaseModel):
    """What becomes of one lever."""

    model_config = ConfigDict(extra="forbid")

    lever_id: str
    classification: Literal["keep", "absorb", "remove"]
    absorbed_into: str | None = Field(
        default=None, description="Only for absorb: the id of the kept lever it goes into"
    )
    justification: str = Field(description="Why, by what it shares with others or adds to them")


class DeduplicateLevers(Section):
    """Which levers stay, which go into another one, which go."""

    verdicts: list[LeverVerdict]

    def kept_ids(self) -> list[str]:
        """The ids of the levers that stay."""
        return [verdict.lever_id for verdict in self.verdicts if verdict.classification == "keep"]

    def shallow(self) -> str | None:
        kept = self.kept_ids()
        return first_problem(
            too_few(1, verdicts=self.verdicts),
            repeated(lever_id=[verdict.lever_id for verdict in self.verdicts]),
            entries_problem("verdicts", self.verdicts, lambda verdict: told(verdict, 15, "justification")),
            entries_problem("verdicts", self.verdicts, lambda verdict: _absorption_problem(verdict, kept)),
            too_few(min(2, len(self.verdicts)), kept_levers=kept),
        )

    def markdown(self) -> str:
        rows = [
            (one.lever_id, " into ".join(filter(None, (one.classification, one.absorbed_into))), one.justification)
            for one in self.verdicts
        ]
        return table(("Lever", "Verdict", "Why"), rows)


def _absorption_problem(verdict: LeverVerdict, kept: Collection[str]) -> str | None:
    if verdict.classification != "absorb":
        given = verdict.absorbed_into
        return f"absorbed_into is for absorb alone, not {verdict.classification}" if given is not None else None
    if verdict.absorbed_into not in kept:
        return (
            f"{verdict.lever_id} is absorbed into {verdict.absorbed_into!r}, which is no kept lever: {', '.join(kept)}"
        )
    return None


class LeverNotes(BaseModel):
    """What a lever is in full, and how it works with the others and against them."""

    model_config = ConfigDict(extra="forbid")

    lever_id: str
    description: str = Field(description="What it controls, what it is meant to reach and how one sees whether it does")
    synergy_text: str = Field(description="Which other levers, by name, it makes stronger, and how")
    conflict_text: str = Field(description="Which other levers, by name, it works against, and how")


class LeverNotesBatch(Section):
    """The notes on a few levers."""

    levers: list[LeverNotes]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, levers=self.levers),
            repeated(
                lever_id=[notes.lever_id for notes in self.levers], description=[n.description for n in self.levers]
            ),
            entries_problem("levers", self.levers, _notes_problem),
        )

    def markdown(self) -> str:
        return bullets([f"{notes.lever_id}: {notes.description}" for notes in self.levers])


def _notes_problem(notes: LeverNotes) -> str | None:
    return first_problem(told(notes, 40, "description"), told(notes, 20, "synergy_text", "conflict_text"))


class EnrichedLever(Lever):
    """A lever that stays, with all that is known of it. `absorbed_levers` are the names of those that went into it."""

    description: str
    synergy_text: str
    conflict_text: str
    absorbed_levers: list[str]

    def numbered(self) -> str:
        """The lever with its options by number, to choose from."""
        options = "\n".join(f"{number}. {one_line(option)}" for number, option in enumerate(self.options, 1))
        return f"### {self.lever_id} {one_line(self.name)}\n\n{one_line(self.description)}\n\n{options}"

    def markdown(self) -> str:
        also = [f"**Also covers:** {one_line(', '.join(self.absorbed_levers))}"] if self.absorbed_levers else []
        return "\n\n".join(
            [
                self.numbered(),
                *also,
                f"**Consequences:** {one_line(self.consequences)}",
                f"**Works with:** {one_line(self.synergy_text)}",
                f"**Works against:** {one_line(self.conflict_text)}",
            ]
        )


class EnrichLevers(Section):
    """The levers that stay."""

    levers: list[EnrichedLever]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, levers=self.levers),
            repeated(lever_id=[lever.lever_id for lever in self.levers], names=[lever.name for lever in self.levers]),
            entries_problem(
                "levers",
                self.levers,
                lambda lever: first_problem(
                    lever.problem(), told(lever, 40, "description"), told(lever, 20, "synergy_text", "conflict_text")
                ),
            ),
        )

    def markdown(self) -> str:
        return "\n\n".join(lever.markdown() for lever in self.levers)


class LeverRating(BaseModel):
    """How much hangs on one lever."""

    model_config = ConfigDict(extra="forbid")

    lever_id: str
    strategic_importance: Importance
    justification: str = Field(description="What of the outcome hangs on it, compared with the others")


class LeverRatings(Section):
    """How much hangs on each lever."""

    ratings: list[LeverRating]
    summary: str = Field(description="Which few choices decide the plan, and what tension they hold")

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, ratings=self.ratings),
            repeated(lever_id=[rating.lever_id for rating in self.ratings]),
            entries_problem("ratings", self.ratings, lambda rating: told(rating, 20, "justification")),
            _all_alike(self.ratings),
            told(self, 40, "summary"),
        )

    def markdown(self) -> str:
        return bullets([f"{rating.lever_id}: {rating.strategic_importance}" for rating in self.ratings])


class RatedLever(LeverRating):
    """A rating with the lever's name."""

    lever_name: str


class FocusOnVitalFewLevers(Section):
    """The rating of every lever, and the few that decide most, the weightiest first."""

    levers: list[RatedLever]
    vital_lever_ids: list[str]
    summary: str

    def shallow(self) -> str | None:
        known = [lever.lever_id for lever in self.levers]
        unknown = [lever_id for lever_id in self.vital_lever_ids if lever_id not in known]
        return first_problem(
            too_few(1, levers=self.levers),
            repeated(lever_id=known, vital_lever_ids=self.vital_lever_ids),
            f"vital_lever_ids names levers that are not rated: {', '.join(unknown)}" if unknown else None,
            too_few(min(2, len(known)), vital_lever_ids=self.vital_lever_ids),
            f"too many vital levers (at most {MOST_VITAL})" if len(self.vital_lever_ids) > MOST_VITAL else None,
            entries_problem("levers", self.levers, lambda lever: told(lever, 20, "justification")),
            told(self, 40, "summary"),
        )

    def markdown(self) -> str:
        rows = [
            (
                lever.lever_id,
                lever.lever_name,
                lever.strategic_importance,
                "yes" if lever.lever_id in self.vital_lever_ids else "no",
                lever.justification,
            )
            for lever in self.levers
        ]
        return f"{one_line(self.summary)}\n\n{table(('Lever', 'Name', 'Importance', 'Vital', 'Why'), rows)}"


def _all_alike(ratings: Sequence[LeverRating]) -> str | None:
    """More levers than may be vital, all rated the same, is no choice."""
    same = {rating.strategic_importance for rating in ratings}
    if len(ratings) > MOST_VITAL and len(same) == 1:
        return f"every lever is rated {same.pop()}: say which of them matter more than the others"
    return None


class Decision(BaseModel):
    """A lever as the strategy document tells it."""

    model_config = ConfigDict(extra="forbid")

    lever_id: str
    name: str
    strategic_importance: Importance
    description: str
    justification: str
    options: list[str]
    synergy_text: str
    conflict_text: str

    def markdown(self) -> str:
        """The decision below a heading of level 4."""
        return "\n\n".join(
            [
                f"#### {self.lever_id} {one_line(self.name)} ({self.strategic_importance})",
                one_line(self.description),
                bullets(self.options),
                f"**Why it matters:** {one_line(self.justification)}",
                f"**Works with:** {one_line(self.synergy_text)}",
                f"**Works against:** {one_line(self.conflict_text)}",
            ]
        )


class StrategicDecisionsMarkdown(Rendered):
    """The vital decisions, and the others."""

    primary_decisions: list[Decision]
    secondary_decisions: list[Decision]

    def shallow(self) -> str | None:
        return first_problem(too_few(1, primary_decisions=self.primary_decisions), super().shallow())
