"""Style out of a person's own sent mail: how they greet and sign, how long and how formal they write, to each and overall.

Only the new part of a mail counts, never what it quotes; at least five mails, and four of five alike.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from uuid import UUID

from agents.learning import letters
from agents.learning.applying import language_of
from agents.learning.calling import name_in
from agents.learning.differences import DU, SIE, is_fact
from agents.learning.letters import Parts
from agents.learning.proposing import Proposal
from agents.learning.rules import FIRST_NAME, Formality, Greeting, Instruction, Language, Rule, SignOff
from tasks.preferences import OwnMail, ScopeType

LEAST_MAILS = 5
ALIKE = 0.8
MOST_SOURCES = 20
SHORT_MAIL = 3  # sentences


@dataclass(frozen=True)
class Style:
    """How a person writes, to somebody or overall; None where it is not the same often enough. `mails` is how many were read."""

    mails: int
    language: Language | None = None
    greeting: str | None = None
    sign_off: str | None = None
    formality: str | None = None
    sentences: float = 0


@dataclass(frozen=True)
class _Read:
    mail: OwnMail
    parts: Parts
    language: Language

    @property
    def person(self) -> str:
        return self.mail.to[0].casefold() if len(self.mail.to) == 1 else ""


def style_of(mails: Iterable[OwnMail]) -> Style:
    """How these mails are written. Nothing is said of fewer than five."""
    read = _read(mails)
    if len(read) < LEAST_MAILS:
        return Style(len(read))
    language = _usual(read, lambda one: one.language)
    return Style(
        len(read),
        language if language in {"en", "de"} else None,  # pyright: ignore[reportArgumentType]
        _usual(read, _template),
        _usual(read, lambda one: one.parts.sign_off or None),
        _usual(read, _formality),
        median(len(letters.sentences_of(one.parts.middle)) for one in read),
    )


def propose_style(mails: Sequence[OwnMail]) -> list[Proposal]:
    """What a person's own mails say of their style: overall where it holds for two people or more, else for each person."""
    found: list[Proposal] = []
    by_user: dict[UUID | None, list[OwnMail]] = defaultdict(list)
    for mail in mails:
        by_user[mail.user_id].append(mail)
    for user_id, own in by_user.items():
        read = _read(own)
        for language in ("en", "de"):
            those = [one for one in read if one.language == language]
            is_of_many = len({one.person for one in those if one.person}) >= 2
            overall = {type(rule): rule for rule in _rules(those, language)} if is_of_many else {}
            found += [_proposal(user_id, rule, "everyone", "", those) for rule in overall.values()]
            by_person: dict[str, list[_Read]] = defaultdict(list)
            for one in those:
                if one.person:
                    by_person[one.person].append(one)
            for person, mine in by_person.items():
                special = [rule for rule in _rules(mine, language) if overall.get(type(rule)) != rule]
                found += [_proposal(user_id, rule, "person", person, mine) for rule in special]
    return found


def _rules(read: Sequence[_Read], language: Language) -> list[Rule]:
    if len(read) < LEAST_MAILS:
        return []
    found: list[Rule] = []
    template = _usual(read, _template)
    if template is not None:
        found.append(Greeting(template=template, language=language))
    signed = _usual(read, lambda one: one.parts.sign_off or None)
    if signed and not is_fact(signed) and len(signed) <= 160:
        found.append(SignOff(text=signed, language=language))
    formality = _usual(read, _formality) if language == "de" else None
    if formality == "informal":
        found.append(Formality(value="informal"))
    elif formality == "formal":
        found.append(Formality(value="formal"))
    usual = median(len(letters.sentences_of(one.parts.middle)) for one in read)
    if usual <= SHORT_MAIL:
        found.append(
            Instruction(text=f"Keep mails as short as mine: {max(int(usual), 1)} to {int(usual) + 2} sentences")
        )
    return found


def _read(mails: Iterable[OwnMail]) -> list[_Read]:
    found: list[_Read] = []
    for mail in mails:
        parts = letters.take_apart(mail.body)
        if parts.middle or parts.greeting:
            own = "\n".join(part for part in (parts.greeting, parts.middle, parts.sign_off) if part)
            found.append(_Read(mail, parts, language_of(own)))
    return found


def _usual(read: Sequence[_Read], what: Callable[[_Read], str | None]) -> str | None:
    """What at least four of five have in common; None for nothing."""
    counted = Counter(what(one) for one in read)
    value, count = counted.most_common(1)[0]
    return value if value is not None and count >= len(read) * ALIKE and count >= min(LEAST_MAILS, len(read)) else None


def _template(one: _Read) -> str | None:
    """The greeting with the place of the name; None for one that calls somebody by more than a first name, or none."""
    greeting = one.parts.greeting
    if not greeting or is_fact(greeting):
        return None
    if name := name_in(greeting):
        return greeting.replace(name, FIRST_NAME, 1)
    has_name = re.search(r"\b[A-ZÄÖÜ]", re.sub(r"^\W*\w+(?:\s+(?:Tag|Morgen|Abend)\b)?", "", greeting))
    return None if has_name else greeting


def _formality(one: _Read) -> str | None:
    if one.language != "de":
        return None
    text = f"{one.parts.middle}"
    is_formal, is_informal = bool(SIE.search(text)), bool(DU.search(text))
    return None if is_formal == is_informal else "formal" if is_formal else "informal"


def _proposal(
    user_id: UUID | None, rule: Rule, scope_type: ScopeType, scope_value: str, read: Sequence[_Read]
) -> Proposal:
    def excerpt(one: _Read) -> str:
        match rule:
            case Greeting():
                return one.parts.greeting
            case SignOff():
                return one.parts.sign_off
            case _:
                return one.parts.middle[:600]

    newest = sorted(read, key=lambda one: one.mail.at)[-MOST_SOURCES:]
    sources = [
        {
            "key": one.mail.key,
            "mail_id": str(one.mail.mail_id) if one.mail.mail_id else None,
            "draft_id": str(one.mail.draft_id) if one.mail.draft_id else None,
            "excerpt_after": excerpt(one),
            "at": one.mail.at.isoformat(),
        }
        for one in newest
    ]
    return Proposal(user_id, rule, scope_type, scope_value, "sent_mail", sources, LEAST_MAILS)
