"""The plan from outside: strengths, weaknesses, opportunities and threats, and what experts hold against it."""

from agents.playbooks.document.analysis_forms import (
    Criticism,
    Expert,
    ExpertReview,
    FoundExperts,
    Swot,
    known_again,
)
from agents.playbooks.document.checks import enough
from agents.playbooks.document.classification import IdentifyPurpose
from agents.playbooks.document.stage import Stage, Writing, bullets
from agents.thinking import Trail

CRITICS = 2  # so many of the experts criticise; one where the plan is to be short
EXPERTS_PER_QUESTION = 4
MORE = "more"


async def write_swot(writing: Writing) -> Swot:
    """One question; its instructions differ by whose purpose the plan serves."""
    earlier = writing.earlier
    purpose = earlier.of("identify_purpose", IdentifyPurpose).purpose
    words = earlier.markdown(
        "identify_purpose",
        "strategic_decisions_markdown",
        "consolidate_assumptions_markdown",
        "pre_project_assessment",
        "project_plan",
        "related_resources",
    )
    return await writing.ask(
        Swot,
        words,
        prompt=f"swot_{purpose}",
        check=lambda found: enough(
            writing.depth,
            3,
            strengths=found.strengths,
            weaknesses=found.weaknesses,
            opportunities=found.opportunities,
            threats=found.threats,
            recommendations=found.recommendations,
        ),
    )


async def write_review(writing: Writing) -> ExpertReview:
    """First the experts who know most; then, side by side, what the first of them criticise, and further experts."""
    words = writing.earlier.markdown(
        "consolidate_assumptions_markdown", "project_plan", "related_resources", "swot_analysis"
    )
    trail = Trail()
    found = await _first_experts(writing, words, trail)
    experts = [Expert(id=f"X{number}", **it.model_dump()) for number, it in enumerate(found.experts, 1)]
    critics = experts[: 1 if writing.depth.is_short else CRITICS]
    wants_more = writing.depth.turns > 1

    async def go_on(expert: Expert | None) -> FoundExperts | Criticism:
        if expert is None:
            return await _more_experts(writing, words, found, trail)
        return await _criticism(writing, words, expert)

    answers = await writing.each([*critics, *([None] if wants_more else [])], go_on)
    further = [it for answer in answers if isinstance(answer, FoundExperts) for it in answer.experts]
    experts += [Expert(id=f"X{number}", **it.model_dump()) for number, it in enumerate(further, len(experts) + 1)]
    criticisms = [answer for answer in answers if isinstance(answer, Criticism)]
    return ExpertReview(
        experts=experts,
        reviews=[it.by(expert.id) for expert, it in zip(critics, criticisms, strict=True)],
    )


async def _first_experts(writing: Writing, words: str, trail: Trail) -> FoundExperts:
    most = min(writing.depth.most, EXPERTS_PER_QUESTION)
    least = 1 if writing.depth.is_short else CRITICS
    found = await writing.ask(
        FoundExperts,
        f"At most {most} experts: those whose criticism would help this plan most, the most needed first.\n\n{words}",
        part="experts",
        prompt="expert_review",
        check=lambda answer: enough(writing.depth, least, experts=answer.experts),
        trail=trail,
    )
    return FoundExperts(experts=found.experts[:most])


async def _more_experts(writing: Writing, words: str, found: FoundExperts, trail: Trail) -> FoundExperts:
    """Experts of further fields; none that is already among the first."""
    more = f"Name up to {EXPERTS_PER_QUESTION} further experts, of fields that these do not cover:\n\n" + bullets(
        [it.title for it in found.experts]
    )
    answer = await writing.ask(
        FoundExperts,
        f"{more}\n\n{words}",
        part=MORE,
        prompt="expert_review",
        check=lambda answer: known_again(answer.experts, found.experts),
        trail=trail,
        more=more,
    )
    return FoundExperts(experts=answer.experts[:EXPERTS_PER_QUESTION])


async def _criticism(writing: Writing, words: str, expert: Expert) -> Criticism:
    return await writing.ask(
        Criticism,
        f"You are this expert: {expert.title}. You know: {expert.knowledge}\n\n{words}",
        part=expert.id,
        prompt="expert_criticism",
        check=lambda answer: enough(writing.depth, 2, negative_feedback_list=answer.negative_feedback_list),
    )


STAGES = (
    Stage(
        "swot_analysis",
        "SWOT analysis",
        "analysis",
        "Weighs strengths, weaknesses, opportunities and threats, and draws recommendations from them.",
        Swot,
        depends_on=("related_resources",),
        reads=(
            "identify_purpose",
            "strategic_decisions_markdown",
            "consolidate_assumptions_markdown",
            "pre_project_assessment",
            "project_plan",
        ),
        write=write_swot,
        prompts=("swot_business", "swot_personal", "swot_other"),
    ),
    Stage(
        "expert_review",
        "Expert criticism",
        "analysis",
        "Finds which experts the plan needs, and has the first of them say what is wrong with it and how to mend it.",
        ExpertReview,
        depends_on=("swot_analysis",),
        reads=("consolidate_assumptions_markdown", "project_plan", "related_resources"),
        write=write_review,
        prompts=("expert_review", "expert_criticism"),
        minutes=0.6,
    ),
)
