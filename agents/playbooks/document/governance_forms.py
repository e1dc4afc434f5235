"""The forms of the six parts of governance. Who is responsible is always a body of part 2 or plainly a role."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from agents.playbooks.document.checks import entries_problem, list_problem, same, told
from agents.playbooks.document.filled import Entry
from agents.playbooks.document.parties import Party, is_body_of
from agents.playbooks.document.stage import Section, bullets, first_problem, one_line, repeated, table, too_few


class AuditProcedure(Entry):
    """One check that somebody really carries out."""

    procedure: str = Field(description="What is checked, and how")
    frequency: str = Field(description="When or how often")
    responsible: str = Field(description="The role that does it; no person's name")


class Audit(Section):
    """Where money or trust could be lost, and how that is found out."""

    corruption_list: list[str] = Field(description="How somebody could gain unduly from this plan")
    misallocation_list: list[str] = Field(description="How money, time or goods could go where they do not help")
    audit_procedures: list[AuditProcedure]
    transparency_measures: list[str] = Field(description="What is shown to whom, and where")

    def shallow(self) -> str | None:
        return first_problem(
            list_problem(
                2,
                15,
                corruption_list=self.corruption_list,
                misallocation_list=self.misallocation_list,
                transparency_measures=self.transparency_measures,
            ),
            too_few(2, audit_procedures=self.audit_procedures),
            entries_problem(
                "audit_procedures",
                self.audit_procedures,
                lambda it: first_problem(told(it, 15, "procedure"), told(it, 4, "frequency", "responsible")),
            ),
            repeated(audit_procedures=[it.procedure for it in self.audit_procedures]),
            repeated(dangers=[*self.corruption_list, *self.misallocation_list]),
        )

    def markdown(self) -> str:
        procedures = [(it.procedure, it.frequency, it.responsible) for it in self.audit_procedures]
        return "\n\n".join(
            [
                f"### Dangers of corruption\n\n{bullets(self.corruption_list)}",
                f"### Dangers of misallocation\n\n{bullets(self.misallocation_list)}",
                f"### Audit procedures\n\n{table(('Procedure', 'When', 'Who'), procedures)}",
                f"### Transparency\n\n{bullets(self.transparency_measures)}",
            ]
        )


class Body(Entry):
    """One body that steers or controls the plan from inside."""

    name: str = Field(description="The name that later parts refer to")
    rationale: str = Field(description="Why this plan needs it")
    responsibilities: list[str]
    membership: list[str] = Field(description="Roles that sit in it; no person's name")
    decision_rights: str = Field(description="What it may decide, up to which amount")
    decision_mechanism: str = Field(description="How it decides, and what happens at a tie")
    meeting_cadence: str
    escalation_path: str = Field(description="When a matter goes up, and how fast")
    escalates_to: Party = Field(description="To whom: another body, or the role that has the last word")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 3, "name"),
            told(self, 4, "meeting_cadence"),
            told(self, 15, "rationale", "decision_rights", "decision_mechanism", "escalation_path"),
            list_problem(1, 8, responsibilities=self.responsibilities),
            list_problem(1, 3, membership=self.membership),
            self.escalates_to.problem(),
        )


class Bodies(Section):
    """The bodies of the plan; matters that one cannot settle always end somewhere."""

    internal_governance_bodies: list[Body]

    def shallow(self) -> str | None:
        bodies = self.internal_governance_bodies
        names = [body.name for body in bodies]
        return first_problem(
            too_few(1, internal_governance_bodies=bodies),
            entries_problem("internal_governance_bodies", bodies, Body.problem),
            repeated(names=names),
            # Only where every name is known can a matter be followed from body to body.
            is_body_of(names, [body.escalates_to for body in bodies]) or self._circle(),
        )

    def _circle(self) -> str | None:
        """A body from which a matter goes round and reaches nobody with the last word; all that are named must be known."""
        goes_to = {one_line(it.name).casefold(): it.escalates_to for it in self.internal_governance_bodies}
        for body in self.internal_governance_bodies:
            party, steps = body.escalates_to, 0
            while party.kind == "body" and steps <= len(goes_to):
                party, steps = goes_to[one_line(party.name).casefold()], steps + 1
            if party.kind == "body":
                return f"what {body.name!r} escalates goes in a circle: the highest body escalates to a role with the last word"
        return None

    def markdown(self) -> str:
        return "\n\n".join(
            f"### {one_line(it.name)}\n\n{it.rationale}\n\n"
            + bullets(
                [
                    f"**Responsible for:** {'; '.join(it.responsibilities)}",
                    f"**Members:** {'; '.join(it.membership)}",
                    f"**May decide:** {it.decision_rights}",
                    f"**How it decides:** {it.decision_mechanism}",
                    f"**Meets:** {it.meeting_cadence}",
                    f"**Escalates to {it.escalates_to.name}:** {it.escalation_path}",
                ]
            )
            for it in self.internal_governance_bodies
        )


class SetUpStep(Entry):
    """One step on the way to working governance; its number is its place in the list, from 1."""

    step_description: str
    responsible_body_or_role: Party
    suggested_timeframe: str = Field(description="Week, month or date")
    key_outputs_deliverables: list[str]
    dependencies: list[int] = Field(description="Numbers of earlier steps that must be over; the first step is 1")
    sets_up: list[str] = Field(description="Names of the bodies that work once this step is over; mostly empty")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 15, "step_description"),
            told(self, 3, "suggested_timeframe"),
            list_problem(1, 4, key_outputs_deliverables=self.key_outputs_deliverables),
            self.responsible_body_or_role.problem(),
        )


class ImplementationPlan(Section):
    """The steps that set up the bodies, in order."""

    governance_implementation_plan: list[SetUpStep]

    def shallow(self) -> str | None:
        steps = self.governance_implementation_plan
        return first_problem(
            too_few(2, governance_implementation_plan=steps),
            entries_problem("governance_implementation_plan", steps, SetUpStep.problem),
            repeated(steps=[step.step_description for step in steps]),
            *(
                f"step {number} depends on {later}: dependencies are numbers of earlier steps, each once"
                for number, step in enumerate(steps, 1)
                for later in step.dependencies
                if not 1 <= later < number or step.dependencies.count(later) > 1
            ),
        )

    def problem_with(self, known: Sequence[str]) -> str | None:
        """What does not fit the bodies of part 2: somebody unknown is responsible, or a body is never set up."""
        steps = self.governance_implementation_plan
        set_up = [name for step in steps for name in step.sets_up]
        missing = [name for name in known if not any(same(name, done) for done in set_up)]
        return first_problem(
            is_body_of(known, [step.responsible_body_or_role for step in steps]),
            is_body_of(known, [Party(kind="body", name=name) for name in set_up]),
            repeated(sets_up=set_up),
            f"no step sets up (in sets_up): {'; '.join(missing)}" if missing else None,
        )

    def markdown(self) -> str:
        rows = [
            (
                number,
                step.step_description,
                step.responsible_body_or_role.name,
                step.suggested_timeframe,
                "; ".join(step.key_outputs_deliverables),
                ", ".join(map(str, step.dependencies)) or "none",
            )
            for number, step in enumerate(self.governance_implementation_plan, 1)
        ]
        return table(("Step", "What", "Who", "When", "What comes out", "After step"), rows)


class EscalatedIssue(Entry):
    """A kind of issue that goes beyond who meets it first."""

    issue_type: str
    escalation_level: Party = Field(description="Who decides it")
    approval_process: str = Field(description="How it is decided, and within what time")
    negative_consequences: str = Field(description="What happens if nobody decides")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 8, "issue_type"),
            told(self, 15, "approval_process", "negative_consequences"),
            self.escalation_level.problem(),
        )


class EscalationMatrix(Section):
    """For each kind of issue who decides."""

    decision_escalation_matrix: list[EscalatedIssue]

    def shallow(self) -> str | None:
        issues = self.decision_escalation_matrix
        return first_problem(
            too_few(2, decision_escalation_matrix=issues),
            entries_problem("decision_escalation_matrix", issues, EscalatedIssue.problem),
            repeated(issue_types=[it.issue_type for it in issues]),
        )

    def markdown(self) -> str:
        rows = [
            (it.issue_type, it.escalation_level.name, it.approval_process, it.negative_consequences)
            for it in self.decision_escalation_matrix
        ]
        return table(("Issue", "Who decides", "How", "If nobody does"), rows)


class Measure(Entry):
    """One way in which progress is measured."""

    approach: str = Field(description="What is measured, and by what means")
    frequency: str
    responsible_role: Party
    adaptation_trigger: str = Field(description="The number or event at which the plan changes course")
    adaptation_process: str = Field(description="What is then done, and who agrees to it")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 15, "approach", "adaptation_process"),
            told(self, 10, "adaptation_trigger"),
            told(self, 4, "frequency"),
            self.responsible_role.problem(),
        )


class Monitoring(Section):
    """How progress is seen, and what changes the course."""

    monitoring_progress: list[Measure]

    def shallow(self) -> str | None:
        measures = self.monitoring_progress
        return first_problem(
            too_few(2, monitoring_progress=measures),
            entries_problem("monitoring_progress", measures, Measure.problem),
            repeated(approaches=[it.approach for it in measures]),
        )

    def markdown(self) -> str:
        rows = [
            (it.approach, it.frequency, it.responsible_role.name, it.adaptation_trigger, it.adaptation_process)
            for it in self.monitoring_progress
        ]
        return table(("What is measured", "How often", "Who", "Changes course when", "How"), rows)


class ValidationCheck(Entry):
    """One thing checked between the parts."""

    checked: str = Field(description="What was compared with what")
    result: Literal["sound", "gap"]
    finding: str
    recommendation: str = Field(description="For a gap: how to close it; else empty")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 10, "checked"),
            told(self, 15, "finding"),
            told(self, 15, "recommendation") if self.result == "gap" else None,
        )


class GovernanceChecks(Section):
    """Whether the five parts hold together, what they must still answer, and what they amount to."""

    governance_validation_checks: list[ValidationCheck]
    tough_questions: list[str] = Field(
        description="Questions that those responsible must be able to answer at any time"
    )
    summary: str

    def shallow(self) -> str | None:
        checks = self.governance_validation_checks
        return first_problem(
            too_few(2, governance_validation_checks=checks),
            entries_problem("governance_validation_checks", checks, ValidationCheck.problem),
            repeated(checked=[it.checked for it in checks]),
            list_problem(2, 15, tough_questions=self.tough_questions),
            told(self, 50, "summary"),
        )

    def markdown(self) -> str:
        rows = [
            (it.checked, it.result, it.finding, it.recommendation or "-") for it in self.governance_validation_checks
        ]
        return "\n\n".join(
            [
                self.summary,
                f"### Checks\n\n{table(('Checked', 'Result', 'Finding', 'Recommendation'), rows)}",
                f"### Hard questions\n\n{bullets(self.tough_questions)}",
            ]
        )
