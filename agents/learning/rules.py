"""What a preference can say so that it is applied without a model: typed rules, each with its sentence."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from core.errors import Invalid
from tasks.kinds import kind_words
from tasks.preferences import Preference

Language = Literal["en", "de"]
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]]{1,64}@[^\s@<>,;:\"()\[\]]{1,255}")
PLACES = re.compile(r"\{[^}]*\}")
FIRST_NAME = "{first_name}"
LANGUAGES = {"en": "English", "de": "German"}


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Greeting(_Rule):
    """How a mail begins: "Hi {first_name},"; "" is without a greeting. Only in mails of that language, where one is named."""

    type: Literal["greeting"] = "greeting"
    template: str = Field(max_length=80)
    language: Language | None = None

    @field_validator("template")
    @classmethod
    def _known_places(cls, value: str) -> str:
        if any(place != FIRST_NAME for place in PLACES.findall(value)) or "\n" in value:
            raise ValueError(f"one line; the only place to be filled in is {FIRST_NAME}")
        return value.strip()


class SignOff(_Rule):
    """How a mail ends: the closing words and the name below, up to three lines; "" is without one."""

    type: Literal["sign_off"] = "sign_off"
    text: str = Field(max_length=160)
    language: Language | None = None

    @field_validator("text")
    @classmethod
    def _few_lines(cls, value: str) -> str:
        lines = [line.strip() for line in value.replace("\r\n", "\n").split("\n") if line.strip()]
        if len(lines) > 3:
            raise ValueError("at most three lines")
        return "\n".join(lines)


class Replace(_Rule):
    """A word or phrase instead of another, whole words, as they are written."""

    type: Literal["replace"] = "replace"
    from_: str = Field(alias="from", min_length=2, max_length=200)
    to: str = Field(max_length=200)
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _ends(self) -> "Replace":
        if "\n" in self.from_ + self.to:
            raise ValueError("a phrase is on one line")
        if words_in(self.from_, self.to):
            raise ValueError("what is put there must not hold what is replaced: it would be replaced again")
        return self


class DropSentence(_Rule):
    """A sentence that is left out."""

    type: Literal["drop_sentence"] = "drop_sentence"
    text: str = Field(min_length=3, max_length=500)


class AddSentence(_Rule):
    """A sentence that is always there: as the first of the text, or as the last."""

    type: Literal["add_sentence"] = "add_sentence"
    text: str = Field(min_length=3, max_length=500)
    where: Literal["start", "end"] = "end"
    language: Language | None = None

    @field_validator("text")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if "\n" in value.strip():
            raise ValueError("one line")
        return value.strip()


class SubjectPrefix(_Rule):
    """What stands before every subject of a new mail."""

    type: Literal["subject_prefix"] = "subject_prefix"
    text: str = Field(min_length=1, max_length=60)

    @field_validator("text")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if "\n" in value or not value.strip():
            raise ValueError("one line of text")
        return value.strip()


class Cc(_Rule):
    """Somebody who gets a copy. A draft with it is shown as any other before it leaves."""

    type: Literal["cc"] = "cc"
    address: str = Field(max_length=320)

    @field_validator("address")
    @classmethod
    def _bare(cls, value: str) -> str:
        if not ADDRESS.fullmatch(value.strip()):
            raise ValueError("one bare address like ana@example.com")
        return value.strip().casefold()


class MaxSentences(_Rule):
    """How long the text is at most, in sentences, without greeting and sign-off."""

    type: Literal["max_sentences"] = "max_sentences"
    n: int = Field(ge=1, le=50)


class Formality(_Rule):
    """How people are addressed: in German du or Sie. Only a model can reword a text so."""

    type: Literal["formality"] = "formality"
    value: Literal["formal", "informal"]


class Instruction(_Rule):
    """Words that a model follows."""

    type: Literal["instruction"] = "instruction"
    text: str = Field(min_length=3, max_length=500)


Rule = (
    Greeting
    | SignOff
    | Replace
    | DropSentence
    | AddSentence
    | SubjectPrefix
    | Cc
    | MaxSentences
    | Formality
    | Instruction
)
BY_RULES = (Greeting, SignOff, Replace, DropSentence, AddSentence, SubjectPrefix, Cc, MaxSentences)
RULES: TypeAdapter[Rule] = TypeAdapter(Annotated[Rule, Field(discriminator="type")])
TYPES = "greeting, sign_off, replace, drop_sentence, add_sentence, subject_prefix, cc, max_sentences, formality, instruction"
R = TypeVar("R", bound=BaseModel)


def rule_of(row: Mapping[str, Any] | None, statement: str = "") -> Rule:
    """A rule as it is kept; None is the statement itself as an instruction. Raises Invalid that names field and value."""
    if row is None:
        return Instruction(text=(statement.strip() or "-").ljust(3, "."))
    try:
        return RULES.validate_python(dict(row))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["rule", *(str(part) for part in first["loc"] if part not in _TAGS)])
        value = first.get("input")
        if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:
            raise Invalid(
                f"rule.type is one of {TYPES}", errors=[{"field": "rule.type", "message": f"allowed: {TYPES}"}]
            ) from error
        shown = str(value)[:80]
        raise Invalid(
            f"{field}: {first['msg'].removeprefix('Value error, ')} (given {shown!r})",
            errors=[{"field": field, "message": first["msg"].removeprefix("Value error, ")}],
        ) from error


def as_row(rule: Rule) -> dict[str, Any]:
    """A rule as it is kept: without what is not set."""
    return rule.model_dump(mode="json", by_alias=True, exclude_none=True)


def rule_of_preference(preference: Preference) -> Rule:
    """What a preference asks for."""
    return rule_of(preference.rule, preference.statement)


def in_words(rule: Rule, scope_type: str = "everyone", scope_value: str = "") -> str:
    """The sentence that a person reads: “Begin with “Hi {first_name},” in mails to ana@example.com”."""
    whom = {"everyone": "", "person": f" in mails to {scope_value}", "kind": f" in {_kinds(scope_value)}"}[scope_type]
    match rule:
        case Greeting(template=""):
            said = "Begin without a greeting"
        case Greeting():
            said = f"Begin with “{rule.template.replace(FIRST_NAME, '(first name)')}”{_in(rule.language)}"
        case SignOff(text=""):
            said = "End without a sign-off"
        case SignOff():
            said = f"End with “{rule.text.replace(chr(10), ' / ')}”{_in(rule.language)}"
        case Replace(to=""):
            said = f"Leave out “{rule.from_}”"
        case Replace():
            said = f"Write “{rule.to}” instead of “{rule.from_}”"
        case DropSentence():
            said = f"Leave out the sentence “{rule.text}”"
        case AddSentence():
            place = "at the beginning" if rule.where == "start" else "at the end"
            said = f"Add “{rule.text}” {place}{_in(rule.language)}"
        case SubjectPrefix():
            said = f"Begin the subject with “{rule.text}”"
        case Cc():
            said = f"Copy to {rule.address}"
        case MaxSentences():
            said = f"Write at most {rule.n} {'sentence' if rule.n == 1 else 'sentences'}"
        case Formality():
            said = "Address people informally (du)" if rule.value == "informal" else "Address people formally (Sie)"
        case Instruction():
            said = rule.text[:400].rstrip(".")
    return f"{said}{whom}"[:500]


def words_in(phrase: str, text: str) -> bool:
    """Does a phrase stand in a text as whole words?"""
    return bool(phrase) and phrase_pattern(phrase).search(text) is not None


def phrase_pattern(phrase: str) -> "re.Pattern[str]":
    """A phrase as whole words, as it is written."""
    before = r"(?<!\w)" if phrase[:1].isalnum() else ""
    after = r"(?!\w)" if phrase[-1:].isalnum() else ""
    return re.compile(f"{before}{re.escape(phrase)}{after}")


def _kinds(kind: str) -> str:
    words = {"email": "mails", "reply": "replies", "agenda": "agendas", "follow_up": "follow-ups"}
    return words.get(kind, f"drafts of the kind {kind_words(kind)}")


def _in(language: Language | None) -> str:
    return f" in {LANGUAGES[language]}" if language else ""


_TAGS = {part.strip() for part in TYPES.split(",")}
