"""The forms of the team: what is asked for each role, and the same with the role's id, which code gives."""

import re
from typing import Annotated, Generic, Literal, Protocol, TypeVar

from pydantic import AfterValidator, Field

from agents.playbooks.document.checks import entries_problem, list_problem, told
from agents.playbooks.document.filled import Entry
from agents.playbooks.document.stage import Section, bullets, first_problem, one_line, repeated, table, too_few

RoleId = Annotated[str, Field(pattern=r"^E[1-9][0-9]{0,2}$")]
ContractType = Literal[
    "full_time_employee",
    "part_time_employee",
    "fixed_term_employee",
    "contractor",
    "agency",
    "volunteer",
    "partner",
    "owner",
]
FICTIONAL = "*Fictional illustration: no real person is described.*"
# Words after which a person's name comes, in the languages that most plans are written in. A net, not a proof.
NAMED = re.compile(r"\b(?:named|Mr|Mrs|Ms|Dr|Herr|Frau|Mevrouw|Meneer|Madame|Monsieur)\.? [A-Z][a-z]+")


class HasId(Protocol):
    """Something about one role."""

    id: RoleId


H = TypeVar("H", bound=HasId)


def each_once(members: list[H]) -> list[H]:
    """The same members. Raises ValueError when an id stands there twice."""
    ids = [member.id for member in members]
    twice = sorted({role_id for role_id in ids if ids.count(role_id) > 1})
    if twice:
        raise ValueError(f"each role stands there once; twice: {', '.join(twice)}")
    return members


class ProposedRole(Entry):
    """A role that the plan needs; code gives it its id."""

    category: str = Field(description="The role's name; no person's name")
    explanation: str = Field(description="What the role does for this plan, and why nobody else can do it beside")
    count: int = Field(ge=1, le=500, description="How many people fill it")
    consequences: str = Field(description="What goes wrong when nobody fills it")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(told(self, 3, "category"), told(self, 20, "explanation", "consequences"))


class ProposedRoles(Section):
    """The roles as they are asked for, the most needed first."""

    roles: list[ProposedRole]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, roles=self.roles),
            entries_problem("roles", self.roles, ProposedRole.problem),
            repeated(roles=[role.category for role in self.roles]),
        )

    def markdown(self) -> str:
        return bullets([f"**{role.category}** ({role.count}): {role.explanation}" for role in self.roles])


class Role(ProposedRole):
    """A role of the team."""

    id: RoleId


class Team(Section):
    """The roles that the plan needs, each with its own id."""

    members: Annotated[list[Role], AfterValidator(each_once)]

    def shallow(self) -> str | None:
        return ProposedRoles(roles=list(self.members)).shallow()

    def markdown(self) -> str:
        rows = [(it.id, it.category, it.count, it.explanation, it.consequences) for it in self.members]
        return table(("Role", "What", "People", "Why", "Without it"), rows)


class OfOneRole(Section):
    """What was added to one role."""

    id: RoleId


M = TypeVar("M", bound=OfOneRole)


class RoleContract(Section):
    """How somebody in one role is bound to the plan."""

    contract_type: ContractType
    justification: str = Field(description="Why this fits the role's hours, length and money")

    def shallow(self) -> str | None:
        return told(self, 20, "justification")

    def markdown(self) -> str:
        return f"**Contract:** {self.contract_type.replace('_', ' ')}. {self.justification}"


class MemberContract(OfOneRole, RoleContract):
    """The contract of a role."""


class RoleStory(Section):
    """A fictional illustration of who could fill a role; nobody real, and without a name."""

    job_background_story_of_employee: str = Field(
        description="A fictional background that would fit the role: training, work, what they learned. No name, nobody real"
    )
    typical_job_activities: list[str] = Field(description="What somebody in this role does in a usual week")

    def shallow(self) -> str | None:
        named = NAMED.search(self.job_background_story_of_employee)
        return first_problem(
            told(self, 60, "job_background_story_of_employee"),
            f"describe the person without a name: {named[0]!r}" if named else None,
            list_problem(2, 8, typical_job_activities=self.typical_job_activities),
        )

    def markdown(self) -> str:
        week = f"A usual week:\n\n{bullets(self.typical_job_activities)}"
        return f"{FICTIONAL} {self.job_background_story_of_employee}\n\n{week}"


class MemberStory(OfOneRole, RoleStory):
    """The fictional background of a role."""

    is_fictional: Literal[True] = True


class RoleNeeds(Section):
    """What somebody in one role works with, and where."""

    equipment_needs: list[str] = Field(
        description="Things, tools and programs, with numbers; say what is there already"
    )
    facility_needs: list[str] = Field(description="Rooms, benches, storage, access; a desk at home counts")

    def shallow(self) -> str | None:
        return list_problem(1, 6, equipment_needs=self.equipment_needs, facility_needs=self.facility_needs)

    def markdown(self) -> str:
        return f"**Equipment:** {'; '.join(self.equipment_needs)}\n\n**Facilities:** {'; '.join(self.facility_needs)}"


class MemberNeeds(OfOneRole, RoleNeeds):
    """What a role needs."""


class OfRoles(Section, Generic[M]):
    """What was added to the roles, each of them once."""

    members: Annotated[list[M], AfterValidator(each_once)]

    def shallow(self) -> str | None:
        thin = (f"{it.id}: {problem}" for it in self.members if (problem := it.shallow()))
        return first_problem(too_few(1, members=self.members), *thin)

    def markdown(self) -> str:
        return "\n\n".join(f"### {it.id}\n\n{it.markdown()}" for it in self.members)


class Contracts(OfRoles[MemberContract]):
    """The contract of each role."""


class Stories(OfRoles[MemberStory]):
    """The fictional background of each role."""


class Needs(OfRoles[MemberNeeds]):
    """What each role works with."""


class TeamFinding(Entry):
    """Something the team lacks, or that would make it better."""

    issue: str
    explanation: str = Field(description="Why it matters for this plan; name roles as the team does")
    recommendation: str

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(told(self, 4, "issue"), told(self, 20, "explanation", "recommendation"))


class TeamReview(Section):
    """What the team lacks, and what would make it better."""

    omissions: list[TeamFinding] = Field(description="What nobody in the team covers")
    potential_improvements: list[TeamFinding] = Field(description="What would work better with the same people")

    def shallow(self) -> str | None:
        found = [*self.omissions, *self.potential_improvements]
        return first_problem(
            too_few(1, omissions=self.omissions, potential_improvements=self.potential_improvements),
            entries_problem("omissions", self.omissions, TeamFinding.problem),
            entries_problem("potential_improvements", self.potential_improvements, TeamFinding.problem),
            repeated(issues=[it.issue for it in found]),
        )

    def markdown(self) -> str:
        parts = {"Omissions": self.omissions, "Improvements": self.potential_improvements}
        return "\n\n".join(
            f"### {title}\n\n"
            + bullets([f"**{one_line(it.issue)}.** {it.explanation} *Do:* {it.recommendation}" for it in found])
            for title, found in parts.items()
        )
