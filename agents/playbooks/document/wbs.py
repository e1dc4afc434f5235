"""The work breakdown: the project, its phases and tasks, what they wait for, how long they take, and their steps."""

from collections.abc import Sequence

from agents.playbooks.document.stage import Earlier, Stage, Writing, table
from agents.playbooks.document.work_breakdown import (
    PhasesNamed,
    ProjectNamed,
    Subtask,
    WbsFull,
    WbsLevel1,
    WbsLevel2,
    WbsTree,
    tree_of,
    with_ids,
)
from agents.playbooks.document.work_details import (
    EstimatesGiven,
    StepsNamed,
    TaskDependencies,
    TaskDurations,
    TaskEstimate,
    WbsLevel3,
    WbsStep,
    full_tree,
)

AT_A_TIME = 3  # tasks estimated by one question


async def write_level1(writing: Writing) -> WbsLevel1:
    """One question, from the project plan; the id is ours."""
    named = await writing.ask(ProjectNamed, writing.earlier.markdown("project_plan"))
    return WbsLevel1(project_title=named.project_title, final_deliverable=named.final_deliverable)


async def write_level2(writing: Writing) -> WbsLevel2:
    """One question; the ids are ours."""
    named = await writing.ask(PhasesNamed, writing.earlier.markdown("wbs_level1", "project_plan", "data_collection"))
    return with_ids(named)


def fill_tree(earlier: Earlier) -> WbsTree:
    """The tree from the first two levels."""
    return tree_of(earlier.of("wbs_level1", WbsLevel1), earlier.of("wbs_level2", WbsLevel2))


async def write_dependencies(writing: Writing) -> TaskDependencies:
    """One question over the ids of all tasks; ids that no task has, and cycles, go back to who named them."""
    known = [task.id for task in writing.earlier.of("wbs_level2", WbsLevel2).tasks]
    words = f"{writing.earlier.markdown('wbs_level1', 'wbs_level2')}\n\nThe ids that may be used: {', '.join(known)}"
    return await writing.ask(TaskDependencies, words, check=lambda answer: answer.unknown(known))


async def write_durations(writing: Writing) -> TaskDurations:
    """Three tasks per question, all questions side by side; within a question a task is a number."""
    tasks = writing.earlier.of("wbs_level2", WbsLevel2).tasks
    batches = [tasks[start : start + AT_A_TIME] for start in range(0, len(tasks), AT_A_TIME)]
    context = writing.earlier.markdown("project_plan", "wbs_project_level1_and_level2")

    async def estimate(batch: Sequence[Subtask]) -> EstimatesGiven:
        rows = [(number, task.subtask_title, task.description) for number, task in enumerate(batch, start=1)]
        words = f"{context}\n\n## The tasks to estimate\n\n{table(['Number', 'Task', 'What it covers'], rows)}"
        return await writing.ask(
            EstimatesGiven, words, part=batch[0].id, check=lambda answer: _missing_numbers(answer, len(batch))
        )

    answers = await writing.each(batches, estimate)
    found = [
        TaskEstimate(task_id=task.id, **given.model_dump(exclude={"number"}))
        for batch, answer in zip(batches, answers, strict=True)
        for task, given in zip(batch, sorted(answer.estimates, key=lambda given: given.number), strict=True)
    ]
    return TaskDurations(estimates=found)


async def write_level3(writing: Writing) -> WbsLevel3:
    """One question for each task of level 2, side by side, the earliest first as far as this depth goes; the ids are ours."""
    level2 = writing.earlier.of("wbs_level2", WbsLevel2)
    chosen = writing.depth.cut(level2.tasks)
    context = writing.earlier.markdown("project_plan", "team_markdown", "wbs_project_level1_and_level2")

    async def break_down(task: Subtask) -> StepsNamed:
        words = f"{context}\n\n## The task to break down\n\n{task.id} {task.subtask_title}: {task.description}"
        return await writing.ask(StepsNamed, words, part=task.id)

    answers = await writing.each(chosen, break_down)
    entries = [
        WbsStep(id=f"{task.id}.{number}", parent_id=task.id, **step.model_dump())
        for task, answer in zip(chosen, answers, strict=True)
        for number, step in enumerate(answer.steps, start=1)
    ]
    return WbsLevel3(entries=entries, not_broken_down=[task.id for task in level2.tasks[len(chosen) :]])


def fill_full_tree(earlier: Earlier) -> WbsFull:
    """The tree with all three levels, and its rows."""
    tree = earlier.of("wbs_project_level1_and_level2", WbsTree)
    return full_tree(tree, earlier.of("wbs_level3", WbsLevel3))


def _missing_numbers(answer: EstimatesGiven, count: int) -> str | None:
    given = sorted(entry.number for entry in answer.estimates)
    wanted = list(range(1, count + 1))
    return None if given == wanted else f"estimates: one for each of the numbers {wanted}, given were {given}"


STAGES = (
    Stage(
        "wbs_level1",
        "WBS level 1",
        "wbs",
        "Names the project and what exists at its end; the report takes its title from here.",
        WbsLevel1,
        depends_on=("project_plan",),
        write=write_level1,
    ),
    Stage(
        "wbs_level2",
        "WBS level 2",
        "wbs",
        "Divides the project into phases, and each phase into tasks.",
        WbsLevel2,
        depends_on=("data_collection", "wbs_level1"),
        reads=("project_plan",),
        write=write_level2,
    ),
    Stage(
        "wbs_project_level1_and_level2",
        "WBS tree, levels 1-2",
        "wbs",
        "Joins project, phases and tasks into one tree with ids, by rules alone.",
        WbsTree,
        depends_on=("wbs_level2",),
        reads=("wbs_level1",),
        fill=fill_tree,
        minutes=0.02,
    ),
    Stage(
        "identify_task_dependencies",
        "Task dependencies",
        "wbs",
        "Says which tasks must be finished before which others can begin, and why.",
        TaskDependencies,
        depends_on=("wbs_level2",),
        reads=("wbs_level1",),
        write=write_dependencies,
    ),
    Stage(
        "estimate_task_durations",
        "Task durations",
        "wbs",
        "Estimates the days that each task takes at least, realistically and at most, and what may delay it.",
        TaskDurations,
        depends_on=("wbs_project_level1_and_level2",),
        reads=("wbs_level2", "project_plan"),
        write=write_durations,
    ),
    Stage(
        "wbs_level3",
        "WBS level 3",
        "wbs",
        "Breaks each task into steps, with who can do them and how sure that is.",
        WbsLevel3,
        depends_on=("estimate_task_durations",),
        reads=("wbs_level2", "wbs_project_level1_and_level2", "project_plan", "team_markdown"),
        write=write_level3,
        minutes=0.6,
    ),
    Stage(
        "wbs_project_level1_and_level2_and_level3",
        "WBS tree, levels 1-3",
        "wbs",
        "Puts the steps into the tree and makes the table of the whole breakdown, by rules alone.",
        WbsFull,
        depends_on=("wbs_level3",),
        reads=("wbs_project_level1_and_level2",),
        fill=fill_full_tree,
        minutes=0.02,
    ),
)
