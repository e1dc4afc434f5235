"""What may happen without a person: one pure function over what is to be done, where its values came from, and what the
person has permitted.

`decide(action, provenance, policy)` answers *allow*, *ask* (a person sees the action and says yes or no) or *deny* (never,
whoever asks). Nothing else in the house decides this. `docs/guide/policy.md` shows how the tool calls of any assistant are
written as actions; everything here fails towards *ask*: what is left out, unknown or cannot be traced is asked about.

The rules, in order:

1. Malformed targets, URLs that are never opened (private addresses, other schemes) and targets on the `never` list: deny.
2. What is done for somebody else's agent: ask, whatever it does. No permission covers that; where it looks at something, an
   agent that was given the tool is not named here.
3. Looking at one's own data: allow. A write that is one's own, can be undone and that nobody else sees: allow, also after
   reading untrusted text (what it wrote stays tainted).
4. Money, deletion, grants and settings, credentials, identity: ask, always.
5. A question to an outside service, or opening a URL: allow while it carries the user's words to where the user said.
6. Whatever reaches others needs a permission that covers every target, and nothing about it may speak against it:
   a target, link, address, number or file that first appeared in untrusted text or nowhere; after untrusted text was read also
   a target that the user did not name for this task, and words that are not the user's own.
"""

from collections.abc import Sequence
from dataclasses import replace

from tasks.actions import ALWAYS_ASK, Action, Carries, Decision, Effect, Permission, Policy, Reason, Verdict
from tasks.concerns import concerns, disclosures, forbidden, unusable
from tasks.origins import Origin, Provenance, Source

__all__ = [
    "Action",
    "Carries",
    "Decision",
    "Effect",
    "Origin",
    "Permission",
    "Policy",
    "Provenance",
    "Reason",
    "Source",
    "Verdict",
    "decide",
]


def decide(action: Action, provenance: Provenance, policy: Policy) -> Decision:
    """May this happen without a person? Pure. Raises ValueError for an effect, origin or kind of text that is not known."""
    return replace(_decided(action, provenance, policy), stays_tainted=provenance.has_read_untrusted)


def _decided(action: Action, provenance: Provenance, policy: Policy) -> Decision:
    effect, own = action.real_effect, policy.own
    if never := tuple(forbidden(action, policy)):
        return Decision(Verdict.DENY, never)
    if effect in {Effect.READ, Effect.OWN_WRITE} and not action.urls and not action.destinations:
        told = tuple(disclosures(action))
        return Decision(Verdict.ASK if told else Verdict.ALLOW, told)
    is_told = effect in {Effect.OWN_WRITE, Effect.SEND, Effect.SHARE} and bool(action.destinations)
    is_to_self = is_told and not action.urls and all(one.strip().lower() in own for one in action.destinations)
    stays_home = is_to_self or effect in {Effect.READ, Effect.OWN_WRITE, Effect.QUERY, Effect.FETCH}
    against = tuple(concerns(action, provenance, policy, None if is_to_self else Carries.OWN_WORDS))
    if effect in ALWAYS_ASK:
        always = Reason(f"always_asks_{effect.value}", f"{ALWAYS_ASK[effect]}: that always asks")
        return Decision(Verdict.ASK, (always, *against))
    if told := tuple(disclosures(action)):
        return Decision(Verdict.ASK, (*told, *against))
    if stays_home and not against:
        return Decision(Verdict.ALLOW)
    reaching = [one for one in policy.permissions if one.reaches(action, provenance, own)]
    if not reaching:
        nothing = () if stays_home else (Reason("no_permission", "No standing permission covers it"),)
        return Decision(Verdict.ASK, (*nothing, *against))
    return _by_permission(action, provenance, policy, reaching)


def _by_permission(action: Action, provenance: Provenance, policy: Policy, reaching: Sequence[Permission]) -> Decision:
    """Allow where one of the permissions that reach the targets has nothing against it; else ask, and say why."""
    found: list[tuple[Permission, tuple[Reason, ...]]] = []
    for permission in reaching:
        speaking = concerns(action, provenance, policy, Carries(permission.carries), permission)
        against = (*unusable(permission, policy), *speaking)
        if not against:
            return Decision(Verdict.ALLOW, permission_id=permission.id)
        found.append((permission, against))
    best, against = min(found, key=lambda one: len(one[1]))
    return Decision(Verdict.ASK, against, considered_permission_id=best.id)
