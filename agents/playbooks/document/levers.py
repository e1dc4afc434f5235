"""Levers: brainstormed over several turns, freed of repeats, described, rated, and told as one strategy document."""

from collections.abc import Iterable, Sequence

from agents.playbooks.document.checks import same
from agents.playbooks.document.lever_forms import (
    MOST_VITAL,
    Decision,
    DeduplicateLevers,
    EnrichedLever,
    EnrichLevers,
    FocusOnVitalFewLevers,
    Importance,
    Lever,
    LeverIdea,
    LeverIdeas,
    LeverNotes,
    LeverNotesBatch,
    LeverRating,
    LeverRatings,
    PotentialLevers,
    RatedLever,
    StrategicDecisionsMarkdown,
)
from agents.playbooks.document.stage import Earlier, Stage, Writing, bullets, one_line
from agents.thinking import Trail

BATCH = 5
RANK: dict[Importance, int] = {"critical": 0, "high": 1, "medium": 2, "low": 3}


async def write_potential_levers(writing: Writing) -> PotentialLevers:
    """A brainstorm of several turns in one conversation; a lever that an earlier turn brought counts once."""
    found: list[LeverIdea] = []
    trail = Trail()
    about = writing.earlier.markdown("identify_purpose", "plan_type")
    number = "Three" if writing.depth.is_short else "Five"
    for turn in range(1, writing.depth.turns + 1):
        before = bullets([idea.name for idea in found])
        more = f"{number} further levers, on sides of the plan that none of these touches:\n{before}"
        words = f"{about}\n\n{more if before else f'{number} levers.'}"
        ideas = await writing.ask(LeverIdeas, words, part=f"turn-{turn}", trail=trail, more=more)
        found += [idea for idea in ideas.levers if not any(same(idea.name, one.name) for one in found)]
    return PotentialLevers(levers=[Lever(lever_id=f"L{n}", **idea.model_dump()) for n, idea in enumerate(found, 1)])


async def write_deduplicate_levers(writing: Writing) -> DeduplicateLevers:
    """One question about all levers; the answer decides on every one of them."""
    known = [lever.lever_id for lever in writing.earlier.of("potential_levers", PotentialLevers).levers]
    return await writing.ask(
        DeduplicateLevers,
        writing.earlier.markdown("potential_levers"),
        check=lambda found: wrong_ids("verdicts", [verdict.lever_id for verdict in found.verdicts], known),
    )


