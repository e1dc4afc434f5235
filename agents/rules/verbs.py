"""Verbs that ask for something: English imperatives with their particles, German imperatives and infinitives.

A verb belongs to a class (`write`, `pay`, `errand`, ...); what a class means for a task stands in `meaning`. German
verbs are listed as infinitives, a bar behind a separable prefix, and their forms are derived.
"""

import re
from dataclasses import dataclass

ENGLISH: dict[str, str] = {
    "write": "write, write up, draft, draft up, compose, author, formulate, pen, jot down, type up, word",
    "make": "prepare, create, make, generate, produce, build, put together, design, develop, set up, come up with, work out, assemble",
    "ideas": "brainstorm, suggest, propose, think of, think up",
    "reply": "reply, reply to, answer, respond, respond to, get back to, write back",
    "send": "send, send out, send off, send over, resend, forward, pass on, email, e-mail, mail, invite, submit by email, thank, congratulate, "
    "apologise, apologize, follow up, follow up with, follow-up with, reach out to, chase, chase up",
    "message": "ping, message, dm, slack, tell, notify, inform, text, ask, post, share, announce, publish, remind, nudge, whatsapp, tweet, "
    "let, update, warn, brief, cc, loop in",
    "summarize": "summarize, summarise, recap, digest, condense, sum up, boil down",
    "extract": "extract, pull out, pull, list, list out, identify, collect, gather, compile, note down, write down, highlight",
    "translate": "translate",
    "rewrite": "rewrite, rephrase, reword, shorten, proofread, polish, paraphrase, simplify, correct, edit, tidy up the wording, "
    "copyedit, copy-edit, expand, turn, convert, transform, reformat, clean up the text",
    "outline": "outline, sketch, sketch out, structure",
    "schedule": "schedule, reschedule, arrange, book, book in, reserve, find a time, find time, find a slot, block, block off, block out, "
    "postpone, push back, bring forward, move, pencil in, rearrange",
    "plan": "plan, plan out, organize, organise, coordinate, launch, kick off, host, run, roll out, manage, oversee",
    "research": "research, investigate, compare, explore, look into, look up, find, find out, google, evaluate, analyze, analyse, benchmark, "
    "assess, scout, survey, figure out, search for, search, look for, study, dig into, diagnose, troubleshoot, debug",
    "purchase": "buy, order, re-order, reorder, purchase, get, grab, shop for, renew, subscribe to, pick out, stock up on, restock, replenish, rent",
    "payment": "pay, pay off, transfer, settle, wire, reimburse, donate, top up, refund",
    "call": "call, call back, call up, phone, ring, ring up, dial, telephone, give a call, facetime",
    "errand": "sign, sign up for, sign up, sign off, pick up, pick, collect from, drop off, drop, return, fix, repair, clean, clean up, clean out, wash, "
    "wash up, water, feed, walk, visit, meet, meet up with, meet with, attend, go, take, take out, take back, take down, bring, bring back, fetch, "
    "mow, vacuum, hoover, cook, bake, pack, unpack, print, print out, scan, install, uninstall, replace, change, charge, fill, fill in, fill out, file, "
    "submit, register, apply, apply for, cancel, check, check in, check in on, check out, check on, review, read, reread, test, approve, decide, decide on, "
    "confirm, verify, finish, complete, do, start, begin, practise, practice, learn, exercise, train, watch, try, try out, hang, hang up, hang out, paint, "
    "put together the, deliver, hand in, hand out, hand over, give, give back, back up, backup, upload, download, upgrade, deploy, merge, ship, close, "
    "open, lock, unlock, measure, sort, sort out, tidy, tidy up, empty, iron, sew, vote, see, talk to, talk with, speak to, speak with, discuss, "
    "contact, use, turn in, turn off, turn on, switch off, switch on, add, remove, delete, archive, label, move out, rake, sweep, mop, dust, "
    "polish the, scrub, rinse, fold, hem, mend, patch, glue, drill, mount, assemble the, build the shelf, dig, plant, prune, trim, cut, harvest, weed, fertilise, "
    "defrost, freeze, marinate, prep, chop, peel, boil, grill, roast, ice, decorate, wrap, unwrap, frame, drive, ride, bike, park, refuel, refill, "
    "service, inspect, insure, claim, dispute, appeal, object to, negotiate, interview, hire, fire, onboard, train up, coach, mentor, present, rehearse, "
    "perform, record, film, photograph, shoot, shave, brush, floss, stretch, run errands, jog, swim, meditate, pray, sleep, rest, weigh, log, track, "
    "enter, input, count, calculate, reconcile, balance, invoice, bill, audit, close out, stamp, notarise, notarize, certify, witness, vaccinate, groom, "
    "babysit, pet, comb, dress, bathe, bath, help, support, prepare for, get ready for, study for, revise for, work on, keep, put, put away, put up, put out, "
    "throw out, throw away, dispose of, recycle, donate the, sell, list for sale, rent out, lend, borrow, swap, exchange, trade, lay, set, set the table, reset, restart, reboot, "
    "configure, migrate, refactor, implement, code, release, tag, push, pull the, commit, rebase, revert, monitor, rotate, revoke, enable, disable, "
    "make up, make the bed, stop by, swing by, drop by, pop by, head to, come, join, leave, wait for, deal with, handle, take care of, look after, look at, go over, "
    "go through, go to, enrol, enroll, enrol in, enroll in, opt out of, unsubscribe from, unsubscribe, quit, fetch up, return to, remove from, water the, escort, host the, "
    "raise, reach, request, reclaim, retrieve, redeem, replace the, store, stow, stack, load, unload, oil, grease, seal, sand, varnish, tile, plaster, wallpaper, wire up, "
    "solder, knit, crochet, embroider, draw, colour, color, dye, tune, hang the, air, ventilate, heat, cool, light, extinguish, bury, burn, bin, bag, box, label the, "
    "fast, vet, screen, shortlist, finalise, finalize, wrap up, hand off, escalate, assign, delegate, prioritise, prioritize, book off, take off, clear, clear out, clear up, de-ice, "
    "descale, disinfect, sanitise, sanitize, sterilise, bleed the radiators, winterise, mulch, compost, fence, dismantle, take apart, demolish, chain, tow, jump-start",
}
GERMAN: dict[str, str] = {
    "write": "schreiben, auf|schreiben, entwerfen, verfassen, formulieren, auf|setzen, ab|fassen, texten",
    "make": "erstellen, vor|bereiten, machen, erzeugen, generieren, an|legen, aus|arbeiten, erarbeiten, entwickeln, gestalten, zusammen|stellen, ein|richten",
    "ideas": "vor|schlagen, überlegen, aus|denken, brainstormen",
    "reply": "antworten, beantworten, zurück|schreiben, erwidern",
    "send": "schicken, senden, zu|schicken, zu|senden, verschicken, versenden, ab|schicken, ab|senden, weiter|leiten, ein|laden, mailen, weiter|geben, "
    "bedanken, entschuldigen, gratulieren, nach|haken, nach|fassen",
    "message": "sagen, informieren, benachrichtigen, fragen, teilen, posten, erinnern, melden, mit|teilen, anpingen, an|pingen, an|schreiben, "
    "veröffentlichen, verkünden, nach|fragen, bescheid geben, bescheid sagen",
    "summarize": "zusammen|fassen, resümieren",
    "extract": "extrahieren, heraus|ziehen, heraus|suchen, raus|suchen, auf|listen, sammeln, heraus|schreiben, identifizieren, heraus|filtern",
    "translate": "übersetzen, übertragen",
    "rewrite": "kürzen, korrigieren, um|formulieren, um|schreiben, überarbeiten, vereinfachen, korrektur lesen, glätten, straffen, verbessern, lektorieren, "
    "umwandeln, um|wandeln",
    "outline": "gliedern, skizzieren, strukturieren",
    "schedule": "vereinbaren, aus|machen, buchen, verschieben, verlegen, reservieren, ein|planen, ab|stimmen, an|setzen, terminieren, blocken",
    "plan": "planen, organisieren, koordinieren, veranstalten, aus|richten, durch|führen, ein|führen",
    "research": "recherchieren, vergleichen, untersuchen, heraus|finden, finden, analysieren, suchen, prüfen lassen, nach|schauen, nach|sehen, nach|schlagen, "
    "erkunden, evaluieren, bewerten, aus|werten, ermitteln, erforschen, googeln, um|sehen, um|schauen",
    "purchase": "kaufen, bestellen, besorgen, ein|kaufen, holen, verlängern, abonnieren, nach|kaufen, nach|bestellen, erwerben, an|schaffen, mieten",
    "payment": "bezahlen, zahlen, überweisen, begleichen, spenden, ein|zahlen, zurück|zahlen, ab|bezahlen, auf|laden, erstatten",
    "call": "an|rufen, telefonieren, zurück|rufen, durch|rufen",
    "errand": "unterschreiben, unterzeichnen, kündigen, ab|holen, ab|geben, bringen, zurück|bringen, zurück|geben, reparieren, putzen, waschen, ab|waschen, gießen, "
    "füttern, besuchen, treffen, gehen, nehmen, mit|nehmen, mit|bringen, mähen, kochen, backen, packen, aus|packen, ein|packen, drucken, aus|drucken, scannen, ein|scannen, "
    "installieren, tauschen, aus|tauschen, um|tauschen, wechseln, laden, füllen, aus|füllen, ein|reichen, beantragen, stornieren, ab|sagen, zu|sagen, prüfen, "
    "überprüfen, nach|prüfen, checken, lesen, durch|lesen, testen, genehmigen, entscheiden, bestätigen, erledigen, beenden, fertig|stellen, fertig|machen, lernen, üben, "
    "trainieren, schauen, an|schauen, an|sehen, probieren, aus|probieren, streichen, montieren, liefern, geben, ab|liefern, aktualisieren, auf|räumen, räumen, aus|räumen, ein|räumen, sortieren, "
    "aus|sortieren, leeren, aus|leeren, bügeln, nähen, sprechen, besprechen, kontaktieren, messen, an|melden, ab|melden, um|melden, hören, raus|bringen, runter|bringen, weg|bringen, "
    "weg|werfen, entsorgen, verkaufen, leihen, aus|leihen, verleihen, zurück|schicken, pflanzen, schneiden, ernten, jäten, dekorieren, schmücken, verpacken, fahren, tanken, "
    "parken, warten lassen, versichern, reklamieren, widersprechen, verhandeln, ein|stellen, präsentieren, proben, auf|nehmen, filmen, fotografieren, wiegen, "
    "ein|tragen, aus|tragen, zählen, rechnen, aus|rechnen, berechnen, ab|rechnen, verbuchen, impfen, helfen, unterstützen, arbeiten, weg|räumen, aus|schalten, "
    "ein|schalten, ab|schließen, auf|schließen, öffnen, schließen, zu|machen, auf|machen, sperren, entsperren, löschen, archivieren, sichern, hoch|laden, herunter|laden, runter|laden, "
    "um|ziehen, aus|ziehen, ein|ziehen, auf|bauen, ab|bauen, bauen, auf|hängen, ab|hängen, bohren, kleben, schrauben, saugen, staub|saugen, wischen, kehren, fegen, spülen, ab|trocknen, "
    "entkalken, lüften, heizen, düngen, schicken lassen, bei|treten, teil|nehmen, vorbei|gehen, vorbei|bringen, vorbei|fahren, hin|gehen, kümmern, ein|werfen, vor|lesen, "
    "renovieren, tapezieren, fliesen, verlegen lassen, freigeben, frei|geben, veranlassen, nach|reichen, nach|holen, vor|stellen, zeigen, stellen, legen, setzen, hängen, ab|legen, auf|füllen, "
    "um|buchen, ab|bestellen, kündigen lassen, ab|heben, wechseln lassen, aus|wählen, aus|suchen, verschenken, basteln, malen, zeichnen, singen, joggen, schwimmen, meditieren, schlafen, ab|schicken lassen",
}
IRREGULAR = {
    "lesen": "lies", "geben": "gib", "nehmen": "nimm", "sprechen": "sprich", "treffen": "triff", "helfen": "hilf", "werfen": "wirf",
    "sehen": "sieh", "messen": "miss", "entwerfen": "entwirf", "besprechen": "besprich", "treten": "tritt", "bewerben": "bewirb",
}  # fmt: skip
# German forms that are English words too, and rarely verbs there: they count only before a German word.
ALIKE = frozenset(
    [
        "such",
        "back",
        "mess",
        "miss",
        "form",
        "hang",
        "sing",
        "fang",
        "halt",
        "man",
        "rate",
        "melde",
        "lade",
        "test",
        "plan",
        "check",
        "film",
        "park",
        "pack",
        "find",
        "bring",
    ]
)
# English verbs that are names when written with a capital inside a sentence.
NAMES_TOO = frozenset(
    [
        "mark",
        "bill",
        "will",
        "grant",
        "pat",
        "sue",
        "rob",
        "frank",
        "drew",
        "ray",
        "chase",
        "jack",
        "bob",
        "nick",
        "josh",
        "hope",
        "faith",
        "grace",
        "joy",
        "ross",
        "dean",
        "guy",
        "art",
        "page",
        "pet",
        "bath",
        "ice",
        "box",
    ]
)
GERMAN_WORD = re.compile(
    r"(?<![\w-])(?:der|die|das|den|dem|des|ein|eine|einen|einem|einer|und|oder|nicht|ist|sind|mit|für|bei|beim|zum|zur|im|am|auf|aus|nach|von|vom|bis|wegen|über|"
    r"ich|du|er|wir|ihr|mich|mir|dich|dir|uns|mein\w*|dein\w*|unser\w*|bitte|noch|mal|doch|auch|kein\w*|alle|neue\w*|morgen|heute|gestern|übermorgen|"
    r"danke|wie|warum|wann|kannst|könntest|muss|soll|vergiss|erinnere?|jeden?|jede[sr]?|zwei|drei|ende|diese\w*)(?![\w-])|[äöüß]",
    re.IGNORECASE,
)
ENGLISH_WORD = re.compile(
    r"(?<![\w-])(?:the|a|an|and|or|not|is|are|with|for|to|of|in|on|at|by|from|about|my|your|our|this|that|these|it|i|you|we|he|she|they|please|tomorrow|today|next|every)(?![\w-])",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class VerbFound:
    """A verb at the head or, in German, the end of a request. `rest` is what else the request says."""

    name: str
    verb: str
    rest: str
    is_german: bool = False
    is_known: bool = True


def _entries(table: dict[str, str]) -> dict[str, str]:
    return {verb.strip(): name for name, verbs in table.items() for verb in verbs.split(",")}


ENGLISH_VERBS = _entries(ENGLISH)
PHRASES_BY_FIRST: dict[str, list[str]] = {}
for _phrase in sorted((v for v in ENGLISH_VERBS if " " in v), key=len, reverse=True):
    PHRASES_BY_FIRST.setdefault(_phrase.split()[0], []).append(_phrase)
# "pick the parcel up", "send it out": particles that may stand behind the object.
PARTICLES = frozenset(["up", "out", "off", "back", "down", "over", "in", "away"])


def _ing(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe")):
        return verb[:-1] + "ing"
    if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb):
        return verb + verb[-1] + "ing"
    return verb + "ing"


ING_FORMS = {_ing(verb): verb for verb in ENGLISH_VERBS if " " not in verb and len(verb) > 1}


def _stem(infinitive: str) -> str:
    return infinitive.removesuffix("en") if infinitive.endswith("en") else infinitive.removesuffix("n")


@dataclass(frozen=True)
class _German:
    name: str
    prefix: str
    base: str

    @property
    def infinitive(self) -> str:
        return self.prefix + self.base


GERMAN_INFINITIVES: dict[str, _German] = {}
GERMAN_HEADS: dict[str, list[_German]] = {}
for _entry, _name in _entries(GERMAN).items():
    if " " in _entry:
        continue
    _prefix, _, _base = _entry.rpartition("|")
    _verb = _German(_name, _prefix, _base)
    GERMAN_INFINITIVES[_verb.infinitive] = _verb
    if _prefix:
        GERMAN_INFINITIVES.setdefault(f"{_prefix}zu{_base}", _verb)
    _imperatives = {_stem(_base), _stem(_base) + "e"}
    if _base.endswith("eln"):
        _imperatives = {_base.removesuffix("eln") + "le", _base.removesuffix("n")}
    if _base in IRREGULAR:
        _imperatives = {IRREGULAR[_base]}
    for _form in {*_imperatives, _base}:
        GERMAN_HEADS.setdefault(_form, []).append(_verb)


def looks_german(text: str) -> bool:
    """More German than English by its small words and letters."""
    return len(GERMAN_WORD.findall(text[:2000])) > len(ENGLISH_WORD.findall(text[:2000]))


def verb_at_head(words: str) -> VerbFound | None:
    """The verb that the words begin with, with its particle; None when they begin with none that is known."""
    first = WORD.match(words)
    if not first:
        return None
    word, rest = first[0].lower().replace("’", "'"), words[first.end() :]
    german = _german_head(word, rest)
    if german and (word not in ENGLISH_VERBS or looks_german(words)):
        return german
    return _english_head(word, words, rest) or german


def find_verb(words: str, *, asked: bool) -> VerbFound | None:
    """The verb of a request. An infinitive at the end of German words wins: in "Miete überweisen" rent is no verb."""
    head = verb_at_head(words)
    tail = german_at_tail(words.rstrip(" .!?,"), asked=asked) if head is None or "," not in words else None
    if head and tail:
        return tail if tail.is_known else head
    return head or tail


def _english_head(word: str, words: str, rest: str) -> VerbFound | None:
    lowered = " ".join(words[:60].lower().split()) + " "
    for phrase in PHRASES_BY_FIRST.get(word, ()):
        if lowered.startswith(phrase + " "):
            return VerbFound(ENGLISH_VERBS[phrase], phrase, " ".join(words.split())[len(phrase) :])
    if word in ENGLISH_VERBS:
        for later in WORD.findall(rest)[:6]:
            if later.lower() in PARTICLES and (name := ENGLISH_VERBS.get(f"{word} {later.lower()}")):
                return VerbFound(name, f"{word} {later.lower()}", rest)
        return VerbFound(ENGLISH_VERBS[word], word, rest)
    return None


def _german_head(word: str, rest: str) -> VerbFound | None:
    """An imperative: "Ruf ... an", "Schicken Sie ...", "Kauf ..."."""
    candidates = GERMAN_HEADS.get(word, [])
    if not candidates and word not in GERMAN_INFINITIVES:
        return None
    polite = re.match(r"\s+Sie\b", rest) is not None
    if word in GERMAN_INFINITIVES and rest.startswith(":"):
        return VerbFound(GERMAN_INFINITIVES[word].name, word, rest, is_german=True)  # "Einkaufen: Milch, Eier"
    if word in GERMAN_INFINITIVES and word not in ENGLISH_VERBS and not polite and word.endswith("en"):
        return None  # an infinitive at the head is none of the imperatives: "Lesen macht Spaß"
    if word in ALIKE and not (polite or GERMAN_WORD.match(rest.lstrip())):
        return None
    separable = [verb for verb in candidates if verb.prefix and _stands_apart(verb.prefix, rest)]
    plain = [verb for verb in candidates if not verb.prefix]
    chosen = max(separable, key=lambda v: len(v.prefix)) if separable else plain[0] if plain else None
    if chosen is None:
        return None
    if not separable and word not in ALIKE and not (polite or rest.strip()):
        return None
    return VerbFound(chosen.name, chosen.infinitive, rest, is_german=True)


def _stands_apart(prefix: str, rest: str) -> bool:
    """Is the particle of "Ruf ... an" there, and no preposition with a thing behind it ("an Anna", "ab Montag")?"""
    for match in re.finditer(rf"(?<!\w){prefix}(?!\w)", rest[:1000], re.IGNORECASE):
        if not PREPOSITION_GOES_ON.match(rest, match.end()):
            return True
    return False


PREPOSITION_GOES_ON = re.compile(
    r"\s+(?:(?:[Dd](?:er|ie|as|en|em)|[Ee]in\w*|[Mm]ein\w*|[Dd]ein\w*|[Ss]ein\w*|[Ii]hr\w*|[Uu]nser\w*|[Aa]lle\w*|[Dd]ies\w*|mich|dich|ihn|uns|jede\w*)(?!\w)|[A-ZÄÖÜ@#\d]|\S+@)"
)
FINITE = re.compile(
    r"(?<![\w-])(?:ich|du|er|wir|man|ist|sind|war|waren|hat|habe|haben|hatte|wird|werden|wurde|kann|können|konnte|will|wollen|wollte|musste|mussten|"
    r"sollte|möchte|the|a|is|are|was|to|i|you)(?![\w-])",
    re.IGNORECASE,
)


def german_at_tail(words: str, *, asked: bool) -> VerbFound | None:
    """The infinitive that ends "Miete bis Freitag überweisen"; a sentence with a verb of its own has none.

    `asked`: a marker of duty stood before ("ich muss"), so an unknown verb counts too.
    """
    found = list(WORD.finditer(words[-400:]))
    while found and found[-1][0].lower() in {"bitte", "please", "danke", "noch"}:
        found.pop()
    if len(found) < 2 or not found[-1][0][0].islower():
        return None
    last = found[-1][0]
    rest = words[: len(words) - len(words[-400:]) + found[-1].start()]
    if not asked and FINITE.search(rest):
        return None
    if found[-2][0].lower() == "zu" and last in GERMAN_INFINITIVES:
        rest = rest.rstrip().removesuffix("zu")
    if verb := GERMAN_INFINITIVES.get(last):
        return VerbFound(verb.name, verb.infinitive, rest, is_german=True)
    if re.fullmatch(r"\w{2,}(?:en|ern|eln)", last) and looks_german(words) and (asked or FIRST_OF_OBJECT.match(words)):
        return VerbFound("errand", last, rest, is_german=True, is_known=False)
    return None


FIRST_OF_OBJECT = re.compile(
    r"\s*(?:den|die|das|dem|der|einen|eine|ein|neue[nsr]?|alle|meine[nr]?|unsere[nr]?)\s", re.IGNORECASE
)
# Words that open an English sentence without being a request.
NO_VERB = frozenset(
    [
        "a",
        "about",
        "above",
        "across",
        "after",
        "again",
        "against",
        "ago",
        "all",
        "almost",
        "along",
        "already",
        "also",
        "although",
        "always",
        "am",
        "among",
        "an",
        "and",
        "another",
        "any",
        "anyone",
        "anything",
        "apparently",
        "are",
        "around",
        "as",
        "at",
        "away",
        "be",
        "because",
        "been",
        "before",
        "behind",
        "being",
        "below",
        "beside",
        "besides",
        "between",
        "beyond",
        "both",
        "but",
        "by",
        "came",
        "can",
        "cannot",
        "could",
        "did",
        "does",
        "done",
        "down",
        "during",
        "each",
        "either",
        "else",
        "enough",
        "especially",
        "even",
        "ever",
        "every",
        "everyone",
        "everything",
        "except",
        "few",
        "first",
        "for",
        "found",
        "from",
        "gave",
        "given",
        "got",
        "great",
        "had",
        "half",
        "has",
        "have",
        "having",
        "he",
        "hence",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "however",
        "if",
        "in",
        "indeed",
        "inside",
        "instead",
        "into",
        "is",
        "it",
        "its",
        "just",
        "kept",
        "knew",
        "last",
        "later",
        "least",
        "left",
        "less",
        "like",
        "made",
        "many",
        "may",
        "maybe",
        "me",
        "meanwhile",
        "might",
        "mine",
        "more",
        "most",
        "much",
        "must",
        "my",
        "near",
        "neither",
        "never",
        "next",
        "no",
        "nobody",
        "none",
        "nor",
        "not",
        "nothing",
        "now",
        "of",
        "on",
        "once",
        "one",
        "only",
        "onto",
        "or",
        "other",
        "otherwise",
        "our",
        "ours",
        "out",
        "outside",
        "over",
        "own",
        "per",
        "perhaps",
        "plus",
        "quite",
        "rather",
        "regarding",
        "said",
        "same",
        "saw",
        "second",
        "sent",
        "several",
        "shall",
        "she",
        "should",
        "since",
        "so",
        "some",
        "someone",
        "something",
        "sometimes",
        "soon",
        "still",
        "such",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "thing",
        "third",
        "this",
        "those",
        "though",
        "through",
        "thus",
        "till",
        "to",
        "today",
        "together",
        "told",
        "tomorrow",
        "tonight",
        "too",
        "took",
        "toward",
        "towards",
        "under",
        "unless",
        "unlike",
        "until",
        "up",
        "upon",
        "us",
        "very",
        "via",
        "was",
        "we",
        "went",
        "were",
        "what",
        "whatever",
        "when",
        "whenever",
        "where",
        "whereas",
        "wherever",
        "whether",
        "which",
        "while",
        "who",
        "whoever",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "within",
        "without",
        "won",
        "would",
        "yes",
        "yesterday",
        "yet",
        "you",
        "your",
        "yours",
        "ran",
        "paid",
        "bought",
        "lost",
        "met",
        "brought",
        "thought",
        "felt",
        "heard",
        "held",
        "wrote",
        "spoke",
        "broke",
        "drove",
        "flew",
        "grew",
        "threw",
        "won",
        "wore",
        "worth",
        "both",
        "thanks",
        "thank",
        "sorry",
        "nice",
        "good",
        "bad",
        "cool",
        "wow",
        "love",
        "hate",
        "miss",
        "enjoy",
        "loved",
        "believe",
        "guess",
        "hope",
        "know",
        "think",
        "feel",
        "seem",
        "want",
        "wish",
        "need",
        "mean",
        "doubt",
        "imagine",
        "suppose",
        "understand",
        "remember",
        "notice",
        "hear",
        "wonder",
        "agree",
        "disagree",
        "care",
        "see",
        "bless",
        "god",
        "damn",
        "oh",
        "ah",
        "hey",
        "hi",
        "hello",
        "ok",
        "okay",
        "yeah",
        "yep",
        "nope",
        "no",
        "lol",
        "haha",
        "welcome",
        "happy",
        "glad",
        "sad",
        "ready",
        "done",
        "congrats",
        "congratulations",
        "regards",
        "cheers",
        "note",
        "fyi",
        "btw",
        "ps",
        "re",
        "fwd",
        "subject",
        "dear",
        "sincerely",
        "best",
        "kind",
        "looks",
        "sounds",
        "seems",
        "feels",
        "means",
        "says",
        "gets",
        "makes",
        "takes",
        "goes",
        "comes",
        "has",
        "does",
        "is",
        "let",
        "what's",
        "how's",
        "half",
        "part",
        "most",
        "none",
        "enough",
        "plenty",
        "lots",
        "tons",
        "loads",
    ]
)
DETERMINER = re.compile(
    r"\s+(?:the|a|an|my|our|your|his|her|their|this|that|these|those|all|some|every|each|new|old|\d+|two|three|four|five|six)\s+\S",
    re.IGNORECASE,
)


def unknown_verb(words: str) -> VerbFound | None:
    """An English verb that is in no list, by its company: "Defrost the freezer"."""
    first = WORD.match(words)
    if not first or len(first[0]) < 3:
        return None
    word = first[0].lower()
    if word in NO_VERB or word.endswith(("ed", "ly", "ing", "s'", "'s", "ness", "tion", "ous", "ful")) or "'" in word:
        return None
    rest = words[first.end() :]
    if not DETERMINER.match(rest) or looks_german(words):
        return None
    return VerbFound("errand", word, rest, is_known=False)
