"""What verbs mean: the kind of task, and who can do it. English imperatives and German imperatives and infinitives.

Classes, not sentences: each verb belongs to a class, and a class says kind and execution type. What stands behind the
verb may narrow it ("book a table" and "book a meeting" are not the same); `classify` holds those rules.
"""

import re
from dataclasses import dataclass

from tasks.models import ExecutionType, TaskKind


@dataclass(frozen=True)
class Meaning:
    """A kind of task, its execution type, how sure the rules are, and the reason in words."""

    kind: TaskKind
    execution_type: ExecutionType
    confidence: float
    why: str


CLASSES: dict[str, str] = {
    "write": "write draft compose author formulate pen prepare create make generate produce build put schreib entwirf entwerf "
    "verfass formulier erstell mach bereite vorbereiten erzeug generier",
    "reply": "reply answer respond antwort beantwort",
    "send": "send forward submit-by-mail email e-mail mail invite schick send-de sende leite weiterleiten einladen lade mailen maile verschick zuschick",
    "message": "ping message dm slack tell notify inform text ask post share announce publish remind nudge let whatsapp frag informier benachrichtig "
    "sag teile poste erinner melde",
    "summarize": "summarize summarise recap digest condense fass zusammenfass",
    "extract": "extract pull-out list-out collect-from extrahier herauszieh",
    "translate": "translate übersetz",
    "rewrite": "rewrite rephrase reword shorten proofread polish paraphrase simplify correct kürz korrigier umformulier formuliere-um überarbeit vereinfach",
    "outline": "outline sketch gliedere skizzier",
    "schedule": "schedule reschedule arrange book set-up find-a-time block vereinbar termin buch verschieb reservier plan-in reserve move postpone",
    "plan": "plan organize organise coordinate launch kick-off host run roll-out plan-de plane organisier koordinier veranstalt ausricht",
    "research": "research investigate compare explore look-into look-up find find-out google evaluate analyze analyse benchmark assess recherchier "
    "vergleich untersuch herausfind finde analysier such informier-dich",
    "purchase": "buy order purchase get grab shop renew subscribe kauf bestell besorg einkauf hol verlänger abonnier",
    "payment": "pay transfer-money settle wire reimburse donate overweis bezahl zahl überweis begleich spende",
    "call": "call phone ring dial telephone ruf anruf telefonier zurückruf",
    "errand": "sign pick collect drop return fix repair clean wash water feed walk visit meet attend go take bring fetch mow vacuum cook bake "
    "pack unpack move-house print scan install replace change charge fill file submit register apply cancel check review read test approve "
    "decide confirm verify finish complete do start practice practise study learn exercise train watch try hang paint assemble deliver "
    "hand give back-up backup upload download update upgrade deploy merge ship close open lock measure order-in sort tidy empty iron sew "
    "prepare-dinner renew-passport vote donate-blood see talk speak discuss follow-up follow contact "
    "unterschreib unterzeichn kündig abhol abgeb bring zurückbring reparier putz wasch gieß fütter besuch triff geh nimm mäh koch back pack "
    "druck scann installier tausch wechsle lad-auf füll einreich reich beantrag storniert stornier prüf überprüf lies les test genehmig "
    "entscheid bestätig erledig beend fertigstell lern üb trainier schau probier streich montier liefer gib aktualisier aufräum räum sortier "
    "leer bügel näh sprich sprech besprich kontaktier mess meld-an anmeld abmeld hör",
}
VERB_CLASS: dict[str, str] = {verb: name for name, verbs in CLASSES.items() for verb in verbs.split()}
GERMAN_ENDINGS = ("", "e", "en", "n", "st", "est")
# Forms that are verbs only at the head of a request and often something else: refuse them when a noun's company follows.
NOT_AN_IMPERATIVE = re.compile(
    r"^\s*(?:is|are|was|were|will|has|have|had|went|ist|war|sind|waren|wird|hat|of\b|number|no\.|status|['’]s)\b",
    re.IGNORECASE,
)
LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")


