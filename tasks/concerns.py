"""What speaks against letting an action happen by itself: where its targets, links, numbers, files and words came from."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

from tasks.actions import Action, Carries, Effect, Permission, Policy, Reason
from tasks.origins import (
    ADDRESS,
    UNSEEN,
    Origin,
    Provenance,
    Seen,
    Source,
    addresses_in,
    appears,
    host_of,
    looks_like,
    numbers_in,
    problem_of_url,
    readable,
    urls_in,
)
from tasks.own_words import (
    LONGEST_QUOTE,
    TO_WAIT,
    closest_line,
    foreign_passages,
    foreign_words,
    odd_writing,
    says_nothing,
    stem,
    turned_around,
    vocabulary,
)

MOST_VALUES = 200
MOST_NAMED = 3
NOTICED = "what was noticed"  # a task that the house made by itself, out of what others may have written
REACHES = {Effect.SEND, Effect.SHARE, Effect.PUBLISH, Effect.WRITE}
ONE_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"]{1,64}@[^\s@<>(),;\"]{1,253}")  # a host of one's own network has no dot
NOTHING_SAID = "It has no words of yours, so nothing shows that you asked for it"
PRIVATE = {"its host is a private one", "its host is a private address"}


def forbidden(action: Action, policy: Policy) -> Iterator[Reason]:
    """What no yes can make right."""
    for value in [*action.destinations, *action.attachments, *action.amounts]:
        if not value.strip():
            yield Reason("malformed", "One of its targets or files has no name")
        elif UNSEEN.search(value):
            yield Reason("malformed", "It holds a line break or an invisible character", value)
    for value in action.destinations:
        if "@" in value.strip("@") and not value.startswith("@") and not ONE_ADDRESS.fullmatch(value.strip()):
            yield Reason("malformed", "This is not exactly one address", value)
    for url in action.urls:
        if (problem := problem_of_url(url)) is not None and not (problem in PRIVATE and _is_let_in(url, policy)):
            yield Reason("url_refused", f"This URL is not opened: {problem}", url)
    never = {one.casefold() for one in policy.never}
    for target in action.targets:
        domain = "@" + target.rpartition("@")[2]
        if target.casefold() in never or domain.casefold() in never:
            yield Reason("never", "You have said that nothing ever goes there", target)


def _is_let_in(url: str, policy: Policy) -> bool:
    """Has whoever runs the installation named this host of their own network?"""
    place = url.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0].casefold()
    return not {host_of(url), place}.isdisjoint(policy.private_hosts)


def disclosures(action: Action) -> Iterator[Reason]:
    """Which agents of others want it or get to know what comes of it, though the user did not give them that."""
    for agent in dict.fromkeys(action.discloses_to):
        if action.real_effect in REACHES:
            yield Reason("wanted_by_agent", f"{agent}, an agent of others, wants it: no permission covers that", agent)
        else:
            yield Reason("told_to_agent", f"What comes of it goes to {agent}, an agent of others", agent)


def unusable(permission: Permission, policy: Policy) -> Iterator[Reason]:
    """What is wrong with the permission itself, at this time."""
    if policy.is_stopped:
        yield Reason("stopped", "All standing permissions are stopped")
    if not permission.is_enabled:
        yield Reason("disabled", "The permission is switched off")
    if permission.expires_at is None or permission.expires_at <= policy.now:
        yield Reason("expired", "The permission has no end, or it has expired")
    if permission.used_this_hour >= permission.max_per_hour or permission.used_today >= permission.max_per_day:
        yield Reason("limit", "The permission has been used as often as it may for now")


def concerns(
    action: Action,
    provenance: Provenance,
    policy: Policy,
    carries: Carries | None,
    permission: Permission | None = None,
) -> Iterator[Reason]:
    """What speaks against letting it happen by itself, by where its values came from.

    `permission`: the one that it would ride on. `carries` None: it goes to the user alone, so only links and files count.
    """
    own = policy.own
    known = [*provenance.contacts, *own, *(one for text in provenance.user for one in addresses_in(text))]
    for source in provenance.untrusted:
        if source.is_suspicious:
            message = "It read text that gives instructions to an assistant; nothing of that is obeyed"
            quote = "" if source.is_closed else source.text.strip()[:LONGEST_QUOTE]
            yield Reason("suspicious_source", message, source=_titled(source), quote=quote)
    for target in dict.fromkeys(action.destinations):
        if target.strip().casefold() not in own:
            yield from _of_target(target, provenance, permission, known)
    for url in dict.fromkeys(action.urls):
        is_permitted = permission is not None and permission.lists(host_of(url)) and not provenance.has_read_untrusted
        if not is_permitted:
            yield from _of_value("url", "The address that it opens", url, provenance)
    if action.real_effect in REACHES and any(TO_WAIT.search(text) for text in provenance.user):
        yield Reason("asked_to_wait", "You asked to see it before it goes")
    if action.real_effect is Effect.FETCH and not action.urls:
        yield Reason("url_unknown", "It is not said what it opens")
    if action.real_effect is Effect.SHARE and not action.attachments:
        yield Reason("attachment_unknown", "It is not said what it shares")
    for name in dict.fromkeys(action.attachments):
        yield from _of_attachment(name, provenance)
    if action.real_effect is not Effect.QUERY or provenance.has_read_untrusted:
        yield from _of_body(action, provenance, carries, own)


def _of_target(
    target: str, provenance: Provenance, permission: Permission | None, known: Sequence[str]
) -> Iterator[Reason]:
    """A target: named by the user for this task; where nothing of others was read, or for a kind of task, in the permission."""
    seen, tainted = provenance.first_seen(target), provenance.has_read_untrusted
    if permission is not None and (permission.is_for_kind(target) or not tainted):
        is_given = permission.lists(target) or seen.origin in {Origin.USER, Origin.CONTACT, Origin.TRUSTED}
    else:
        is_given = provenance.is_named(target)
    if is_given:
        return
    if (twin := looks_like(target, known)) is not None:
        yield _reason("destination_lookalike", f"It looks like {twin}, and is another", target, seen)
    elif seen.origin is Origin.UNTRUSTED:
        yield _reason("destination_untrusted", f"This target first appeared {_where(seen)}", target, seen)
    else:
        yield _reason("destination_not_named", "You did not name this target for this task", target, seen)


def _of_value(kind: str, what: str, value: str, provenance: Provenance) -> Iterator[Reason]:
    """A URL, address or number: the user's own, or, in a run that read nothing of others, a trusted tool's."""
    seen = provenance.first_seen(value)
    if seen.origin in {Origin.USER, Origin.CONTACT}:
        return
    if seen.origin is Origin.TRUSTED and not provenance.has_read_untrusted:
        return
    if seen.origin is Origin.UNTRUSTED:
        yield _reason(f"{kind}_untrusted", f"{what} first appeared {_where(seen)}", value, seen)
    else:
        yield _reason(f"{kind}_not_named", f"{what} is not one that you gave", value, seen)


def _of_attachment(name: str, provenance: Provenance) -> Iterator[Reason]:
    """A file: named by the user, by one word only with its suffix; in a run that read nothing of others, any at hand."""
    seen = provenance.first_seen(name)
    is_told = name.strip().lower() in {one.strip().lower() for one in provenance.origins}  # who wrote it is known
    if not provenance.has_read_untrusted and not (is_told and seen.origin is Origin.UNTRUSTED):
        return
    said = provenance.affirmed
    words = foreign_words(_without_suffix(name), frozenset())
    is_named = len(words) > 1 and any(not foreign_words(_without_suffix(name), vocabulary([one])) for one in said)
    is_written = any(appears(name, one) for one in said) or (is_told and seen.origin is Origin.USER)
    if not (is_told and seen.origin is Origin.UNTRUSTED) and (is_written or is_named):
        return
    code = "attachment_untrusted" if seen.origin is Origin.UNTRUSTED else "attachment_not_named"
    yield _reason(code, "You did not name this file for this task", name, seen)


def _of_body(action: Action, provenance: Provenance, carries: Carries | None, own: Collection[str]) -> Iterator[Reason]:
    """Links and addresses must be known, always; after untrusted text was read numbers and words as well."""
    tainted = provenance.has_read_untrusted
    if action.body is None:
        if tainted and carries is not None and action.real_effect not in {Effect.READ, Effect.FETCH, Effect.SHARE}:
            yield Reason("text_unknown", "What it says is not known")
        return
    if tainted and carries is Carries.OWN_WORDS and _is_told(action) and not action.body.strip():
        yield Reason("text_missing", NOTHING_SAID)
    text = readable(action.body)
    addresses = dict.fromkeys(addresses_in(text))
    plain = ADDRESS.sub(" ", text)
    # Of https://a.example@b.example nothing would be left where the address has been taken out.
    urls = dict.fromkeys([*urls_in(plain), *(url for url in urls_in(text) if "://" in url)])
    numbers = dict.fromkeys(numbers_in(plain))
    if len(addresses) + len(urls) + len(numbers) > MOST_VALUES:
        yield Reason("too_much", f"It holds more than {MOST_VALUES} addresses, links and numbers")
        return
    for url in urls:
        yield from _of_value("url", "A link in the text", url, provenance)
    if carries is None:
        return
    given = {one.strip().casefold() for one in action.destinations}
    for address in addresses:
        if address.casefold() not in given:
            yield from _of_value("address", "An address in the text", address, provenance)
    if tainted:
        for number in numbers:
            yield from _of_value("number", "A number in the text", number, provenance)
    if tainted and carries is Carries.OWN_WORDS:
        yield from _of_words(unicodedata.normalize("NFKC", action.body), action, provenance, own)


def _is_told(action: Action) -> bool:
    """Does it tell others something, by its text alone?"""
    return action.real_effect in {Effect.SEND, Effect.WRITE, Effect.PUBLISH} and not action.attachments


def _of_words(text: str, action: Action, provenance: Provenance, own: Collection[str]) -> Iterator[Reason]:
    """The first passage that is not the user's own, with the line that it comes closest to.

    Names of those who are named, and the user's own, may stand in it.
    """
    people = provenance.contacts.items()
    names = [name for address, name in people if address.lower() in own or provenance.is_named(address)]
    names += [address.rpartition("@")[0] for address in own]
    known = vocabulary([*provenance.user, *names, *action.destinations])
    passages = foreign_passages(text, known)
    if not passages and (odd := odd_writing(text, [*provenance.user, *names, *action.destinations])):
        yield Reason("words_untrusted", "This is written in a way that is not yours", odd[0], Origin.MODEL)
        return
    if not passages:
        if action.real_effect is Effect.QUERY:
            return  # a question states nothing
        if _is_told(action) and says_nothing(text, provenance.user, [*names, *action.destinations]):
            yield Reason("text_missing", NOTHING_SAID, text.strip()[:LONGEST_QUOTE])
        for clause in turned_around(text, provenance.user, names)[:1]:
            yield Reason("words_turned", "This says something else than you said", clause, Origin.MODEL)
        return
    seen = _seen_in(foreign_words(passages[0], known), provenance.untrusted)
    more = f", and {len(passages) - 1} more" if len(passages) > 1 else ""
    yield _reason("words_untrusted", f"This passage is not in your own words{more}", passages[0], seen)


def _seen_in(words: Sequence[str], sources: Sequence[Source]) -> Seen:
    """Where words came from: the source that has a line with all of them; else those that have some, none of them to blame."""
    wanted = len({stem(word) for word in words})
    shares: list[str] = []
    for source in sorted(
        sources, key=lambda one: one.kind == NOTICED
    ):  # what is told first, what the house made of it last
        count, line = closest_line(words, source.text)
        if count and count == wanted:
            return Seen(Origin.UNTRUSTED, _titled(source), "" if source.is_closed else line)
        if count:
            shares.append(_titled(source))
    if not shares:
        return Seen(Origin.MODEL)
    named = "; ".join(list(dict.fromkeys(shares))[:MOST_NAMED])
    return Seen(Origin.UNTRUSTED, f"what was read for this task, which includes {named}")


def _where(seen: Seen) -> str:
    """Whose text a value first appeared in: a task of the house's own holds words out of calendar and mail."""
    is_noticed = seen.source.partition(":")[0] == NOTICED
    return "in a task made out of your calendar and mail" if is_noticed else "in text that others wrote"


def _reason(code: str, message: str, value: str, seen: Seen) -> Reason:
    return Reason(code, message, value, seen.origin, seen.source, seen.quote)


def _titled(source: Source) -> str:
    return f"{source.kind}: {source.title}" if source.title else source.kind


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and suffix.isalnum() and len(suffix) <= 5 else name
