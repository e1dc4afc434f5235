"""Who carries the plan out: roles, and for each one contract, a fictional background and what it works with."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from agents.playbooks.document.checks import enough
from agents.playbooks.document.rendered import Rendered, deeper
from agents.playbooks.document.stage import Earlier, Section, Stage, Writing, one_line
from agents.playbooks.document.team_forms import (
    Contracts,
    MemberContract,
    MemberNeeds,
    MemberStory,
    Needs,
    ProposedRoles,
    Role,
    RoleContract,
    RoleNeeds,
    RoleStory,
    Stories,
    Team,
    TeamReview,
)

F = TypeVar("F", bound=Section)
FOUND = "find_team_members"
CONTRACTS = "enrich_team_members_with_contract_type"
STORIES = "enrich_team_members_with_background_story"
NEEDS = "enrich_team_members_with_environment_info"
REVIEW = "review_team"
MOST_ROLES = 12


async def write_team(writing: Writing) -> Team:
    """One question for the roles; their ids come from here."""
    most = min(writing.depth.most, MOST_ROLES)
    words = writing.earlier.markdown("consolidate_assumptions_markdown", "project_plan", "related_resources")
    found = await writing.ask(
        ProposedRoles,
        f"At most {most} roles, the most needed first.\n\n{words}",
        check=lambda answer: enough(writing.depth, 3, roles=answer.roles),
    )
    roles = found.roles[:most]
    return Team(members=[Role(id=f"E{number}", **role.model_dump()) for number, role in enumerate(roles, 1)])


async def write_contracts(writing: Writing) -> Contracts:
    """A question per role, side by side."""
    found = await _of_each_role(writing, RoleContract, ("project_plan", FOUND))
    return Contracts(members=[MemberContract(id=role_id, **it.model_dump()) for role_id, it in found.items()])


async def write_stories(writing: Writing) -> Stories:
    """A question per role, side by side."""
    found = await _of_each_role(writing, RoleStory, (FOUND,), CONTRACTS)
    return Stories(members=[MemberStory(id=role_id, **it.model_dump()) for role_id, it in found.items()])


async def write_needs(writing: Writing) -> Needs:
    """A question per role, side by side."""
    found = await _of_each_role(writing, RoleNeeds, ("project_plan", FOUND), STORIES)
    return Needs(members=[MemberNeeds(id=role_id, **it.model_dump()) for role_id, it in found.items()])


async def write_review(writing: Writing) -> TeamReview:
    """One question over the whole team."""
    words = writing.earlier.markdown("project_plan")
    return await writing.ask(TeamReview, f"{words}\n\n## The team\n\n{team_as_markdown(writing.earlier)}")


async def _of_each_role(
    writing: Writing, form: type[F], context: Sequence[str], added: str | None = None
) -> Mapping[str, F]:
    """The answer for each role by its id; each question sees the context, its role, and what `added` says of that role."""
    roles = writing.earlier.of(FOUND, Team).members
    shared = writing.earlier.markdown(*context)
    more = _added(writing.earlier, added) if added else {}

    async def write_one(role: Role) -> F:
        words = f"The role to write about: {role.id}, {one_line(role.category)} ({role.count} people)"
        known = f"\n\n{more[role.id]}" if role.id in more else ""
        return await writing.ask(form, f"{words}{known}\n\n{shared}", part=role.id)

    answers = await writing.each(roles, write_one)
    return {role.id: answer for role, answer in zip(roles, answers, strict=True)}


def team_as_markdown(earlier: Earlier) -> str:
    """Every role with all that was added to it; what was not is left out."""
    added = [_added(earlier, stage_id) for stage_id in (CONTRACTS, STORIES, NEEDS)]
    parts: list[str] = []
    for role in earlier.of(FOUND, Team).members:
        people = "1 person" if role.count == 1 else f"{role.count} people"
        head = f"### {role.id}: {one_line(role.category)} ({people})\n\n{role.explanation}\n\n**Without it:** {role.consequences}"
        parts.append("\n\n".join([head, *(more[role.id] for more in added if role.id in more)]))
    return "\n\n".join(parts)


def _added(earlier: Earlier, stage_id: str) -> dict[str, str]:
    """What one of the added sections says of each role, as Markdown by id; nothing where the section is not there."""
    forms: Mapping[str, type[Contracts] | type[Stories] | type[Needs]]
    forms = {CONTRACTS: Contracts, STORIES: Stories, NEEDS: Needs}
    if not earlier.has(stage_id):
        return {}
    return {member.id: member.markdown() for member in earlier.of(stage_id, forms[stage_id]).members}


def render_team(earlier: Earlier) -> Rendered | None:
    """The roles and the review as one document; None when there are no roles."""
    if not earlier.has(FOUND):
        return None
    is_reviewed = earlier.has(REVIEW)
    review = deeper(earlier.of(REVIEW, TeamReview).markdown()) if is_reviewed else "*The review is not written.*"
    roles = team_as_markdown(earlier) or "*No role is named.*"
    return Rendered(markdown=f"{roles}\n\n### Review of the team\n\n{review}")


STAGES = (
    Stage(
        FOUND,
        "Find team members",
        "team",
        "Names the roles that the plan needs, and how many people fill each.",
        Team,
        depends_on=("related_resources",),
        reads=("consolidate_assumptions_markdown", "project_plan"),
        write=write_team,
    ),
    Stage(
        CONTRACTS,
        "Team: contract type",
        "team",
        "Says for each role how somebody in it is bound to the plan, and why.",
        Contracts,
        depends_on=(FOUND,),
        reads=("project_plan",),
        write=write_contracts,
    ),
    Stage(
        STORIES,
        "Team: background story",
        "team",
        "Illustrates each role with a fictional background and a usual week.",
        Stories,
        depends_on=(CONTRACTS,),
        reads=(FOUND,),
        write=write_stories,
    ),
    Stage(
        NEEDS,
        "Team: environment",
        "team",
        "Says for each role what it works with, and where.",
        Needs,
        depends_on=(STORIES,),
        reads=("project_plan", FOUND),
        write=write_needs,
    ),
    Stage(
        REVIEW,
        "Review team",
        "team",
        "Says what the team lacks, and what would make it better.",
        TeamReview,
        depends_on=(NEEDS,),
        reads=("project_plan", FOUND, CONTRACTS, STORIES),
        write=write_review,
    ),
    Stage(
        "team_markdown",
        "Team document",
        "team",
        "Puts the roles, all that was added to them and the review into one document.",
        Rendered,
        depends_on=(REVIEW,),
        reads=(FOUND, CONTRACTS, STORIES, NEEDS),
        fill=render_team,
        minutes=0.05,
    ),
)
