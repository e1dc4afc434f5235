"""Things too big for one task, broken down by templates. Source of the first: seeds document 002, scenario 2."""

import re
from datetime import datetime

from agents.strategist import Blocked, Decompose, Immediate, PlannedSubtask, TaskContext
from tasks.models import ExecutionType, TaskKind

Step = tuple[str, TaskKind, ExecutionType, list[int]]
MANUAL: ExecutionType = "manual"
SEMI: ExecutionType = "semi_automated"
FULL: ExecutionType = "fully_automated"

TEMPLATES: list[tuple[str, list[Step]]] = [
    (r"campaign|marketing|kampagne|advert", [
        ("Research competitor campaigns", "research", MANUAL, []),
        ("Create budget spreadsheet", "spreadsheet", SEMI, []),
        ("Draft campaign outline", "outline", FULL, []),
        ("Design mockups", "errand", MANUAL, [2]),
    ]),
    (r"launch|release|rollout|roll-out|go-live", [
        ("Agree scope and launch date", "errand", MANUAL, []),
        ("Draft launch checklist outline", "outline", FULL, []),
        ("Test the release", "errand", MANUAL, [0]),
        ("Draft announcement outline", "outline", FULL, []),
        ("Go live and watch the first day", "errand", MANUAL, [2, 3]),
    ]),
    (r"trip|travel|reise|holiday|vacation|urlaub|tour", [
        ("Choose dates and destination", "errand", MANUAL, []),
        ("Create travel budget spreadsheet", "spreadsheet", SEMI, []),
        ("Book transport", "purchase", MANUAL, [0]),
        ("Book lodging", "purchase", MANUAL, [0]),
        ("Draft packing list outline", "outline", FULL, []),
    ]),
    (r"event|party|feier|wedding|hochzeit|conference|konferenz|offsite|off-site|workshop|retreat|birthday|geburtstag|festival|anniversary|jubil", [
        ("Fix date, place and number of guests", "errand", MANUAL, []),
        ("Create event budget spreadsheet", "spreadsheet", SEMI, []),
        ("Draft programme outline", "outline", FULL, []),
        ("Book the venue", "purchase", MANUAL, [0]),
        ("Invite the guests", "errand", MANUAL, [0, 3]),
    ]),
    (r"\bmove\b|umzug|relocation", [
        ("List what moves and what goes", "errand", MANUAL, []),
        ("Create moving budget spreadsheet", "spreadsheet", SEMI, []),
        ("Book the movers", "purchase", MANUAL, [0]),
        ("Change addresses with banks, insurers and authorities", "errand", MANUAL, []),
    ]),
    (r"hir(?:e|ing)|onboarding|recruit|einstell", [
        ("Draft role outline", "outline", FULL, []),
        ("Create salary budget spreadsheet", "spreadsheet", SEMI, []),
        ("Publish the role", "errand", MANUAL, [0]),
        ("Interview candidates", "errand", MANUAL, [2]),
        ("Decide and make an offer", "errand", MANUAL, [3]),
    ]),
]  # fmt: skip
GENERAL: list[Step] = [
    ("Agree the goal and how to tell that it is reached", "errand", MANUAL, []),
    ("Research what others did", "research", MANUAL, []),
    ("Create budget spreadsheet", "spreadsheet", SEMI, []),
    ("Draft plan outline", "outline", FULL, []),
    ("Decide who does what until when", "errand", MANUAL, [0, 3]),
]


def decompose(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """The usual parts of such a thing; what can be made here is made, the rest is a person's."""
    title = context.task.title
    known = next((steps for pattern, steps in TEMPLATES if re.search(pattern, title, re.I)), None)
    topic = re.sub(
        r"^(?:plan|organi[sz]e|coordinate|launch|host|run|prepare|plane?|organisiere?)\s+", "", title, flags=re.I
    )
    topic = re.sub(r"^(?:the|a|an|our|my|die|den|das|der|eine?n?|unsere?n?)\s+", "", topic, flags=re.I)
    subtasks = [
        PlannedSubtask(
            title=f"{step} for {topic}" if kind == "outline" else step,
            kind=kind,
            execution_type=execution_type,
            depends_on=needs,
            priority=context.task.priority,
        )
        for step, kind, execution_type, needs in known or GENERAL
    ]
    message = (
        "The usual parts of such a plan; change what does not fit"
        if known
        else "General parts of a plan; change what does not fit"
    )
    return Decompose(subtasks=subtasks, confidence=0.7 if known else 0.5, message=message)
