"""The whole plan looked at: a critical review, a summary for those who decide, questions of readers, and a premortem."""

from agents.playbooks.document.review_forms import (
    AssumptionsDoubted,
    AssumptionToKill,
    ExecutiveSummary,
    FailureImagined,
    FailureMode,
    Premortem,
    QuestionAndAnswer,
    QuestionsAndAnswers,
    QuestionsAnswered,
    ReviewAnswer,
    ReviewedQuestion,
    ReviewPlan,
)
from agents.playbooks.document.stage import Stage, Writing, one_line
from agents.thinking import Trail

REVIEW_QUESTIONS = (
    "Could two strangers agree, from the plan's own words, whether its goal was reached? What is missing for that?",
    "Which single assumption would hurt most if it were wrong, and what would show that early?",
    "Which costs are missing, guessed or too low, and what is left over when they come?",
    "Which durations are hard to believe, and what does that do to the end of the plan?",
    "Which work is needed for the final deliverable but stands nowhere in the breakdown?",
    "Where does the plan wait for somebody whom its team cannot direct, such as an office, a landlord or a partner?",
    "Which role carries too much, and which necessary skill has nobody?",
    "Which law, permit, insurance or contract is not dealt with, or too late?",
    "Which named risk has a measure that nobody pays for, owns or could tell from doing nothing?",
    "Who loses something by this plan or could oppose it, and how are they heard?",
    "Where do two parts of the plan contradict each other in numbers, dates, roles or aims?",
    "What exactly has to happen in the first thirty days, and what could be done today?",
    "How is it checked that finished work is good enough, and who says so?",
    "Who carries on after the last task, and what pays for it?",
    "Whom or what could the plan harm, in safety, privacy, fairness or environment, and what prevents it?",
    "What would be reason enough to stop, is it agreed beforehand, and should the plan go ahead as it stands?",
)
FEW = 4  # review questions of a plan that is written short
QUESTION_KINDS = {
    "terms": "Ask and answer what a reader new to the matter would: the terms, numbers, roles and methods of this plan.",
    "risks": "Ask and answer what a doubtful reader would: risks, disputes, ethics, who gains and who pays, what comes after.",
}


async def write_review(writing: Writing) -> ReviewPlan:
    """The fixed questions one after another in one conversation, so that no finding is told twice."""
    questions = REVIEW_QUESTIONS[:FEW] if writing.depth.is_short else REVIEW_QUESTIONS
    context = writing.earlier.markdown(
        "project_plan",
        "consolidate_assumptions_markdown",
        "team_markdown",
        "expert_review",
        "wbs_project_level1_and_level2_and_level3",
        "estimate_task_durations",
        "pitch_markdown",
    )
    trail = Trail()
    found: list[ReviewedQuestion] = []
    for number, question in enumerate(questions, start=1):
        asked = f"Review question {number} of {len(questions)}: {question}"
        before = "\n\n".join(answer.markdown() for answer in found)
        said = f"\n\n## What the review said so far\n\n{before}" if before else ""
        answer = await writing.ask(
            ReviewAnswer,
            f"{context}{said}\n\n{asked}",
            part=f"question-{number:02}",
            trail=trail,
            more=asked if found else "",
        )
        found.append(ReviewedQuestion(question=question, title=answer.title, bullet_points=answer.bullet_points))
    return ReviewPlan(answers=found)


async def write_summary(writing: Writing) -> ExecutiveSummary:
    """One question, from the plan and its review."""
    words = writing.earlier.markdown(
        "wbs_level1",
        "project_plan",
        "consolidate_assumptions_markdown",
        "wbs_project_level1_and_level2",
        "estimate_task_durations",
        "review_plan",
    )
    return await writing.ask(ExecutiveSummary, words)


