"""The form of a preference: what a person types, and what it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agents.learning.rules import in_words, rule_of_preference
from agents.learning.writing import as_written
from core.errors import Invalid
from tasks.preferences import Preference

WHAT: dict[str, tuple[str, str]] = {
    "greeting": ("Begin a mail with", "template"),
    "sign_off": ("End a mail with", "text"),
    "replace": ("Write one phrase instead of another", "to"),
    "drop_sentence": ("Leave out a sentence", "text"),
    "add_sentence": ("Add a sentence at the end", "text"),
    "subject_prefix": ("Begin the subject with", "text"),
    "cc": ("Send a copy to", "address"),
    "max_sentences": ("Write at most so many sentences", "n"),
    "formality": ("Address people (du: informal, Sie: formal)", "value"),
    "instruction": ("Something else, in your words (needs a language model)", "text"),
}
LANGUAGES = {"": "any language", "en": "English", "de": "German"}
HAS_LANGUAGE = {"greeting", "sign_off", "add_sentence"}
SCOPES = {"everyone": "everyone", "person": "one person", "kind": "one kind of task"}
FIELDS = {"template": "text", "address": "text", "n": "text", "value": "text", "to": "text", "from": "instead_of"}


@dataclass(frozen=True)
class PreferenceForm:
    """What was typed; `errors` is {field: what is wrong}, "" for the whole."""

    what: str = "greeting"
    text: str = ""
    instead_of: str = ""
    language: str = ""
    scope_type: str = "everyone"
    scope_value: str = ""
    where: str = "end"
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, typed: Mapping[str, str]) -> "PreferenceForm":
        """What stands in a posted form."""
        return cls(
            what=typed.get("what", ""),
            text=typed.get("text", "").replace("\r\n", "\n").strip()[:2000],
            instead_of=typed.get("instead_of", "").strip()[:2000],
            language=typed.get("language", ""),
            scope_type=typed.get("scope_type", "everyone"),
            scope_value=typed.get("scope_value", "").strip()[:400],
            where="start" if typed.get("where") == "start" else "end",
        )

    @classmethod
    def of_preference(cls, known: Preference) -> "PreferenceForm":
        """The form of one that is there."""
        form = cls(scope_type=known.scope_type, scope_value=known.scope_value)
        if known.rule is None:
            return replace(form, what="instruction", text=known.statement)
        what = str(known.rule["type"])
        return replace(
            form,
            what=what,
            text=str(known.rule.get(WHAT[what][1], "")),
            instead_of=str(known.rule.get("from", "")),
            language=str(known.rule.get("language") or ""),
            where=str(known.rule.get("where") or "end"),
        )

    def as_fields(self) -> dict[str, Any]:
        """The fields of `save_preference`. Raises Invalid."""
        if self.what not in WHAT:
            raise Invalid("what", errors=[{"field": "what", "message": f"choose one of {', '.join(WHAT)}"}])
        value = self.scope_value if self.scope_type != "everyone" else ""
        if self.what == "instruction":
            return as_written(self.text, None, self.scope_type, value)
        rule: dict[str, Any] = {"type": self.what, WHAT[self.what][1]: self.text}
        if self.what == "max_sentences":
            rule["n"] = int(self.text) if self.text.isdecimal() and len(self.text) < 4 else self.text
        if self.what == "formality":
            rule["value"] = {"du": "informal", "sie": "formal"}.get(self.text.casefold(), self.text.casefold())
        if self.what == "replace":
            rule["from"] = self.instead_of
        if self.what == "add_sentence":
            rule["where"] = self.where
        if self.what in HAS_LANGUAGE and self.language:
            rule["language"] = self.language
        return as_written(None, rule, self.scope_type, value)

    def with_errors(self, error: Invalid) -> "PreferenceForm":
        """The form with what is wrong beside its fields."""
        wrong = {_field(one["field"]): one["message"] for one in error.errors if "field" in one}
        return replace(self, errors=wrong or {"": error.message})


def words_of(preference: Preference) -> str:
    """What a rule does, in words that say more than the statement where the person wrote that."""
    return in_words(rule_of_preference(preference), preference.scope_type, preference.scope_value)


def _field(name: str) -> str:
    last = name.rpartition(".")[2]
    return FIELDS.get(last, last if last in PreferenceForm.__dataclass_fields__ else "text")
