"""Who watches over the plan: six parts, each written from those before it, and one document of them all."""

from agents.playbooks.document.checks import enough, same
from agents.playbooks.document.governance_forms import (
    Audit,
    Bodies,
    EscalationMatrix,
    GovernanceChecks,
    ImplementationPlan,
    Monitoring,
)
from agents.playbooks.document.parties import is_body_of, unused_bodies
from agents.playbooks.document.rendered import Rendered, deeper
from agents.playbooks.document.stage import Earlier, Stage, Writing, first_problem

AUDIT = "governance_phase1_audit"
BODIES = "governance_phase2_bodies"
SET_UP = "governance_phase3_impl_plan"
MATRIX = "governance_phase4_decision_escalation_matrix"
MONITORING = "governance_phase5_monitoring_progress"
CHECKS = "governance_phase6_extra"


async def write_audit(writing: Writing) -> Audit:
    """One question, from the plan."""
    words = writing.earlier.markdown("consolidate_assumptions_markdown", "project_plan")
    return await writing.ask(
        Audit, words, check=lambda found: enough(writing.depth, 3, audit_procedures=found.audit_procedures)
    )


async def write_bodies(writing: Writing) -> Bodies:
    """One question, from the plan and what must be audited."""
    return await writing.ask(Bodies, writing.earlier.markdown("project_plan", AUDIT))


async def write_set_up(writing: Writing) -> ImplementationPlan:
    """One question; every body is set up, and none that is not known."""
    known = bodies_of(writing.earlier)
    words = f"{_names(known)}\n\n{writing.earlier.markdown('project_plan', BODIES)}"
    return await writing.ask(ImplementationPlan, words, check=lambda found: found.problem_with(known))


async def write_matrix(writing: Writing) -> EscalationMatrix:
    """One question; who decides is a known body or a role."""
    known = bodies_of(writing.earlier)
    words = f"{_names(known)}\n\n{writing.earlier.markdown('project_plan', BODIES, SET_UP)}"
    return await writing.ask(
        EscalationMatrix,
        words,
        check=lambda found: first_problem(
            is_body_of(known, [it.escalation_level for it in found.decision_escalation_matrix]),
            enough(writing.depth, 3, decision_escalation_matrix=found.decision_escalation_matrix),
        ),
    )


async def write_monitoring(writing: Writing) -> Monitoring:
    """One question; who measures is a known body or a role."""
    known = bodies_of(writing.earlier)
    words = f"{_names(known)}\n\n{writing.earlier.markdown('project_plan', BODIES, SET_UP, MATRIX)}"
    return await writing.ask(
        Monitoring,
        words,
        check=lambda found: first_problem(
            is_body_of(known, [it.responsible_role for it in found.monitoring_progress]),
            enough(writing.depth, 3, monitoring_progress=found.monitoring_progress),
        ),
    )


async def write_checks(writing: Writing) -> GovernanceChecks:
    """One question over all five parts, with the gaps that counting finds."""
    found = gaps_of(writing.earlier)
    counted = "Found by counting:\n" + "\n".join(f"- {gap}" for gap in found) if found else "Counting finds no gap."
    words = writing.earlier.markdown("project_plan", AUDIT, BODIES, SET_UP, MATRIX, MONITORING)
    return await writing.ask(GovernanceChecks, f"{counted}\n\n{words}")


def bodies_of(earlier: Earlier) -> list[str]:
    """The names of the bodies of part 2."""
    return [body.name for body in earlier.of(BODIES, Bodies).internal_governance_bodies]


def gaps_of(earlier: Earlier) -> list[str]:
    """What rules alone can tell about parts 2 to 5: bodies that nothing is given to."""
    known = bodies_of(earlier)
    matrix = earlier.of(MATRIX, EscalationMatrix).decision_escalation_matrix
    monitoring = earlier.of(MONITORING, Monitoring).monitoring_progress
    steps = earlier.of(SET_UP, ImplementationPlan).governance_implementation_plan
    set_up = [name for step in steps for name in step.sets_up]
    never = [f"No step sets up {name}" for name in known if not any(same(name, done) for done in set_up)]
    idle = unused_bodies(known, [*(it.escalation_level for it in matrix), *(it.responsible_role for it in monitoring)])
    return [*never, *(f"{name} neither decides an escalation nor measures anything" for name in idle)]


def consolidate(earlier: Earlier) -> Rendered | None:
    """The six parts as one document; parts that are not there are named. None when there is none."""
    parts = [stage for stage in STAGES if stage.id != "consolidate_governance"]
    if not any(earlier.has(stage.id) for stage in parts):
        return None
    found: list[str] = []
    for stage in parts:
        is_there = earlier.has(stage.id)
        text = deeper(earlier.of(stage.id, stage.form).markdown()) if is_there else "*This part is not written.*"
        found.append(f"### {stage.title}\n\n{text}")
    return Rendered(markdown="\n\n".join(found))


def _names(known: list[str]) -> str:
    return f"The bodies that exist: {'; '.join(known)}"


STAGES = (
    Stage(
        AUDIT,
        "Governance 1: audit",
        "governance",
        "Lists where corruption or waste could creep in, and how that is audited and kept visible.",
        Audit,
        depends_on=("project_plan",),
        reads=("consolidate_assumptions_markdown",),
        write=write_audit,
    ),
    Stage(
        BODIES,
        "Governance 2: bodies",
        "governance",
        "Says which bodies steer the plan: who sits in them, what they may decide, when they meet, whom they ask.",
        Bodies,
        depends_on=(AUDIT,),
        reads=("project_plan",),
        write=write_bodies,
    ),
    Stage(
        SET_UP,
        "Governance 3: implementation plan",
        "governance",
        "Puts the steps that set up those bodies in order, with who does them, when, and what comes out.",
        ImplementationPlan,
        depends_on=(BODIES,),
        reads=("project_plan",),
        write=write_set_up,
    ),
    Stage(
        MATRIX,
        "Governance 4: escalation matrix",
        "governance",
        "Says for each kind of issue who decides, how that is approved, and what happens when nobody does.",
        EscalationMatrix,
        depends_on=(SET_UP,),
        reads=("project_plan", BODIES),
        write=write_matrix,
    ),
    Stage(
        MONITORING,
        "Governance 5: monitoring",
        "governance",
        "Says how progress is measured, how often and by whom, and what makes the plan change course.",
        Monitoring,
        depends_on=(MATRIX,),
        reads=("project_plan", BODIES, SET_UP),
        write=write_monitoring,
    ),
    Stage(
        CHECKS,
        "Governance 6: checks",
        "governance",
        "Looks for gaps between the five parts, asks the hard questions, and sums up.",
        GovernanceChecks,
        depends_on=(MONITORING,),
        reads=("project_plan", AUDIT, BODIES, SET_UP, MATRIX),
        write=write_checks,
    ),
    Stage(
        "consolidate_governance",
        "Consolidate governance",
        "governance",
        "Joins the six parts into one document.",
        Rendered,
        depends_on=(CHECKS,),
        reads=(AUDIT, BODIES, SET_UP, MATRIX, MONITORING),
        fill=consolidate,
        minutes=0.05,
    ),
)