def verb_class(word: str) -> str | None:
    """The class of a verb form at the head of a request; None when it is none that is known."""
    word = word.casefold()
    if word in VERB_CLASS:
        return VERB_CLASS[word]
    for ending in ("en", "est", "e", "n", "st", "ern", "eln"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 2 and (stem in VERB_CLASS) and _is_german(stem):
            return VERB_CLASS[stem]
    if "zu" in word:  # "einzukaufen", "anzurufen"
        joined = word.replace("zu", "", 1)
        if joined != word and len(joined) > 5:
            return verb_class(joined)
    for prefix in ("an", "ab", "auf", "ein", "aus", "vor", "zurück", "mit", "weiter", "um", "nach"):
        if word.startswith(prefix) and len(word) > len(prefix) + 3:
            found = VERB_CLASS.get(word.removeprefix(prefix).removesuffix("en").removesuffix("n"))
            if found and _is_german(word.removeprefix(prefix).removesuffix("en").removesuffix("n")):
                return "call" if prefix in {"an", "zurück"} and "ruf" in word else found
    return None


GERMAN_STEMS = {
    verb for verbs in CLASSES.values() for verb in verbs.split()
} - {
    "write", "draft", "compose", "author", "pen", "prepare", "create", "make", "produce", "put", "reply", "send", "email", "mail",
    "invite", "ping", "message", "slack", "tell", "text", "ask", "post", "share", "list", "outline", "book", "block", "move", "run",
    "launch", "host", "find", "compare", "buy", "order", "get", "grab", "shop", "pay", "wire", "call", "phone", "ring", "sign", "pick",
    "fix", "clean", "water", "feed", "walk", "visit", "meet", "go", "take", "bring", "cook", "bake", "print", "change", "charge",
    "fill", "file", "check", "review", "read", "do", "start", "study", "learn", "train", "watch", "try", "paint", "hand", "give",
    "ship", "close", "open", "lock", "sort", "iron", "sew", "see", "talk", "follow", "let", "plan", "build", "drop", "return",
}  # fmt: skip


def _is_german(stem: str) -> bool:
    return stem in GERMAN_STEMS


SLACK = re.compile(
    r"\b(?:slack|teams|discord|mattermost|whatsapp|signal|telegram)\b|(?<!\w)#[a-z][\w-]+\s+(?:on|in|auf)\b|\bin\s+#[a-z]|@\w+",
    re.I,
)
MAIL = re.compile(r"\be-?mails?\b|\bmails?\b|[\w.+-]+@[\w-]+\.\w|\bthank[- ]you note\b|\bletter\b|\bBrief\b", re.I)
REPLY = re.compile(r"\b(?:repl(?:y|ies)|responses?|answers?|Antwort(?:en|schreiben)?)\b", re.I)
MEETING = re.compile(
    r"\b(?:meetings?|calls?|sync|1:1|one[- ]on[- ]one|stand-?ups?|demos?|interviews?|sessions?|slot|catch[- ]?up|workshops?|kick-?off|retro(?:spective)?|"
    r"review meeting|video call|Termin|Besprechung|Meeting|Telefonat|Gespräch|Treffen|Videokonferenz|appointment with|time with|coffee with|lunch with)\b", re.I
)  # fmt: skip
OUTSIDE_BOOKING = re.compile(
    r"\b(?:dentist|doctor|hairdresser|vet|barber|therap\w+|flight|flights|hotel|table|train|tickets?|restaurant|car|venue|taxi|room|rooms|court|massage|"
    r"Zahnarzt\w*|Arzt\w*|Friseur\w*|Flug|Flüge|Hotel\w*|Tisch|Zug\w*|Karten|Mietwagen|Werkstatt\w*|Tierarzt\w*|Raum|Zimmer)\b", re.I
)  # fmt: skip
SHEET = re.compile(
    r"\b(?:spreadsheets?|budgets?|excel|google sheet|forecast|tabelle\w*|budgetplan|kalkulation|haushaltsplan|csv)\b",
    re.I,
)
OUTLINE = re.compile(r"\b(?:outlines?|gliederung|skeleton|structure|table of contents|inhaltsverzeichnis)\b", re.I)
REPORT = re.compile(r"\b(?:reports?|status update|weekly update|\w*bericht\w*|\w*report)\b", re.I)
ACTION_ITEMS = re.compile(
    r"\b(?:action (?:items?|points?)|to-?dos?|next steps|follow-ups|tasks|aufgaben|aktionspunkte|maßnahmen)\b", re.I
)
MEETING_NOTES = re.compile(
    r"\b(?:meeting|call|sync|protokoll|minutes|besprechung|stand-?up|notes|notizen|gesprächs?)\b", re.I
)
BIG = re.compile(
    r"\b(?:campaigns?|kampagne\w*|launch|events?|conference|konferenz|offsite|off-site|party|feier|wedding|hochzeit|trip|reise|holiday|vacation|urlaub|umzug|"
    r"move|migration|rollout|roll-out|onboarding|project|projekt|roadmap|strategy|strategie|fundraiser|festival|workshop|renovation|renovierung|quarter|sprint|"
    r"retreat|tour|rebrand\w*|website|shop|fair|messe|anniversary|jubiläum|birthday|geburtstag\w*)\b", re.I
)  # fmt: skip
SUMMARY = re.compile(r"\b(?:summary|summaries|recap|tl;?dr|zusammenfassung|management summary)\b", re.I)
TRANSLATION = re.compile(r"\b(?:translation|übersetzung)\b", re.I)
LISTING = re.compile(r"\b(?:checklist|list of|agenda|checkliste|tagesordnung)\b", re.I)

FULL: ExecutionType = "fully_automated"
SEMI: ExecutionType = "semi_automated"
PERSON: ExecutionType = "manual"
PLAIN: dict[str, Meaning] = {
    "reply": Meaning("reply", SEMI, 0.9, "An answer to somebody: prepared here, sent after your review"),
    "send": Meaning("email", SEMI, 0.9, "Something goes to somebody: prepared here, sent after your review"),
    "message": Meaning("message", SEMI, 0.85, "A message to somebody: prepared here, sent after your review"),
    "summarize": Meaning("summary", FULL, 0.9, "A summary can be made here"),
    "translate": Meaning("translation", FULL, 0.95, "A translation can be made here"),
    "rewrite": Meaning("rewriting", FULL, 0.9, "A text can be rewritten here"),
    "outline": Meaning("outline", FULL, 0.9, "An outline can be made here"),
    "extract": Meaning("action_items", FULL, 0.9, "What the notes say can be pulled out here"),
    "schedule": Meaning("schedule", SEMI, 0.9, "A time with somebody: proposed here, fixed after your review"),
    "plan": Meaning("project", SEMI, 0.85, "Several pieces of work: broken down here, decided by you"),
    "research": Meaning("research", PERSON, 0.75, "Looking things up in the world needs a person here"),
    "purchase": Meaning("purchase", PERSON, 0.9, "Buying something is a person's"),
    "payment": Meaning("payment", PERSON, 0.95, "Paying is a person's"),
    "call": Meaning("call", PERSON, 0.95, "A call is a person's"),
    "errand": Meaning("errand", PERSON, 0.85, "Only a person can do this"),
}


def classify(name: str, verb: str, rest: str) -> Meaning:
    """What a request of this verb class with these words behind the verb is."""
    if name == "write":
        return _written(verb.casefold(), rest)
    if name == "send" and SLACK.search(rest) and not MAIL.search(rest):
        return PLAIN["message"]
    if name == "message" and MAIL.search(rest) and not SLACK.search(rest):
        return Meaning("email", SEMI, 0.85, "A mail to somebody: prepared here, sent after your review")
    if name == "summarize":
        if MEETING_NOTES.search(rest):
            return Meaning("meeting_summary", FULL, 0.9, "A summary of a meeting can be made here")
        return PLAIN["summarize"]
    if (
        name in {"schedule", "plan"}
        and MEETING.search(rest)
        and not (OUTSIDE_BOOKING.search(rest) or (name == "plan" and BIG.search(rest)))
    ):
        return PLAIN["schedule"]
    if name == "schedule":
        if OUTSIDE_BOOKING.search(rest) or verb.casefold().startswith(("book", "buch", "reserv")):
            return Meaning("errand", PERSON, 0.85, "Booking this needs a person")
        if SLACK.search(rest):
            return PLAIN["message"]
        return PLAIN["schedule"]
    if name == "extract" and not ACTION_ITEMS.search(rest):
        return Meaning("summary", FULL, 0.8, "What a text says can be pulled out here")
    if name == "outline":
        return PLAIN["outline"]
    if name == "errand" and verb.casefold() in {"follow", "contact"} and MAIL.search(rest):
        return Meaning("email", SEMI, 0.8, "A mail to somebody: prepared here, sent after your review")
    return PLAIN[name]


def _written(verb: str, rest: str) -> Meaning:
    writes = verb.startswith(("write", "draft", "compose", "author", "pen", "formul", "schreib", "entw", "verfass"))
    if REPLY.search(rest):
        return Meaning("reply", SEMI, 0.9, "An answer to somebody: prepared here, sent after your review")
    if OUTLINE.search(rest):
        return PLAIN["outline"]
    if SHEET.search(rest) and not MAIL.search(rest):
        return Meaning("spreadsheet", SEMI, 0.85, "A table can be prepared here; the figures are yours")
    if REPORT.search(rest) and not MAIL.search(rest):
        return Meaning("report", FULL, 0.85, "A report can be prepared here from what is known")
    if SUMMARY.search(rest):
        kind: TaskKind = "meeting_summary" if MEETING_NOTES.search(rest) else "summary"
        return Meaning(kind, FULL, 0.9, "A summary can be made here")
    if TRANSLATION.search(rest):
        return PLAIN["translate"]
    if MAIL.search(rest):
        return Meaning("email", FULL, 0.95, "A mail can be drafted here; it is sent only after your review")
    if SLACK.search(rest):
        return PLAIN["message"]
    if ACTION_ITEMS.search(rest) and re.search(r"\b(?:from|out of|aus)\b", rest, re.I):
        return PLAIN["extract"]
    if writes:
        return Meaning("document", FULL, 0.85, "A text can be written here")
    if BIG.search(rest):
        return PLAIN["plan"]
    if LISTING.search(rest):
        return Meaning("outline", FULL, 0.75, "A list can be prepared here")
    if re.search(
        r"\b(?:slides?|deck|presentation|präsentation|document|dokument|proposal|angebot|contract|vertrag|page|text|plan|concept|konzept)\b",
        rest,
        re.I,
    ):
        return Meaning("document", SEMI, 0.75, "It can be prepared here and finished by you")
    if verb in {"make", "put", "mach", "mache", "machen", "build", "get", "do", "prepare"}:
        return Meaning("errand", PERSON, 0.6, "This looks like something for a person")
    return Meaning("document", SEMI, 0.65, "It can be prepared here and finished by you")
