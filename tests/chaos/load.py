"""What a chaos run has done: trees with a summary, a milestone, a mail and a report each, and the answers of the model to them."""

import json
from typing import Any

GONE_EVERY = 40
USAGE = {"prompt_tokens": 200, "completion_tokens": 50, "total_tokens": 250}
PART = {"execution_type": "fully_automated", "on_failure": "escalate"}


def reader(number: int) -> str:
    """Whom the mail of a tree is for."""
    return f"reader-{number}@example.com"


def first_recipient(number: int) -> str:
    """Whom the draft names: now and then somebody who is gone, and whom a person replaces by the reader."""
    return f"gone-{number}@example.com" if number % GONE_EVERY == 7 else reader(number)


def subject(number: int) -> str:
    """The subject of the mail of a tree; no other has it."""
    return f"News of meeting {number}"


def answer_to(kind: str, number: int) -> str:
    """The words that a model's task ends with."""
    return f"The {kind} of meeting {number}: it was short."


def tree_of(number: int) -> dict[str, Any]:
    """A root and a diamond of four parts. Every second mail has to be sent before the report may begin."""
    mail_type = "semi_automated" if number % 2 else "fully_automated"
    return {
        "title": f"Meeting {number}",
        "execution_type": "fully_automated",
        "children": [
            {
                **PART,
                "key": "summary",
                "title": f"Summarise marker-summary-{number}",
                "kind": "summary",
                "description": "Many words were said. " * 20,
                "acceptance_criteria": ["says which meeting it was"],
            },
            {**PART, "key": "milestone", "title": f"Milestone {number}", "tool": "noop", "depends_on": ["summary"]},
            {
                **PART,
                "key": "mail",
                "title": f"Draft email with the news marker-mail-{number}",
                "kind": "email",
                "execution_type": mail_type,
                "recipient": first_recipient(number),
                "depends_on": ["summary"],
            },
            {
                **PART,
                "key": "report",
                "title": f"Write the report marker-report-{number}",
                "kind": "document",
                "depends_on": ["milestone", "mail"],
            },
        ],
    }


def answers(trees: int) -> str:
    """The model server's fixtures: what it answers about every tree."""
    fixtures: list[dict[str, Any]] = []

    def add(words: str, form: str, **arguments: object) -> None:
        calls = [{"name": form, "arguments": arguments}]
        fixtures.append({"match": {"userMessage": words}, "response": {"toolCalls": calls, "usage": USAGE}})

    for number in range(trees):
        sure = {"format": "text", "confidence": 0.9, "message": "Made"}
        body = f"Hello,\n\nmeeting {number} was short.\n"
        draft = {"to": [first_recipient(number)], "subject": subject(number), "body": body}
        add(f"marker-summary-{number}\nAcceptance criteria", "verdict", unmet=[])
        add(f"marker-summary-{number}\nKind:", "immediate", output=answer_to("summary", number), **sure)
        add(f"marker-mail-{number}\nKind:", "immediate", output="The mail", draft=draft, **sure)
        add(f"marker-report-{number}\nKind:", "immediate", output=answer_to("report", number), **sure)
    return json.dumps({"fixtures": fixtures})