async def write_questions(writing: Writing) -> QuestionsAndAnswers:
    """Two kinds of questions side by side; what both ask is answered once."""
    context = writing.earlier.markdown(
        "project_plan",
        "consolidate_assumptions_markdown",
        "consolidate_governance",
        "review_plan",
        "markdown_documents_to_create_and_find",
    )

    async def ask_kind(kind: str) -> QuestionsAnswered:
        return await writing.ask(QuestionsAnswered, f"{context}\n\n{QUESTION_KINDS[kind]}", part=kind)

    return joined(await writing.each(list(QUESTION_KINDS), ask_kind))


async def write_premortem(writing: Writing) -> Premortem:
    """The weakest assumptions, then for each of them how the plan failed by it, side by side; the ids are ours."""
    context = writing.earlier.markdown(
        "project_plan", "identify_risks", "consolidate_assumptions_markdown", "review_plan", "questions_and_answers"
    )
    doubted = await writing.ask(AssumptionsDoubted, context, prompt="premortem")
    assumptions = [
        AssumptionToKill(id=f"A{number}", **entry.model_dump())
        for number, entry in enumerate(doubted.assumptions_to_kill, start=1)
    ]
    chosen = writing.depth.cut(assumptions)

    async def imagine(assumption: AssumptionToKill) -> FailureImagined:
        words = f"{context}\n\n## The assumption that proved wrong\n\n{assumption.assumption}\n\nWrong when: {assumption.tripwire}"
        return await writing.ask(FailureImagined, words, part=assumption.id, prompt="premortem_failure")

    failures = await writing.each(chosen, imagine)
    modes = [
        FailureMode(id=f"FM{number}", assumption_id=assumption.id, **failure.model_dump())
        for number, (assumption, failure) in enumerate(zip(chosen, failures, strict=True), start=1)
    ]
    return Premortem(assumptions_to_kill=assumptions, failure_modes=modes)


def joined(answers: list[QuestionsAnswered]) -> QuestionsAndAnswers:
    """All pairs in order, each question once, and the summaries one after another."""
    pairs: dict[str, QuestionAndAnswer] = {}
    for pair in (pair for answer in answers for pair in answer.question_answer_pairs):
        pairs.setdefault(one_line(pair.question).casefold(), pair)
    summaries = dict.fromkeys(answer.summary.strip() for answer in answers)
    return QuestionsAndAnswers(question_answer_pairs=list(pairs.values()), summary="\n\n".join(summaries))


STAGES = (
    Stage(
        "review_plan",
        "Review plan",
        "review",
        "Puts sixteen fixed questions to the nearly finished plan in one conversation.",
        ReviewPlan,
        depends_on=("pitch_markdown", "wbs_project_level1_and_level2_and_level3"),
        reads=(
            "project_plan",
            "consolidate_assumptions_markdown",
            "team_markdown",
            "expert_review",
            "estimate_task_durations",
        ),
        write=write_review,
        minutes=4,
    ),
    Stage(
        "executive_summary",
        "Executive summary",
        "review",
        "Tells those who decide what the plan is, what it takes, what may go wrong and what is asked of them.",
        ExecutiveSummary,
        depends_on=("review_plan",),
        reads=(
            "wbs_level1",
            "project_plan",
            "consolidate_assumptions_markdown",
            "wbs_project_level1_and_level2",
            "estimate_task_durations",
        ),
        write=write_summary,
    ),
    Stage(
        "questions_and_answers",
        "Questions and answers",
        "review",
        "Asks what readers would ask about terms, risks and ethics, and answers it.",
        QuestionsAndAnswers,
        depends_on=("consolidate_governance", "review_plan", "markdown_documents_to_create_and_find"),
        reads=("project_plan", "consolidate_assumptions_markdown"),
        write=write_questions,
    ),
    Stage(
        "premortem",
        "Premortem",
        "review",
        "Takes it that the plan has failed: which assumptions to test first, how it went, which signs, and when to stop.",
        Premortem,
        depends_on=("questions_and_answers",),
        reads=("project_plan", "identify_risks", "consolidate_assumptions_markdown", "review_plan"),
        write=write_premortem,
        prompts=("premortem", "premortem_failure"),
        minutes=0.6,
    ),
)