async def write_enrich_levers(writing: Writing) -> EnrichLevers:
    """Notes on the levers that stay, five to a question, side by side."""
    potential = writing.earlier.of("potential_levers", PotentialLevers)
    deduplicated = writing.earlier.of("deduplicate_levers", DeduplicateLevers)
    levers = staying(potential, deduplicated)
    batches = [(start // BATCH + 1, levers[start : start + BATCH]) for start in range(0, len(levers), BATCH)]
    names = {lever.lever_id: lever.name for lever in potential.levers}
    absorbed: dict[str, list[str]] = {}
    for verdict in deduplicated.verdicts:
        if verdict.absorbed_into is not None:
            absorbed.setdefault(verdict.absorbed_into, []).append(names.get(verdict.lever_id, verdict.lever_id))
    everyone = "## All levers\n\n" + bullets([_line(lever, absorbed) for lever in levers])

    async def notes_on(numbered: tuple[int, Sequence[Lever]]) -> LeverNotesBatch:
        number, batch = numbered
        ids = [lever.lever_id for lever in batch]
        return await writing.ask(
            LeverNotesBatch,
            f"{everyone}\n\n## Describe these\n\n" + "\n\n".join(lever.markdown() for lever in batch),
            part=f"batch-{number}",
            check=lambda found: wrong_ids("levers", [notes.lever_id for notes in found.levers], ids),
        )

    notes = {found.lever_id: found for batch in await writing.each(batches, notes_on) for found in batch.levers}
    return EnrichLevers(
        levers=[_enriched(lever, notes[lever.lever_id], absorbed.get(lever.lever_id, [])) for lever in levers]
    )


async def write_focus(writing: Writing) -> FocusOnVitalFewLevers:
    """One question rates every lever; code keeps the vital few of them."""
    levers = writing.earlier.of("enrich_levers", EnrichLevers).levers
    names = {lever.lever_id: lever.name for lever in levers}
    found = await writing.ask(
        LeverRatings,
        writing.earlier.markdown("enrich_levers"),
        check=lambda answer: wrong_ids("ratings", [rating.lever_id for rating in answer.ratings], names),
    )
    return FocusOnVitalFewLevers(
        levers=[RatedLever(lever_name=names[rating.lever_id], **rating.model_dump()) for rating in found.ratings],
        vital_lever_ids=vital_of(found.ratings),
        summary=found.summary,
    )


def fill_strategic_decisions(earlier: Earlier) -> StrategicDecisionsMarkdown:
    """The vital levers, then the others, each group from the weightiest on."""
    focus = earlier.of("focus_on_vital_few_levers", FocusOnVitalFewLevers)
    levers = {lever.lever_id: lever for lever in earlier.of("enrich_levers", EnrichLevers).levers}
    decisions = [
        _decision(levers[rated.lever_id], rated)
        for rated in sorted(focus.levers, key=lambda rated: RANK[rated.strategic_importance])
        if rated.lever_id in levers
    ]
    primary = [decision for decision in decisions if decision.lever_id in focus.vital_lever_ids]
    secondary = [decision for decision in decisions if decision.lever_id not in focus.vital_lever_ids]
    chapters = [one_line(focus.summary)]
    for heading, some in (("Primary decisions", primary), ("Secondary decisions", secondary)):
        if some:
            chapters += [f"### {heading}", *(decision.markdown() for decision in some)]
    return StrategicDecisionsMarkdown(
        primary_decisions=primary, secondary_decisions=secondary, markdown="\n\n".join(chapters)
    )


def staying(potential: PotentialLevers, deduplicated: DeduplicateLevers) -> list[Lever]:
    """The levers that stay; one on which nothing was decided stays too."""
    going = {verdict.lever_id for verdict in deduplicated.verdicts if verdict.classification != "keep"}
    return [lever for lever in potential.levers if lever.lever_id not in going]


def vital_of(ratings: Sequence[LeverRating]) -> list[str]:
    """The critical and high ones, the weightiest first: six at most, and at least two where there are two."""
    ranked = sorted(ratings, key=lambda rating: RANK[rating.strategic_importance])
    weighty = sum(rating.strategic_importance in {"critical", "high"} for rating in ranked)
    return [rating.lever_id for rating in ranked[: min(MOST_VITAL, max(2, weighty))]]


def vital_levers(earlier: Earlier) -> list[EnrichedLever]:
    """The vital few with all that is known of them, the weightiest first."""
    levers = {lever.lever_id: lever for lever in earlier.of("enrich_levers", EnrichLevers).levers}
    focus = earlier.of("focus_on_vital_few_levers", FocusOnVitalFewLevers)
    return [levers[lever_id] for lever_id in focus.vital_lever_ids if lever_id in levers]


def wrong_ids(name: str, given: Sequence[str], known: Iterable[str]) -> str | None:
    """Which ids are not known and which are left out; None when each of the known ones is there."""
    wanted = list(known)
    unknown = [one for one in given if one not in wanted]
    missing = [one for one in wanted if one not in given]
    if unknown:
        return f"{name}: there is no {', '.join(unknown)}; the ids are {', '.join(wanted)}"
    return f"{name}: nothing is said of {', '.join(missing)}" if missing else None


def _line(lever: Lever, absorbed: dict[str, list[str]]) -> str:
    also = f" (also covers: {', '.join(absorbed[lever.lever_id])})" if lever.lever_id in absorbed else ""
    return f"{lever.lever_id} {lever.name}{also}"


def _enriched(lever: Lever, notes: LeverNotes, absorbed: Sequence[str]) -> EnrichedLever:
    known = {**lever.model_dump(), **notes.model_dump()}
    return EnrichedLever.model_validate({**known, "absorbed_levers": list(absorbed)})


def _decision(lever: EnrichedLever, rated: RatedLever) -> Decision:
    return Decision(
        lever_id=lever.lever_id,
        name=lever.name,
        strategic_importance=rated.strategic_importance,
        description=lever.description,
        justification=rated.justification,
        options=lever.options,
        synergy_text=lever.synergy_text,
        conflict_text=lever.conflict_text,
    )


STAGES = (
    Stage(
        "potential_levers",
        "Potential levers",
        "levers",
        "Collects the strategic choices the plan could make one way or another, with the options for each.",
        PotentialLevers,
        depends_on=("plan_type",),
        reads=("identify_purpose",),
        write=write_potential_levers,
        minutes=0.8,
    ),
    Stage(
        "deduplicate_levers",
        "Deduplicate levers",
        "levers",
        "Decides for each choice whether it stays, goes into another one, or goes.",
        DeduplicateLevers,
        depends_on=("potential_levers",),
        write=write_deduplicate_levers,
    ),
    Stage(
        "enrich_levers",
        "Enrich levers",
        "levers",
        "Describes the choices that stay, and how they work with and against one another.",
        EnrichLevers,
        depends_on=("deduplicate_levers",),
        reads=("potential_levers",),
        write=write_enrich_levers,
        minutes=0.5,
    ),
    Stage(
        "focus_on_vital_few_levers",
        "Vital few levers",
        "levers",
        "Rates what hangs on each choice and keeps the few that decide most of the outcome.",
        FocusOnVitalFewLevers,
        depends_on=("enrich_levers",),
        write=write_focus,
    ),
    Stage(
        "strategic_decisions_markdown",
        "Strategic decisions document",
        "levers",
        "Tells the vital choices and the others as one strategy document.",
        StrategicDecisionsMarkdown,
        depends_on=("focus_on_vital_few_levers",),
        reads=("enrich_levers",),
        fill=fill_strategic_decisions,
        minutes=0.05,
    ),
)
