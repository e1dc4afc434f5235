"""What came into the thread of a draft after it was written, as its page shows it."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from tasks.drafts import ThreadMessage
from tasks.review import DraftVersion, DraftWithHistory

# The words of the messages are others': they are not repeated as if a person had said them.
WRITE_ANEW = "The thread has moved since this was written. Read its newest messages, and write the answer anew."
MOST_LINES = 400

Kind = Literal["same", "added", "removed", "left_out"]


@dataclass(frozen=True)
class Line:
    """A line of a comparison; `left_out` stands for lines that are the same in both, and says how many."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Moved:
    """The new messages, oldest first, and what a later edit changed; no lines where the words are the same."""

    messages: list[ThreadMessage]
    previous: DraftVersion | None
    lines: list[Line]
    feedback: str = WRITE_ANEW


def what_moved(draft: DraftWithHistory) -> Moved | None:
    """None for a draft whose thread stands as it was written for."""
    if draft.thread_moved is None:
        return None
    before = draft.thread_moved.previous_draft_id
    previous = next((one for one in draft.history if one.id == before), None)
    lines = line_diff(_words(previous.subject, previous.body), _words(draft.subject, draft.body)) if previous else []
    return Moved(draft.thread_moved.messages, previous, lines)


def line_diff(before: str, after: str, around: int = 2) -> list[Line]:
    """The new text line by line with what was added and taken away, and `around` lines beside it; empty where nothing was."""
    old, new = before.splitlines()[:MOST_LINES], after.splitlines()[:MOST_LINES]
    found: list[Line] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(around):
        if group[0][1] > 0:
            found.append(Line("left_out", ""))
        for kind, a, b, c, d in group:
            if kind == "equal":
                found += [Line("same", text) for text in new[c:d]]
            else:
                found += [Line("removed", text) for text in old[a:b]]
                found += [Line("added", text) for text in new[c:d]]
    return found


def _words(subject: str, body: str) -> str:
    return f"{subject}\n\n{body}" if subject else body
