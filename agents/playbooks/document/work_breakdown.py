"""The work breakdown: its levels as sections, their ids, and the tree and the table made from them.

Ids are ours: T is the project, T1 a phase, T1.2 a task of it, T1.2.3 a step of that.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import ConfigDict, Field

from agents.playbooks.document.filled import Entry, unfilled
from agents.playbooks.document.stage import (
    Section,
    bullets,
    first_problem,
    one_line,
    repeated,
    texts_too_short,
    too_few,
)
from core.spreadsheets import inert_cell, written_csv

ROOT_ID = "T"
MOST_BESIDE = 12  # entries below one: what is longer than that is no breakdown any more


class ProjectNamed(Section):
    """How the project is called, and what there is when it is done."""

    project_title: str = Field(description="A short name, which becomes the title of the report")
    final_deliverable: str = Field(description="What exists at the end that did not exist before")

    def shallow(self) -> str | None:
        return first_problem(
            unfilled(self),
            texts_too_short(4, project_title=self.project_title),
            texts_too_short(20, final_deliverable=self.final_deliverable),
            "project_title: a name of at most 120 characters" if len(self.project_title) > 120 else None,
        )

    def markdown(self) -> str:
        return f"**{self.project_title}**\n\n**Final deliverable:** {self.final_deliverable}"


class WbsLevel1(ProjectNamed):
    """Level 1: the project itself."""

    id: Literal["T"] = ROOT_ID


class SubtaskNamed(Entry):
    """A task of a phase."""

    subtask_title: str = Field(description="What is done, beginning with a verb")
    description: str = Field(description="What it covers and when it is done, in one or two sentences")


class PhaseNamed(Entry):
    """A phase with its tasks."""

    major_phase_title: str
    subtasks: list[SubtaskNamed]


class PhasesNamed(Section):
    """The phases in the order in which they begin."""

    major_phase_details: list[PhaseNamed]

    def shallow(self) -> str | None:
        phases = self.major_phase_details
        tasks = [task for phase in phases for task in phase.subtasks]
        return first_problem(
            too_few(2, major_phase_details=phases),
            *(too_few(1, **{f"subtasks of {phase.major_phase_title!r}": phase.subtasks}) for phase in phases),
            too_many(major_phase_details=phases),
            *(too_many(**{f"subtasks of {phase.major_phase_title!r}": phase.subtasks}) for phase in phases),
            too_few(3, subtasks_of_all_phases=tasks),
            unfilled(self),
            repeated(major_phase_title=[phase.major_phase_title for phase in phases]),
            repeated(subtask_title=[task.subtask_title for task in tasks]),
            *(texts_too_short(20, **{f"description of {t.subtask_title!r}": t.description}) for t in tasks),
        )

    def markdown(self) -> str:
        return with_ids(self).markdown()


class Subtask(SubtaskNamed):
    """A task of level 2."""

    id: str = Field(pattern=r"^T\d+\.\d+$")


class Phase(Entry):
    """A phase of level 2."""

    id: str = Field(pattern=r"^T\d+$")
    major_phase_title: str
    subtasks: list[Subtask]


class WbsLevel2(Section):
    """Level 2: phases T1, T2 and their tasks T1.1, T1.2."""

    major_phase_details: list[Phase]

    @property
    def tasks(self) -> list[Subtask]:
        """The tasks of all phases, in order."""
        return [task for phase in self.major_phase_details for task in phase.subtasks]

    def shallow(self) -> str | None:
        strays = [t.id for p in self.major_phase_details for t in p.subtasks if not t.id.startswith(f"{p.id}.")]
        return first_problem(
            too_few(1, major_phase_details=self.major_phase_details, subtasks=self.tasks),
            unfilled(self),
            repeated(ids=[*(phase.id for phase in self.major_phase_details), *(task.id for task in self.tasks)]),
            f"{strays[0]} stands in another phase than its id says" if strays else None,
        )

    def markdown(self) -> str:
        return "\n\n".join(
            f"### {phase.id} {phase.major_phase_title}\n\n"
            + bullets([f"**{task.id} {task.subtask_title}** {task.description}" for task in phase.subtasks])
            for phase in self.major_phase_details
        )


class WbsNode(Entry):
    """A node of the tree."""

    id: str
    description: str
    task_children: "list[WbsNode]" = Field(default_factory=list["WbsNode"])


class WbsTree(Section):
    """The tree of levels 1 and 2: the project, its phases, their tasks."""

    id: str
    description: str
    task_children: list[WbsNode]

    def nodes(self) -> Iterator[tuple[int, WbsNode]]:
        """Every node below the project with its depth (1: phases), each before its children."""
        yield from _nodes(self.task_children, 1)

    def shallow(self) -> str | None:
        return first_problem(
            too_few(1, task_children=self.task_children),
            unfilled(WbsTree(id=self.id, description=self.description, task_children=self.task_children)),
            repeated(ids=[self.id, *(node.id for _, node in self.nodes())]),
        )

    def markdown(self) -> str:
        lines = [f"{'  ' * (depth - 1)}- {node.id} {one_line(node.description)}" for depth, node in self.nodes()]
        return "\n".join([f"**{one_line(self.description)}**", "", *lines])


class WbsRow(Entry):
    """A row of the table: what it stands below is said in every row, what is above its own level is not left out."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    level_1: str = Field(alias="Level 1", description="The phase")
    level_2: str = Field(alias="Level 2", description="The task; empty in the row of a phase")
    level_3: str = Field(alias="Level 3", description="The step; empty in the rows of phases and tasks")
    task_id: str = Field(alias="Task ID")


