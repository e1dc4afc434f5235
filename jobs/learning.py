"""Learning by night, and on demand: what people changed, said and wrote becomes proposals, each tried before it is shown."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from agents.learning.measuring import Measured, halves
from agents.learning.proposing import LEAST, Proposal, propose
from agents.learning.rules import BY_RULES
from agents.learning.style import Style, propose_style, style_of
from agents.learning.trying import Redraft, changes_nothing, is_for_model, is_outdated, try_out
from agents.proactive.preferences import find_preferences
from core.database import Caller, Database, Identity
from core.errors import Conflict
from integrations.mail.quotes import split_quoted
from jobs.apart import apart
from tasks.nudges import Finding
from tasks.preferences import (
    DraftEdit,
    OwnMail,
    Preference,
    Trial,
    decide_preference,
    get_preference,
    keep_trial,
    list_draft_edits,
    list_own_mail,
    list_preferences,
    list_ratings,
    propose_preferences,
)
from tasks.thresholds import list_organizations_at_work

log = structlog.get_logger()
LOOK_BACK = timedelta(days=60)
MOST_EDITS = 300
MOST_MAILS = 200
MOST_PROPOSED = 50
MOST_RENEWED = 50  # proposals, of one person at one time
WITHOUT_MODEL = "needs a language model; without one it would do nothing"


async def learn(
    caller: Caller, *, at: datetime, least: int = LEAST, until: datetime | None = None, has_model: bool = False
) -> list[Preference]:
    """Look at what people made of drafts, said of results and wrote themselves; keep what is new as proposals, tried.

    Of the signed-in person, or as the worker of everybody in the tenant. `until`: only drafts written before. Of a style what
    would change nothing is left out, and without a model what only one can follow.
    """
    edits = await list_draft_edits(caller, until=until, most=MOST_EDITS)
    ratings = await list_ratings(caller)
    mails = [_new_part(one) for one in await list_own_mail(caller, most=MOST_MAILS)]
    learned = await asyncio.to_thread(propose, edits, ratings, least=least)  # a while, where there is much
    style = [one for one in await asyncio.to_thread(propose_style, mails) if _is_of_use(one, edits, has_model)]
    found = [*learned, *style][:MOST_PROPOSED]
    made = await propose_preferences(caller, [one.as_item() for one in found], at=at)
    known = await list_preferences(caller, states=["active", "proposed"])
    tried = [await keep_trial(caller, one.id, await _tried(one, known, edits, at)) for one in made]
    await renew_trials(caller, [one for one in known if one.id not in {new.id for new in made}], edits, at=at)
    if made:
        await log.ainfo("preferences_proposed", count=len(made))
    return tried


async def renew_trials(
    caller: Caller, known: Sequence[Preference], edits: Sequence[DraftEdit], *, at: datetime
) -> list[Preference]:
    """Proposals that were tried on other drafts than the newest are tried on those; `known` with what came of it."""
    waiting = [one for one in known if one.state == "proposed" and one.trial and is_outdated(one, edits)]
    renewed = {
        one.id: await keep_trial(caller, one.id, await _tried(one, known, edits, at)) for one in waiting[:MOST_RENEWED]
    }
    return [renewed.get(one.id, one) for one in known]


async def newly_tried(caller: Caller, known: Sequence[Preference], at: datetime) -> list[Preference]:
    """These, with proposals tried on the newest drafts there are."""
    if not any(one.state == "proposed" for one in known):
        return list(known)
    return await renew_trials(caller, known, await list_draft_edits(caller, most=MOST_EDITS), at=at)


@dataclass(frozen=True)
class Progress:
    """How it goes: what the person changed in the older and the newer half of the last drafts, and how they write themselves."""

    older: Measured
    newer: Measured
    style: Style


async def progress_of(caller: Caller, most: int = 60) -> Progress:
    """Of the newest drafts that the person decided, and the newest mails that they wrote."""
    edits = await list_draft_edits(caller, most=most)
    mails = [_new_part(one) for one in await list_own_mail(caller, most=most)]
    older, newer = await asyncio.to_thread(halves, edits)
    return Progress(older, newer, await asyncio.to_thread(style_of, mails))


async def learn_all(database: Database, at: datetime, *, least: int = LEAST, has_model: bool = False) -> int:
    """Look in every tenant in which something changed lately; how many proposals are new. One that fails holds up no other."""
    count = 0
    for organization_id in await list_organizations_at_work(database.acting_as(Identity.service()), at - LOOK_BACK):
        async with apart("not_learned", organization_id=str(organization_id)):
            caller = database.acting_as(Identity.service(organization_id))
            count += len(await learn(caller, at=at, least=least, has_model=has_model))
    return count


async def preferences_to_see(caller: Caller, at: datetime) -> list[Finding]:
    """What was learned and waits for a look, as a finding for `offer_nudges`: one a day at most. For the signed-in person."""
    return list(find_preferences(await list_preferences(caller, states=["proposed"]), at))


async def try_preference(
    caller: Caller,
    preference_id: UUID,
    *,
    at: datetime,
    redraft: Redraft | None = None,
    edits: Sequence[DraftEdit] | None = None,
) -> Preference:
    """Try one on the past and keep what came of it; `redraft` asks a model where only one can follow it."""
    preference = await get_preference(caller, preference_id)
    past = edits if edits is not None else await list_draft_edits(caller, most=MOST_EDITS)
    known = await list_preferences(caller, states=["active", "proposed"])
    trial = await _tried(preference, known, past, at, redraft)
    return await keep_trial(caller, preference.id, trial)


async def switch_on(caller: Caller, preference_id: UUID, *, at: datetime, redraft: Redraft | None = None) -> Preference:
    """Activate one, after trying it on the past where that was not done yet. Raises Conflict where it would do nothing."""
    known = await get_preference(caller, preference_id)
    if is_for_model(known) and redraft is None:
        raise Conflict(
            f"“{known.statement}” {WITHOUT_MODEL}",
            hint="Set OPENAI_API_KEY (or OPENAI_BASE_URL for a server of your own).",
        )
    if known.trial is None or (not known.trial.count and known.trial.note):
        tried: Preference = await try_preference(caller, preference_id, at=at, redraft=redraft)
        if tried.trial and not tried.trial.count and tried.trial.note:
            raise Conflict(f"“{known.statement}” was not tried yet", detail=tried.trial.note)
    return await decide_preference(caller, preference_id, "active", at=at)


async def _tried(
    preference: Preference,
    known: Sequence[Preference],
    edits: Sequence[DraftEdit],
    at: datetime,
    redraft: Redraft | None = None,
) -> Trial:
    active = [one for one in known if one.state == "active"]
    proposed = [one for one in known if one.state == "proposed"]
    return await try_out(preference, active, edits, at=at, redraft=redraft, proposed=proposed)


def _is_of_use(proposal: Proposal, edits: Sequence[DraftEdit], has_model: bool) -> bool:
    """Would a style that was found do anything here?"""
    if not isinstance(proposal.rule, BY_RULES):
        return has_model
    own = [one for one in edits if proposal.user_id in {None, one.user_id}]
    return not changes_nothing(proposal.rule, (proposal.scope_type, proposal.scope_value), own)


def _new_part(mail: OwnMail) -> OwnMail:
    """The mail without what it quotes: others wrote that."""
    return mail.model_copy(update={"body": split_quoted(mail.body)[0]})
