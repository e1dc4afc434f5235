"""What an assistant wants to do, what a person has permitted, and what was decided: the nouns of `tasks.policy`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tasks.origins import ADDRESS, Origin, Provenance, host_of, texts

NAMED = "named"
LONGEST_VALUE = 300
MOST_REASONS = 20


class Effect(StrEnum):
    """What an action does to the world. Where two fit, the later one in this list.

    READ        looks at data of the user's own accounts; nothing reaches anybody. Listing, searching own mail and files.
    OWN_WRITE   makes or changes something that only the user sees and can take back: a note, a draft, a label, a private
                event, a memory, a file in their own store. With other people in it, it is a SEND.
    QUERY       puts a question to an outside service that is no person: web search, translation, a remote model or tool.
                `body` is the question.
    FETCH       opens, downloads or checks a URL. `urls` holds it.
    WRITE       makes or changes a record where colleagues see it: ticket, comment, customer record, shared document.
    SEND        tells certain people something: mail, chat message, invitation, answer to one, comment that notifies.
    SHARE       gives certain people sight of a file, folder, calendar or event. `attachments` names what is shared.
    PUBLISH     shows something to whoever comes by: web page, public post, upload to a site, form on a page.
    EXECUTE     runs code or a command, starts a machine's work elsewhere (deployment, pipeline), moves a device (door, heater).
    MONEY       pays, transfers, buys, books, orders or reserves; changes or schedules that; bids; cancels at a cost.
    DELETE      removes, overwrites or empties something, into a bin too; cancels what others count on.
    GRANT       gives access, membership, role or control: adds or invites a user, forwarding and filter rules, delegation,
                rules, settings, permissions and standing instructions of the assistant itself.
    CREDENTIAL  shows, makes or changes passwords, keys, tokens, codes, recovery addresses.
    IDENTITY    changes or uses who the user is: profile, name, address, signature, a signature on a document.
    """

    READ = "read"
    OWN_WRITE = "own_write"
    QUERY = "query"
    FETCH = "fetch"
    WRITE = "write"
    SEND = "send"
    SHARE = "share"
    PUBLISH = "publish"
    EXECUTE = "execute"
    MONEY = "money"
    DELETE = "delete"
    GRANT = "grant"
    CREDENTIAL = "credential"
    IDENTITY = "identity"


ALWAYS_ASK: Mapping[Effect, str] = {
    Effect.MONEY: "It is about money",
    Effect.DELETE: "It removes or overwrites something",
    Effect.GRANT: "It changes who may do what",
    Effect.CREDENTIAL: "It is about passwords or keys",
    Effect.IDENTITY: "It changes or uses who you are",
    Effect.EXECUTE: "It runs something",
}


class Verdict(StrEnum):
    """What becomes of an action."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Carries(StrEnum):
    """What a permission may carry after untrusted text was read.

    OWN_WORDS: only what the user said themself for this task. PLAIN_TEXT: other words too, so that what strangers wrote can
    reach the targets; never a new link, address, number or file. Only for targets that are named one by one or by domain.
    """

    OWN_WORDS = "own_words"
    PLAIN_TEXT = "plain_text"


@dataclass(frozen=True)
class Action:
    """One tool call, before it is made.

    `name`: the tool; permissions are given for it. `destinations`: every address, channel, handle, person or place that it
    reaches, one entry each (To, Cc, Bcc, attendees, who a file is shared with). `urls`: what it opens or posts to; links
    inside `body` are found there. `body`: all that a receiver gets to read: subject, title, text, description, place, a
    forwarded or quoted text unless they have it already, contents of a new file; of a QUERY the question. None means that
    it is not known. Dates and times in fields of their own are not part of it. `amounts`: money that it moves; any makes
    it MONEY. `attachments`: names of files that go along, or of what is shared. `is_shared`: others see the result of an
    OWN_WRITE. `task_kind`: kind of the task it belongs to. `discloses_to`: agents of others that want it, or get to know what comes
    of it, and were not given that by the user: of what reaches others, every one.
    """

    name: str
    effect: Effect | str
    destinations: Sequence[str] = ()
    urls: Sequence[str] = ()
    body: str | None = None
    amounts: Sequence[str] = ()
    attachments: Sequence[str] = ()
    is_shared: bool = False
    task_kind: str = ""
    discloses_to: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("destinations", "urls", "amounts", "attachments", "discloses_to"):
            object.__setattr__(self, name, texts(f"Action.{name}", getattr(self, name)))
        object.__setattr__(self, "effect", Effect(self.effect))

    @property
    def real_effect(self) -> Effect:
        """The effect, with an own write that others see as the SEND that it is, and anything that moves money as MONEY."""
        effect = Effect(self.effect)
        if self.amounts and effect not in ALWAYS_ASK:
            return Effect.MONEY
        if effect is Effect.OWN_WRITE and (self.is_shared or self.destinations):
            return Effect.SEND
        return effect

    @property
    def targets(self) -> list[str]:
        """Whom and what it reaches: the destinations, and the host of each URL."""
        return [*self.destinations, *(host_of(url) or url for url in self.urls)]


