"""Forms as they would be sent: read off the page by a script, masked and hashed here."""

import re
from typing import Any

from core.outside.browser import MASK, FilledForm, FormField
from integrations.browser.privacy import PRIVACY

VOLATILE_NAME = re.compile(
    r"token|csrf|xsrf|nonce|authenticity|viewstate|eventvalidation|session|timestamp", re.IGNORECASE
)
VOLATILE_VALUE = re.compile(r"[A-Za-z0-9+/=_.:-]{20,}")
MOST_TEXT = 2_000
MOST_VALUE = 5_000
LEAST_CARD_DIGITS = 12

# What is known of an element: does using it submit a form, and how is that form filled?
READ_FORM = """(element) => {
  const form = element.form || element.closest('form');
  const tag = element.tagName, type = (element.type || '').toLowerCase();
  const submits = !!form && ((tag === 'BUTTON' && type === 'submit') || (tag === 'INPUT' && ['submit', 'image'].includes(type)));
  const scope = form || element.closest('dialog, [role=dialog], section, article, main') || document.body;
  const controls = form ? [...form.elements] : [...scope.querySelectorAll('input, select, textarea')];
  const privacyOf = PRIVACY;
  const fields = [];
  for (const control of controls.slice(0, 500)) {
    const kind = (control.type || control.tagName).toLowerCase();
    if (['submit', 'button', 'image', 'reset', 'fieldset', 'output', 'object'].includes(kind) || control.disabled) continue;
    if (kind === 'radio' && !control.checked) continue;
    const label = control.labels && control.labels.length ? control.labels[0].innerText
      : control.getAttribute('aria-label') || control.placeholder || control.name || kind;
    let value = control.value;
    if (kind === 'checkbox') value = control.checked ? 'yes' : 'no';
    else if (kind === 'radio') value = control.value;
    else if (kind === 'file') value = [...control.files].map(f => `${f.name} (${f.size} bytes)`).join(', ');
    else if (control.tagName === 'SELECT') value = [...control.selectedOptions].map(o => o.label).join(', ');
    fields.push({label: (label || '').trim().split('\\n')[0].trim(), name: control.name || '', kind, value: value || '', hidden: kind === 'hidden',
      secret: privacyOf(control)});
  }
  const own = submits && element.getAttribute('formaction') ? element.formAction : form ? form.getAttribute('action') : null;
  const method = submits && element.getAttribute('formmethod') ? element.formMethod : form ? form.getAttribute('method') : null;
  return {
    has_form: !!form, submits, fields, page: location.href,
    action: own === null ? location.href : new URL(own, document.baseURI).href,
    method: form ? (method || 'get').toLowerCase() : 'script',
    role: form ? form.getAttribute('role') || (form.closest('search, [role=search]') ? 'search' : '') : '',
    button: (element.innerText || element.value || element.getAttribute('aria-label') || '').trim(),
    text: (scope.innerText || '').replace(/\\s+/g, ' ').trim(),
  };
}""".replace("PRIVACY", PRIVACY)


def form_from(found: dict[str, Any], sends_to: str | None = None) -> FilledForm:
    """The form out of what the script found. `sends_to`: where a script of the page wanted to send to when it was tried."""
    fields: list[dict[str, Any]] = found["fields"]
    seen = [field for field in fields if not (field["hidden"] and _is_volatile(field))]
    is_script = found["method"] == "script"
    return FilledForm(
        page_url=_without_fragment(found["page"]),
        target_url=_without_fragment((sends_to or found["page"]) if is_script else found["action"]),
        method=found["method"],
        button=found["button"][:200],
        fields=tuple(_field(field) for field in seen),
        text=found["text"][:MOST_TEXT],
        has_password=any(field["secret"] in {"password", "code"} for field in fields),
        is_search=_is_search(found),
    )


def _field(field: dict[str, Any]) -> FormField:
    value = str(field["value"])[:MOST_VALUE]
    if field["secret"]:
        value = _masked(value, field["secret"])
    return FormField(field["label"][:200], field["name"][:200], field["kind"], value, bool(field["hidden"]))


def _masked(value: str, privacy: str) -> str:
    """What may be seen of a secret: whether there is one, and of a card its last four digits."""
    digits = "".join(filter(str.isdecimal, value))
    if privacy == "card" and len(digits) >= LEAST_CARD_DIGITS:
        return f"•••• {digits[-4:]}"
    return MASK if value else ""


def _is_volatile(field: dict[str, Any]) -> bool:
    """Tokens differ each time that a page is opened; they are no part of what a person says yes to."""
    return bool(VOLATILE_NAME.search(field["name"]) or VOLATILE_VALUE.fullmatch(field["value"]))


def _is_search(found: dict[str, Any]) -> bool:
    """A GET form that asks for something: said to be a search, or with one plain field and no secret.

    GET is safe by definition (RFC 9110, 9.2.1); forms that write letters into the address all the same have more fields.
    """
    fields: list[dict[str, Any]] = found["fields"]
    if found["method"] != "get" or any(
        field["secret"] or field["kind"] in {"file", "email", "tel"} for field in fields
    ):
        return False
    if found["role"] == "search" or any(field["kind"] == "search" for field in fields):
        return True
    typed = [field for field in fields if field["kind"] in {"text", "textarea", "number", "date", "url"}]
    return len(typed) == 1 and typed[0]["kind"] == "text"


def _without_fragment(url: str) -> str:
    return url.partition("#")[0]
