"""What is known of the tasks in a work breakdown: what they wait for, how long they take, and the steps they consist of."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from agents.playbooks.document.filled import Entry, MayBeEmpty, unfilled
from agents.playbooks.document.stage import Section, bullets, first_problem, repeated, table, texts_too_short, too_few
from agents.playbooks.document.work_breakdown import WbsFull, WbsNode, WbsTree, rows_of, too_many
from agents.sequencer import Part, sequence
from core.errors import Invalid

Days = float


class TaskDependency(Entry):
    """What one task waits for, and why."""

    dependent_task_id: str
    depends_on_task_id_list: list[str]
    depends_on_task_explanation_list: list[str] = Field(description="One reason for each id, in the same order")


class TaskDependencies(Section):
    """Which tasks of level 2 must be finished before which others begin."""

    task_dependency_details: list[TaskDependency]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, task_dependency_details=self.task_dependency_details),
            unfilled(self),
            repeated(dependent_task_id=[entry.dependent_task_id for entry in self.task_dependency_details]),
            *(_edge_problem(entry) for entry in self.task_dependency_details),
            self._cycle(),
        )

    def _cycle(self) -> str | None:
        needs = {e.dependent_task_id: frozenset(e.depends_on_task_id_list) for e in self.task_dependency_details}
        ids = dict.fromkeys([*needs, *(need for each in needs.values() for need in each)])
        try:
            sequence([Part(task_id, needs.get(task_id, frozenset())) for task_id in ids])
        except Invalid as error:
            return f"{error}: {error.detail}"
        return None

    def unknown(self, known: Sequence[str]) -> str | None:
        """Ids that no task has, in words; None when there is none."""
        used = [i for e in self.task_dependency_details for i in (e.dependent_task_id, *e.depends_on_task_id_list)]
        strangers = [task_id for task_id in dict.fromkeys(used) if task_id not in known]
        return f"no task has the id {', '.join(strangers)}; allowed: {', '.join(known)}" if strangers else None

    def markdown(self) -> str:
        pairs = (
            (entry.dependent_task_id, need, why)
            for entry in self.task_dependency_details
            for need, why in zip(entry.depends_on_task_id_list, entry.depends_on_task_explanation_list, strict=False)
        )
        return table(["Task", "Waits for", "Because"], list(pairs))


class Estimated(Entry):
    """How long one task takes, in days of calendar time."""

    days_min: Days = Field(gt=0, le=3650, allow_inf_nan=False, description="When all goes well")
    days_realistic: Days = Field(gt=0, le=3650, allow_inf_nan=False)
    days_max: Days = Field(gt=0, le=3650, allow_inf_nan=False, description="When much goes wrong")
    delay_risks: str = Field(description="What could delay this task")
    mitigation_strategy: str = Field(description="What is done against that")


class NumberedEstimate(Estimated):
    """The estimate of the task with this number in the question."""

    number: int = Field(ge=1, le=3)


class EstimatesGiven(Section):
    """One estimate for each task of the question."""

    estimates: list[NumberedEstimate]

    def shallow(self) -> str | None:
        numbers = [f"number {entry.number}" for entry in self.estimates]
        return first_problem(
            too_few(1, estimates=self.estimates),
            repeated(estimates=numbers),
            unfilled(self),
            *(days_problem(f"number {entry.number}", entry) for entry in self.estimates),
        )

    def markdown(self) -> str:
        return table(["Task", "Days"], [(entry.number, entry.days_realistic) for entry in self.estimates])


class TaskEstimate(Estimated):
    """How long a task of level 2 takes."""

    task_id: str


class TaskDurations(Section):
    """An estimate for every task of level 2."""

    estimates: list[TaskEstimate]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, estimates=self.estimates),
            repeated(task_id=[entry.task_id for entry in self.estimates]),
            unfilled(self),
            *(days_problem(entry.task_id, entry) for entry in self.estimates),
        )

    def markdown(self) -> str:
        head = ["Task", "Days at least", "Days", "Days at most", "What may delay it", "Against that"]
        rows = [
            (
                e.task_id,
                _days(e.days_min),
                _days(e.days_realistic),
                _days(e.days_max),
                e.delay_risks,
                e.mitigation_strategy,
            )
            for e in self.estimates
        ]
        return table(head, rows)


class StepNamed(Entry):
    """A step of a task: something that one person, or a program, can do in one go."""

    name: str = Field(description="What is done, beginning with a verb")
    description: str
    resources_needed: MayBeEmpty = Field(
        description="People, tools, money, places; empty when nothing special is needed"
    )
    role: str = Field(description="The role that does it, one of the team's where it fits")
    execution_type: Literal["manual", "semi_automated", "fully_automated"] = Field(
        description="manual: only a person can do it. semi_automated: software prepares it and a person reviews it. "
        "fully_automated: software alone can do it"
    )
    done_when: str = Field(description="How somebody else can see that it is done")
    confidence: float = Field(
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="How sure you are that this step is right and enough is known to do it",
    )


class StepsNamed(Section):
    """The steps of one task in the order in which they are done."""

    steps: list[StepNamed]

    def shallow(self) -> str | None:
        return first_problem(
            too_few(2, steps=self.steps),
            too_many(steps=self.steps),
            unfilled(self),
            repeated(name=[step.name for step in self.steps]),
            *(texts_too_short(15, **{f"description of {step.name!r}": step.description}) for step in self.steps),
            *(texts_too_short(8, **{f"done_when of {step.name!r}": step.done_when}) for step in self.steps),
        )

    def markdown(self) -> str:
        return bullets([f"**{step.name}** {step.description}" for step in self.steps])


class WbsStep(StepNamed):
    """A step of level 3."""

    id: str = Field(pattern=r"^T\d+\.\d+\.\d+$")
    parent_id: str = Field(pattern=r"^T\d+\.\d+$")


class WbsLevel3(Section):
    """Level 3: steps T1.1.1, T1.1.2 of the tasks of level 2, each list in the order in which it is done.

    `not_broken_down` are the tasks that this depth of planning leaves whole: later ones, to be planned when they are near.
    """

    entries: list[WbsStep]
    not_broken_down: list[str] = Field(default_factory=list)

    def shallow(self) -> str | None:
        strays = [step.id for step in self.entries if not step.id.startswith(f"{step.parent_id}.")]
        return first_problem(
            too_few(1, entries=self.entries),
            unfilled(self),
            repeated(ids=[step.id for step in self.entries]),
            f"{strays[0]} stands below another task than its id says" if strays else None,
        )

    def markdown(self) -> str:
        parents = dict.fromkeys(step.parent_id for step in self.entries)
        blocks = [f"### {parent}\n\n{self._steps_of(parent)}" for parent in parents]
        if self.not_broken_down:
            blocks.append(f"Left whole for now: {', '.join(self.not_broken_down)}.")
        return "\n\n".join(blocks)

    def _steps_of(self, parent_id: str) -> str:
        head = ["Step", "What", "Who", "How", "Needs", "Done when", "Sure"]
        rows = [
            (
                step.id,
                f"**{step.name}** {step.description}",
                step.role,
                step.execution_type.replace("_", " "),
                ", ".join(step.resources_needed),
                step.done_when,
                f"{step.confidence:.0%}",
            )
            for step in self.entries
            if step.parent_id == parent_id
        ]
        return table(head, rows)


def full_tree(tree: WbsTree, level3: WbsLevel3) -> WbsFull:
    """The tree with the steps below their tasks. Raises Invalid for a step whose task is not in the tree."""
    steps: dict[str, list[WbsNode]] = {}
    for step in level3.entries:
        steps.setdefault(step.parent_id, []).append(WbsNode(id=step.id, description=step.name))
    tasks = {task.id for phase in tree.task_children for task in phase.task_children}
    if strays := [parent for parent in steps if parent not in tasks]:
        raise Invalid(
            f"wbs_level3 breaks down {strays[0]}, which is no task of level 2",
            errors=[{"field": "entries.parent_id", "message": f"allowed: {', '.join(sorted(tasks))}"}],
        )
    phases = [
        phase.model_copy(update={"task_children": [_with_steps(task, steps) for task in phase.task_children]})
        for phase in tree.task_children
    ]
    return WbsFull(id=tree.id, description=tree.description, task_children=phases, rows=rows_of(phases))


def days_problem(name: str, entry: Estimated) -> str | None:
    """What does not fit about the days of one estimate; None when they do."""
    if entry.days_min <= entry.days_realistic <= entry.days_max:
        return None
    return f"{name}: days_min <= days_realistic <= days_max must hold"


def _with_steps(task: WbsNode, steps: Mapping[str, Sequence[WbsNode]]) -> WbsNode:
    return task.model_copy(update={"task_children": [*steps.get(task.id, ())]})


def _edge_problem(entry: TaskDependency) -> str | None:
    needs, reasons = entry.depends_on_task_id_list, entry.depends_on_task_explanation_list
    return first_problem(
        too_few(1, **{f"depends_on_task_id_list of {entry.dependent_task_id}": needs}),
        f"{entry.dependent_task_id}: {len(needs)} ids but {len(reasons)} explanations"
        if len(needs) != len(reasons)
        else None,
        f"{entry.dependent_task_id} cannot depend on itself" if entry.dependent_task_id in needs else None,
        repeated(**{f"depends_on_task_id_list of {entry.dependent_task_id}": needs}),
    )


def _days(days: float) -> str:
    return f"{days:g}"
