"""The page of all preferences, as it is shown after a click or by itself."""

from fastapi import Request
from starlette.responses import Response

from agents.learning.trying import is_for_model
from app.seen import house_of
from app.settings.preferences._form import LANGUAGES, SCOPES, WHAT, PreferenceForm
from app.templating import render
from core.database import Caller
from jobs.learning import newly_tried, progress_of
from tasks.kinds import kind_words
from tasks.preferences import Preference, PreferenceState, list_preferences

SECTIONS: dict[PreferenceState, str] = {
    "proposed": "Waiting for a look",
    "active": "Active",
    "off": "Off",
    "rejected": "Said no to",
}
FROM = {
    "edit": ("edit of yours", "edits of yours"),
    "rejection": ("draft that you turned down", "drafts that you turned down"),
    "rating": ("word of yours on a result", "words of yours on results"),
    "sent_mail": ("mail that you wrote", "mails that you wrote"),
    "person": ("", ""),
}
ORDER = {"everyone": 0, "person": 1, "kind": 2}


async def show(
    request: Request,
    caller: Caller,
    *,
    form: PreferenceForm | None = None,
    looked: int | None = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    """The whole page; `looked` is how many were found just now."""
    now = house_of(request).clock.now()
    known = await newly_tried(caller, await list_preferences(caller), now)
    progress = await progress_of(caller)
    return render(
        request,
        "settings/preferences/page.html",
        status_code=status_code,
        sections=[(state, title, _in_order(known, state)) for state, title in SECTIONS.items()],
        progress=progress,
        scope_words=scope_words,
        came_from=came_from,
        is_for_model=is_for_model,
        has_model=house_of(request).equipment.thinking.is_model,
        form=form or PreferenceForm(),
        what=WHAT,
        languages=LANGUAGES,
        scopes=SCOPES,
        looked=looked,
        problem=problem,
    )


def scope_words(preference: Preference) -> str:
    """Whom it is for."""
    match preference.scope_type:
        case "everyone":
            return "for everyone"
        case "person":
            return f"for {preference.scope_value}"
        case "kind":
            return f"for tasks of the kind {kind_words(preference.scope_value)}"


def came_from(preference: Preference) -> str:
    """What it was learned from."""
    if preference.origin == "person":
        return "written by you"
    one, many = FROM[preference.origin]
    return f"from {preference.sources_count} {one if preference.sources_count == 1 else many}"


def _in_order(known: list[Preference], state: PreferenceState) -> list[Preference]:
    return sorted(
        (one for one in known if one.state == state), key=lambda one: (ORDER[one.scope_type], one.scope_value)
    )
