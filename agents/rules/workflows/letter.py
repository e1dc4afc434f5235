"""The frame of a mail: whom it is to, greeting and close. Names and addresses come from the task alone."""

import re
from dataclasses import dataclass

from agents.rules.workflows.wording import is_german
from agents.strategist import ADDRESS, DraftContent, TaskContext

NAME = r"[A-ZÄÖÜ][\w'’-]+(?:\s+[A-ZÄÖÜ][\w'’-]+){0,2}"
NAMED_ADDRESS = re.compile(
    rf"(?P<name>{NAME})\s*[(<,]\s*(?P<address>[^\s@()<>]{1, 64}@[^\s@()<>,]{1, 255}?)\s*[)>]?(?=[\s,.;]|$)"
)
TITLE = re.compile(r"^(?:(?:Mr|Mrs|Ms|Dr|Prof|Herrn?|Frau)\.?\s+)+(?P<family>.+)$")
# First names that are also the first part of an address: only then may a greeting use it.
NAMES = """
    adam alex alexander alice amir amy ana andrea andreas andrew anja anna anne anton antonia barbara ben
    benjamin bernd birgit bob brian carla carlos carol caroline charlotte chen chris christian christina
    christine claire clara claudia daniel daniela david diana dirk dora elena elias elisabeth elizabeth ella
    emil emily emma erik eva fatima felix finn florian frank franziska frida georg george grace greta hannah
    hans helen helena henry ida ines ingrid isabel jack jacob jakob james jan jana jane jens jessica joe johanna
    john jonas jonathan jose josef joseph julia julian jürgen kai karen karin karl kate katharina katrin kevin
    klaus lara laura lea lena leo leon liam lina linda lisa louis louise luca lucas lucy luis lukas luke maja
    manuel marc marco maria marie mark markus martin martina mary mateo matthew matthias max maya mehmet mia
    michael michaela miguel mila mohamed monika nadia nadine nathan nicolas nicole nina noah nora oliver olivia
    omar oscar patricia patrick paul paula pedro peter petra philip philipp pia priya rachel raj ralf rebecca
    richard rita robert robin rosa ruth sabine sam samuel sandra sara sarah sebastian silke simon sofia sophia
    sophie stefan stefanie steven susan susanne sven tanja theo thomas tim tina tobias tom ulrike ursula uwe
    vera victor victoria vincent walter will william wolfgang yusuf zoe
"""
GIVEN_NAMES = frozenset(NAMES.split())
NOT_NAMES = frozenset(
    [
        "schreib",
        "schreibe",
        "antworte",
        "antworten",
        "sag",
        "sage",
        "frag",
        "frage",
        "informiere",
        "erinnere",
        "lade",
        "bitte",
        "email",
        "mail",
        "message",
        "write",
        "draft",
        "send",
        "reply",
        "answer",
        "tell",
        "ask",
        "remind",
        "invite",
        "thank",
        "inform",
        "notify",
        "let",
        "please",
        "call",
        "schedule",
        "book",
        "arrange",
    ]
)


@dataclass(frozen=True)
class Recipient:
    """Whom a mail is to; either may be empty when the task does not say it."""

    name: str = ""
    address: str = ""

    @property
    def called(self) -> str:
        """How to call them in a sentence of ours: the name, or the address."""
        return self.name or self.address


def recipient_of(context: TaskContext, words: str) -> Recipient:
    """The recipient that the task names. `words` is the part of the request that says whom it is for."""
    task = context.task
    text = f"{words} {task.title} {task.description[:5_000] if context.in_own_words else ''} {task.recipient or ''}"
    address = next((found for found in ADDRESS.findall(task.recipient or "")), "") or next(
        iter(ADDRESS.findall(text)), ""
    )
    if task.recipient and "@" not in task.recipient:
        return Recipient(task.recipient, address)
    if (pair := NAMED_ADDRESS.search(text)) and pair["address"].casefold() == address.casefold():
        return Recipient(_person(pair["name"]), address)
    bare = ADDRESS.sub(" ", words)
    name = re.match(rf"\s*(?:to|an|for|für)?\s*(?P<name>(?:(?:Mr|Mrs|Ms|Dr|Prof|Herrn?|Frau)\.?\s+)*{NAME})", bare)
    return Recipient((_person(name["name"]) if name else "") or _name_in(address), address)


def _person(words: str) -> str:
    """The name without the verb of the request that may stand before it."""
    parts = words.split()
    while parts and parts[0].casefold() in NOT_NAMES:
        parts.pop(0)
    return " ".join(parts)


def _name_in(address: str) -> str:
    first = re.split(r"[._+-]", address.partition("@")[0])[0]
    return first.capitalize() if first.casefold() in GIVEN_NAMES else ""


def greeting(name: str, *, german: bool) -> str:
    """A greeting by name where it is known, else without one."""
    if titled := TITLE.match(name):
        title = name[: titled.start("family")].strip()
        if not german:
            return f"Dear {title} {titled['family']},"
        is_woman = title.startswith(("Frau", "Mrs", "Ms"))
        return f"Guten Tag {'Frau' if is_woman else 'Herr' if title.startswith('Herr') else title} {titled['family']},"
    first = name.split(maxsplit=1)[0] if name else ""
    if german:
        return f"Hallo {first}," if first else "Guten Tag,"
    return f"Hello {first}," if first else "Hello,"


def closing(sender_name: str, *, german: bool) -> str:
    """A close, signed where the sender's name is known."""
    if german:
        return f"Viele Grüße\n{sender_name}".strip()
    return f"Best regards,\n{sender_name}" if sender_name else "Best regards"


def letter(
    context: TaskContext, recipient: Recipient, subject: str, paragraphs: list[str], *, german: bool | None = None
) -> DraftContent:
    """A mail: greeting, paragraphs, close. No recipient's address leaves `to` empty."""
    in_german = is_german(context.task.title) if german is None else german
    name = recipient.name or context.known_names.get(recipient.address.casefold(), "")
    parts = [
        greeting(name, german=in_german),
        *paragraphs,
        closing(context.sender_name, german=in_german),
    ]
    return DraftContent(
        to=[recipient.address] if recipient.address else [],
        subject=" ".join(subject.split())[:150],
        body="\n\n".join(parts) + "\n",
    )
