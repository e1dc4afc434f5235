"""What the built-in rules say back: what was understood, or honestly that nothing was. They cannot chat."""

import re

from agents.rules.verbs import looks_german
from tasks.models import ExecutionType, ExtractedTask

THANKS = re.compile(r"\b(?:thanks|thank\s+you|thx|danke|dankeschön|merci)\b", re.IGNORECASE)
HELLO = re.compile(
    r"^\W*(?:hi|hello|hey|good\s+(?:morning|afternoon|evening)|hallo|moin|guten\s+(?:morgen|tag|abend))\W*$",
    re.IGNORECASE,
)
ONE: dict[bool, dict[ExecutionType, str]] = {
    False: {
        "fully_automated": "I can do this; you review it afterwards.",
        "semi_automated": "I can prepare this; you decide before anything goes out.",
        "manual": "This one is yours; I keep track of it.",
    },
    True: {
        "fully_automated": "Das kann ich erledigen; du siehst es danach durch.",
        "semi_automated": "Das kann ich vorbereiten; du entscheidest, bevor etwas hinausgeht.",
        "manual": "Das machst du selbst; ich behalte es im Blick.",
    },
}


def reply_to(text: str, tasks: list[ExtractedTask]) -> str:
    """One or two sentences in the language of the message (English or German)."""
    german = looks_german(text)
    if not tasks:
        return _nothing(text, german)
    if len(tasks) == 1:
        task = tasks[0]
        noted = "Notiert" if german else "Noted"
        return f"{noted}: {task.title}{_when(task, german)}. {ONE[german][task.execution_type]}"
    ours = sum(task.execution_type != "manual" for task in tasks)
    yours = len(tasks) - ours
    if german:
        parts = [
            f"{ours} davon kann ich übernehmen oder vorbereiten" if ours else "",
            f"{yours} machst du selbst" if yours else "",
        ]
        return f"{len(tasks)} Aufgaben gefunden; {', '.join(part for part in parts if part)}."
    parts = [
        f"{ours} I can do or prepare" if ours else "",
        f"{yours} {'is' if yours == 1 else 'are'} yours" if yours else "",
    ]
    return f"I found {len(tasks)} tasks; {', '.join(part for part in parts if part)}."


def _when(task: ExtractedTask, german: bool) -> str:
    if task.due_at is None:
        return ""
    day = (
        f"{task.due_at.day}.{task.due_at.month}.{task.due_at.year}"
        if german
        else f"{task.due_at:%A} {task.due_at.day} {task.due_at:%B}"
    )
    hour = "" if task.due_is_all_day else f"{' um' if german else ' at'} {task.due_at:%H:%M}"
    return f" ({day}{hour})"


def _nothing(text: str, german: bool) -> str:
    if not text.strip():
        return "There was nothing to read. Tell me what needs doing."
    example = "„Ruf morgen um 15 Uhr Ana an“" if german else "“Call Ana tomorrow at 3pm”"
    if THANKS.search(text):
        return (
            "Gern geschehen. Sag mir, wenn etwas zu tun ist."
            if german
            else "You're welcome. Tell me when something needs doing."
        )
    if HELLO.match(text):
        return (
            f"Hallo. Sag mir, was zu tun ist, zum Beispiel {example}."
            if german
            else f"Hello. Tell me what needs doing, for example {example}."
        )
    if "?" in text:
        return (
            f"Fragen kann ich ohne Sprachmodell nicht beantworten, und eine Aufgabe habe ich darin nicht gefunden. Sag mir, was zu tun ist, zum Beispiel {example}."
            if german
            else f"I can't answer questions without a language model, and I found no task in that. Tell me what needs doing, for example {example}."
        )
    if german:
        return f"Darin habe ich keine Aufgabe gefunden. Sag mir, was zu tun ist, zum Beispiel {example}."
    return f"I found no task in that. Tell me what needs doing, for example {example}."