@dataclass(frozen=True)
class Permission:
    """A standing permission: an action to targets, for kinds of task. Narrow, limited in number and time, off by default.

    `targets`: addresses, channels, handles and host names one by one; `@example.com` for every address of a domain; `named`
    for whoever the user's own words name. `task_kinds`: none means any. `used_this_hour` and `used_today`: how often it was
    used so far.
    """

    id: str
    action: str
    targets: Sequence[str]
    task_kinds: Sequence[str] = ()
    carries: Carries | str = Carries.OWN_WORDS
    max_per_hour: int = 10
    max_per_day: int = 50
    used_this_hour: int = 0
    used_today: int = 0
    expires_at: datetime | None = None
    is_enabled: bool = True

    def __post_init__(self) -> None:
        for name in ("targets", "task_kinds"):
            object.__setattr__(self, name, texts(f"Permission.{name}", getattr(self, name)))
        object.__setattr__(self, "carries", Carries(self.carries))

    def reaches(self, action: Action, provenance: Provenance, own: Collection[str] = ()) -> bool:
        """Is it for this action, its kind of task and every one of its targets but the user's own addresses?"""
        others = [one for one in action.destinations if one.strip().lower() not in own]
        if self.action.lower() != action.name.lower() or not (others or action.urls):
            return False
        if self.task_kinds and action.task_kind not in self.task_kinds:
            return False
        targets = [(one, one) for one in others] + [(url, host_of(url)) for url in action.urls]
        return all(any(_matches(one, whole, host, provenance) for one in self.targets) for whole, host in targets)

    def is_for_kind(self, target: str) -> bool:
        """Did the user permit this target, or its domain, for certain kinds of task? It need not be named again then."""
        domain = "@" + target.strip().lower().rpartition("@")[2]
        return bool(self.task_kinds) and (self.lists(target) or domain in {one.strip().lower() for one in self.targets})

    def lists(self, target: str) -> bool:
        """Did the user write this very target into the permission?"""
        return target.strip().lower() in {one.strip().lower() for one in self.targets}


@dataclass(frozen=True)
class Policy:
    """What a person has permitted, at one time. `is_stopped`: the kill switch; permissions count for nothing.

    `own_addresses`: the user's own; what goes to them alone leaves nobody's house. `never`: targets that nothing ever goes to.
    `private_hosts`: hosts of one's own network (host or host:port) that whoever runs the installation lets be opened.
    """

    permissions: Sequence[Permission] = ()
    is_stopped: bool = False
    own_addresses: Sequence[str] = ()
    never: Sequence[str] = ()
    private_hosts: Sequence[str] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def own(self) -> frozenset[str]:
        return frozenset(address.strip().lower() for address in self.own_addresses)


@dataclass(frozen=True)
class Reason:
    """Why a person is asked, or why it may never happen. `code` is stable; `quote` is the line that a value came from."""

    code: str
    message: str
    value: str = ""
    origin: Origin | None = None
    source: str = ""
    quote: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "value": self.value[:LONGEST_VALUE],
            "origin": self.origin.value if self.origin else None,
            "source": self.source,
            "quote": self.quote,
        }


@dataclass(frozen=True)
class Decision:
    """The verdict, why, and the permission that it rides on.

    `considered_permission_id`: one that reaches the targets, where something else spoke against it. `stays_tainted`: what this
    action writes counts as untrusted for whoever reads it later.
    """

    verdict: Verdict
    reasons: Sequence[Reason] = ()
    permission_id: str | None = None
    considered_permission_id: str | None = None
    stays_tainted: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict.value,
            "permission_id": self.permission_id,
            "considered_permission_id": self.considered_permission_id,
            "stays_tainted": self.stays_tainted,
            "reasons": [reason.as_json() for reason in self.reasons[:MOST_REASONS]],
        }


def _matches(pattern: str, whole: str, host: str, provenance: Provenance) -> bool:
    """Is a target among those that a permission is for? `whole` is the address or URL, `host` the host of a URL.

    `@example.com` is that domain alone, not what lies below it.
    """
    wanted, given = pattern.strip().lower(), whole.strip().lower()
    if wanted == NAMED:
        return provenance.is_named(whole)
    if wanted.startswith("@") and "." in wanted:
        return ADDRESS.fullmatch(given) is not None and given.endswith(wanted) and given.count("@") == 1
    return wanted in {given, host.lower()}