class WbsFull(WbsTree):
    """The tree with all three levels, and the same as rows of a table."""

    rows: list[WbsRow]

    def csv(self) -> str:
        """The rows as CSV (RFC 4180) with a heading row; what a spreadsheet would take for a formula is kept as text."""
        cells = [(row.level_1, row.level_2, row.level_3, row.task_id) for row in self.rows]
        return written_csv([COLUMNS, *(map(inert_cell, row) for row in cells)])


COLUMNS = ("Level 1", "Level 2", "Level 3", "Task ID")


def with_ids(named: PhasesNamed) -> WbsLevel2:
    """Level 2 with ids in the order of the answer."""
    phases: list[Phase] = []
    for number, phase in enumerate(named.major_phase_details, start=1):
        phase_id = f"{ROOT_ID}{number}"
        subtasks = [
            Subtask(id=f"{phase_id}.{place}", subtask_title=task.subtask_title, description=task.description)
            for place, task in enumerate(phase.subtasks, start=1)
        ]
        phases.append(Phase(id=phase_id, major_phase_title=phase.major_phase_title, subtasks=subtasks))
    return WbsLevel2(major_phase_details=phases)


def tree_of(project: WbsLevel1, level2: WbsLevel2) -> WbsTree:
    """The tree of levels 1 and 2."""
    phases = [
        WbsNode(
            id=phase.id,
            description=phase.major_phase_title,
            task_children=[WbsNode(id=task.id, description=task.subtask_title) for task in phase.subtasks],
        )
        for phase in level2.major_phase_details
    ]
    return WbsTree(id=project.id, description=project.project_title, task_children=phases)


def rows_of(phases: Sequence[WbsNode]) -> list[WbsRow]:
    """A row for each phase, task and step, in the order of the tree."""
    rows: list[WbsRow] = []
    for phase in phases:
        rows.append(_row(phase.id, phase.description))
        for task in phase.task_children:
            rows.append(_row(task.id, phase.description, task.description))
            rows += [_row(s.id, phase.description, task.description, s.description) for s in task.task_children]
    return rows


def _row(task_id: str, level_1: str, level_2: str = "", level_3: str = "") -> WbsRow:
    return WbsRow.model_validate(dict(zip(COLUMNS, (level_1, level_2, level_3, task_id), strict=True)))


def too_many(**lists: Sequence[object]) -> str | None:
    """Which of these lists are longer than a breakdown may be; None when none is."""
    long = [name for name, entries in lists.items() if len(entries) > MOST_BESIDE]
    return f"too many entries (at most {MOST_BESIDE}): {', '.join(long)}" if long else None


def _nodes(nodes: Sequence[WbsNode], depth: int) -> Iterator[tuple[int, WbsNode]]:
    for node in nodes:
        yield depth, node
        yield from _nodes(node.task_children, depth + 1)
