"""What a sentence of a mail asks of its reader, and what the writer of one promises."""

import re
from dataclasses import dataclass
from typing import Literal

from agents.rules.verbs import ING_FORMS, VerbFound, find_verb, verb_at_head

Ask = Literal["answer", "send", "do", "meet", "come"]
ANY = re.IGNORECASE
FILLER = r"(?:please|kindly|also|maybe|perhaps|possibly|just|quickly|then|still|bitte|mir|uns|mal|noch|auch|kurz|vielleicht|eventuell|schnell|dann|doch|evtl\.?)"
CAN_YOU = re.compile(
    rf"\b(?:(?:can|could|would|will|may\s+i\s+ask|might)\s+you|(?:kannst|könntest|würdest|magst|willst)\s+du|(?:können|könnten|würden|möchten)\s+sie|(?:könnt|könntet|würdet)\s+ihr)\s*,?(?:\s+{FILLER}\b)*\s+(?!believe|imagine\b)(?P<what>.+)",
    ANY,
)
SOFT = re.compile(
    r"\b(?:would\s+you\s+mind|do\s+you\s+mind|do\s+you\s+think\s+you\s+(?:can|could)|(?:i\s+was\s+)?wondering\s+(?:if|whether)\s+you\s+(?:can|could|would|might)|i(?:['’]d|\s+would)\s+(?:really\s+)?appreciate\s+it\s+if\s+you\s+(?:can|could|would)|"
    r"it\s+would\s+be\s+(?:great|nice|helpful|good|lovely)\s+if\s+you\s+(?:can|could|would)|i(?:['’]d|\s+would)\s+be\s+grateful\s+if\s+you\s+(?:can|could|would)|(?:i|we)(?:['’]d|\s+would)?\s+(?:need|like|want|love|ask)\s+you\s+to|is\s+it\s+possible\s+(?:for\s+you\s+)?to|would\s+it\s+be\s+possible\s+(?:for\s+you\s+)?to|"
    r"(?:i|we)\s+(?:would\s+)?(?:kindly\s+|politely\s+|hereby\s+)?(?:ask|request|urge|remind)\s+you\s+(?:kindly\s+)?to|es\s+wäre\s+(?:toll|schön|super|nett|gut|hilfreich),?\s+wenn\s+(?:du|sie|ihr)|wäre\s+es\s+möglich,?\s+(?:dass\s+(?:du|sie|ihr))?|(?:ich|wir)\s+bitten?\s+(?:dich|sie|euch),?)\s+(?P<what>.+)",
    ANY,
)  # fmt: skip
PLEASE = re.compile(r"(?:^|[\s,;:–—(])(?:please|pls|plz|kindly|bitte)\b,?\s*(?P<what>.+)", ANY)
PLEASE_LATER = re.compile(r"^(?P<what>\S+(?:\s+\S+){1,40}?)[\s,]+(?:please|pls|bitte)\b(?P<more>.*)$", ANY)
NOT_ASKING = re.compile(
    r"^(?:\s|,)*(?:find\b|see\b|note\b|be\s+(?:advised|aware|informed|assured|patient)|(?:do\s+not|don['’]?t|never)\b|feel\s+free|accept\s+(?:my|our)|ignore|disregard|excuse|forgive|pardon|bear\s+with|rest\s+assured|enjoy|take\s+care|stay\s+(?:safe|tuned)|"
    r"let\s+(?:me|us)\s+know\s+(?:if|should|in\s+case)\s+(?:you|there|anything|something|any)\b|(?:contact|reach\s+out|call|email|write|get\s+in\s+touch)\b.{0,40}\bif\s+(?:you|there)\s+(?:have|are|need)|"
    r"beachte\w*|finde\w*\s+(?:sie|anbei)|nicht\b|zögern\s+sie\s+nicht|ignorier\w*|entschuldig\w*|verzeih\w*|haben\s+sie\s+(?:verständnis|geduld)|seh\w*\s+sie\s+(?:im|den)\s+anhang|schön\b|sehr\b)",
    ANY,
)  # fmt: skip
DUTY = re.compile(
    r"\b(?:you(?:['’]ll)?\s+(?:need|have)\s+to|you\s+(?:must|should)|you(?:['’]ll|\s+will)(?=.*\b(?:by|until|before)\b)(?!\s+(?:receive|get|find|have|be|see|need|hear|love|not|also))|(?:do\s+not|don['’]?t)\s+forget(?:\s+to)?|remember\s+to|make\s+sure\s+(?:to|that\s+you|you)|(?:du|sie)\s+(?:musst|müssen|solltest|sollten|müsstest|müssten)|"
    r"(?:bitte\s+)?denk(?:e|en\s+sie)?\s+(?:bitte\s+)?(?:daran,?|an)|vergiss\s+(?:bitte\s+)?nicht,?|vergessen\s+sie\s+(?:bitte\s+)?nicht,?)\s+(?P<what>.+)",
    ANY,
)
NEED = re.compile(
    r"\b(?:i|we)(?:\s+(?:still|urgently|really|also))*\s+(?:need|require|(?:am|are)\s+(?:still\s+)?(?:waiting\s+for|missing))\s+(?P<what>(?!to\b|you\s+to\b|more\s+time).{3,})|"
    r"\b(?:i['’]m|we['’]re)\s+(?:still\s+)?(?:waiting\s+for|missing)\s+(?P<what2>your\b.{3,})|\b(?:ich|wir)\s+(?:brauchen?|bräuchten?|benötigen?|warten?\s+(?:noch\s+)?auf)\s+(?P<what3>.{3,})|\b(?:mir|uns)\s+fehl(?:t|en)\s+(?:noch\s+)?(?P<what4>.{3,})",
    ANY,
)  # fmt: skip
# "Kaufst du bitte noch Milch?"
WILL_YOU = re.compile(
    r"^\W*(?P<verb>[a-zäöüß]{2,}?)(?:e?st)\s+du\s+(?:(?P<to>mir|uns)\s+)?(?:bitte|mal|noch|doch)\b\s*(?P<what>.+)", ANY
)
CALL_BACK = re.compile(
    r"\bbitte[tn]?\s+(?:\w+\s+){0,2}um\s+(?:\w+\s+){0,2}(?:rück|an)ruf|\b(?:asks?|asked|would\s+like)\s+(?:for\s+)?(?:you\s+to\s+call|a\s+call\s*-?back)\b",
    ANY,
)
MUST_BE = re.compile(
    r"^(?:the|your|our|all|any|das|die|der|dein\w*|ihr\w*|unser\w*)\b.{2,100}\b(?:must|needs?\s+to|has\s+to|have\s+to|muss|müssen)\b.{0,80}\b(?:by|until|before|no\s+later\s+than|bis|spätestens)\b|"
    r"^(?:your|dein\w*|ihr\w*)\b.{2,100}\b(?:is|are|ist|sind)\b.{0,40}\b(?:due|fällig)\b",
    ANY,
)
GOES_ON = re.compile(
    r"^\w+\s+(?:leaves|starts|begins|arrives|departs|ends|runs|opens|closes|works|looks|seems|comes|goes|takes|needs|costs|shows|says|means)\b",
    ANY,
)
FROM_YOU = re.compile(
    r"\b(?:your|you|from\s+you|by|until|before|von\s+(?:dir|ihnen)|dein\w*|ihr[e]?\w*|bis|spätestens|noch)\b", ANY
)
ASK_FOR_ANSWER = re.compile(
    r"\b(?:bitten?\s+um\s+(?:(?:eine?|ihre|deine|kurze|baldige|schnelle|zeitnahe)\s+)*(?:rückmeldung|antwort|bestätigung|info\w*|feedback)|(?:looking\s+forward\s+to|awaiting|await|waiting\s+for)\s+(?:your|an?)\s+(?:reply|answer|response|feedback|confirmation|decision)|"
    r"(?:freue\s+mich|freuen\s+uns|warte\w*)\s+(?:noch\s+|weiter(?:hin)?\s+)?auf\s+(?:eine|deine|ihre)\s+(?:rückmeldung|antwort|entscheidung)|\bgib\w*\s+(?:mir|uns)\s+(?:\w+\s+){0,3}bescheid|\bsag\w*\s+(?:mir|uns)\s+(?:\w+\s+){0,3}bescheid|\brsvp\b)",
    ANY,
)  # fmt: skip
ANSWERS = re.compile(
    r"^(?:tell|rsvp\b|let\b.{0,20}\bknow|confirm|answer|reply|respond|explain|clarify|advise|say|indicate|comment|get\s+back|come\s+back|write\s+back|give\s+(?:me|us)\b.{0,40}\b(?:feedback|update|answer|idea|estimate|confirmation|heads|date|number|status)|"
    r"(?:send|share|drop|shoot)\s+(?:me|us)\s+(?:your\s+(?:thoughts|feedback|opinion|availability)|a\s+(?:quick\s+)?(?:note|reply|line|message))|share\s+your\s+(?:thoughts|feedback|opinion|availability)|suggest|propose|recommend|have\s+you|"
    r"sag\w*\b|gib\w*\s+(?:mir|uns)|gebt|geben\s+sie\b|antwort\w*|bestätig\w*|erklär\w*|meld\w*|teil\w*\b.{0,40}\bmit\b|schreib\w*\s+(?:mir|uns)\s+kurz|mitteilen|beantwort\w*|schlag\w*\b.{0,40}\bvor\b|nenn\w*\s+(?:mir|uns))|"
    r"\b(?:sagen|bestätigen|mitteilen|antworten|erklären|beantworten|vorschlagen|nennen|bescheid\s+(?:geben|sagen)|rückmelden|zurückmelden|melden)\s*[?.!]*$",
    ANY,
)  # fmt: skip
SENDS = re.compile(
    r"^(?:send|forward|email|e-mail|mail|share|provide|attach|resend|supply|get\s+(?:me|us)\b|pass\s+(?:on|along)|return\b.{0,40}\b(?:copy|form|document)|give\s+(?:me|us)\b|schick\w*|send\w*|sende\w*|leit\w*\b.{0,80}\bweiter|reich\w*\b.{0,80}\b(?:nach|ein)|stell\w*\b.{0,80}\bbereit|lass\w*\s+(?:mir|uns)\b.{0,80}\bzukommen)|"
    r"\b(?:(?:zu|nach|rüber|mit)?(?:schicken|senden)|weiterleiten|zukommen\s+lassen|bereitstellen|nachreichen)\s*[?.!]*$",
    ANY,
)  # fmt: skip
MEET = re.compile(
    r"\b(?:(?:would|does|do|could|might|will)\b.{0,160}\b(?:work|suit|fit|be\s+(?:ok|okay|fine|good|possible|convenient))\b|(?:are|would)\s+you\s+(?:be\s+)?(?:free|available|around)\b|(?:can|could|shall|should)\s+we\s+(?:meet|talk|speak|have\s+a\s+(?:call|chat)|catch\s+up|schedule|move|reschedule|find\s+a)|"
    r"(?:do|would)\s+you\s+have\s+(?:\w+\s+){0,3}(?:time|a\s+slot|minutes|availability)|when\s+(?:are\s+you|would\s+you\s+be|can\s+we|could\s+we|works|suits|is\s+good)|how\s+about\b|(?:fancy|up\s+for)\s+(?:a|an|some)\b|"
    r"pass(?:t|en|te)\b.{0,80}\b(?:dir|ihnen|euch|es)\b|(?:es|das)\s+(?:dir|ihnen|euch)\b.{0,80}\bpasst|hast\s+du\b.{0,60}\bzeit|hättest\s+du\b.{0,60}\bzeit|hätten\s+sie\b.{0,60}\bzeit|haben\s+sie\b.{0,60}\bzeit|(?:können|könnten|sollen|wollen)\s+wir\b.{0,80}\b(?:treffen|telefonieren|sprechen|termin|call)|"
    r"wann\s+(?:passt|hättest|hätten|hast|haben|können|könnten)|wie\s+wäre\s+es\b)",
    ANY,
)  # fmt: skip
COME = re.compile(
    r"\b(?:are\s+you\s+(?:coming|joining|going\s+to\s+(?:come|join|be\s+there))|will\s+you\s+(?:come|join|be\s+(?:there|coming|joining)|make\s+it)|can\s+you\s+(?:come|make\s+it|join)|(?:do|would)\s+you\s+(?:want|like)\s+to\s+(?:come|join)|"
    r"kommst\s+du|kommt\s+ihr|kommen\s+sie|bist\s+du\b.{0,40}\bdabei|seid\s+ihr\b.{0,40}\bdabei|(?:magst|möchtest|willst)\s+du\b.{0,60}\bkommen)\b",
    ANY,
)
PLEASANTRY = re.compile(
    r"\bhow\s+are\s+(?:you|things)\b|\bhow(?:['’]s|\s+is)\s+(?:it\s+going|everything|life)\b|\bhow\s+have\s+you\s+been\b|\bwhat['’]?s\s+up\b|\bwie\s+geht['’]?(?:s|\s+es)\b|\balles\s+(?:gut|klar)\b|\bhope\s+you\b|\bremember\s*\?\s*$|"
    r"\b(?:isn['’]?t|aren['’]?t|don['’]?t|doesn['’]?t|wasn['’]?t)\s+(?:it|that|we|they|you)\s*\?\s*$|\bright\s*\?\s*$|\bwho\s+(?:knew|knows)\b|\bany\s+questions\s*\?|\bhave\s+you\s+(?:heard|seen)\s+the\s+news\b|\bwusstest\s+du\b|\bdid\s+you\s+know\b|\boder\s*\?\s*$|\bkeine\s+fragen\s*\?",
    ANY,
)  # fmt: skip
SUBORDINATE = re.compile(
    r"(?<![\s,])[\s,]+(?:whether|if|that|what|when|how|why|where|which|who|because|since|so\s+that|ob|dass|was|wann|wie|warum|wo|welche\w*|wer|weil|damit|falls|wenn|as\s+we|they|we|wir|sie)\b",
    ANY,
)
PROMISE = re.compile(
    r"\b(?:i['’]ll|i\s+will|i\s+shall|i['’]m\s+going\s+to|i\s+am\s+going\s+to|we['’]ll|we\s+will|you['’]ll\s+(?:have|get|hear|receive)|you\s+will\s+(?:have|get|hear|receive)|let\s+me\s+(?:check|look|find|ask|see)|i\s+can\s+(?:send|get|have|share|deliver)|i\s+promise|expect\s+(?:it|my|the)|"
    r"ich\s+(?:werde|melde|schicke|sende|gebe|kläre|prüfe|rufe|antworte|bringe|liefere|leite|komme\s+auf|schaue|mache|kümmere|reiche|frage|bereite)|wir\s+(?:werden|melden|schicken|senden|klären|liefern)|(?:du\s+bekommst|sie\s+bekommen|du\s+hörst|sie\s+hören))\b",
    ANY,
)  # fmt: skip
NO_PROMISE = re.compile(
    r"\b(?:i['’]ll|i\s+will|we['’]ll|we\s+will|ich\s+werde|wir\s+werden)\s+(?:\w+\s+)?(?:not|never|see\s+you|be\s+(?:out|away|late|there|back|in|on|at|happy|glad)|miss|nicht|da\s+sein|leave\s+it|pass)\b|\bnot\s+be\s+able\b|\b(?:if|when|once|wenn|falls)\s+(?:i|we|ich|wir)\b|\bich\s+(?:komme|melde)\b.{0,30}\bnicht\b",
    ANY,
)
SMALL_TALK = re.compile(
    r"^\W*(?:(?:see|catch)\s+(?:you|ya)\b|(?:talk|speak)\s+(?:to\s+you\s+)?(?:soon|later|then|tomorrow)|take\s+(?:care(?!\s+of)|it\s+easy|your\s+time)|keep\s+(?:up\s+the|it\s+up|going|in\s+touch|in\s+mind)|have\s+(?:a|an|fun|some)\b(?!\s+(?:quick\s+|closer\s+)?(?:look|read|chat|word))|enjoy\b|"
    r"thank\w*|congratulat\w*|apologi[sz]\w*|look\s+(?:at|what|here|who)\b|check\s+(?:this|it)\s+out|good\s+(?:luck|night|job|work|idea|point|to\b|news)|get\s+(?:well|some\s+(?:rest|sleep))|go\s+(?:on|ahead|for\s+it)\W*$|come\s+on\W*$|hang\s+(?:in|on)\b|hold\s+on|hope\b|sounds|looks|seems|works\s+for|happy\s+\w+|merry|love\b|welcome\b|"
    r"imagine|guess\s+what|trust\s+me|believe\s+me|mach['’]?s\s+gut|pass\s+auf\s+dich|bis\s+(?:bald|dann|später|morgen|gleich|nachher|\w+tag)\W*$|schöne[nrs]?\s|viel\s+(?:spaß|glück|erfolg)|gute[ns]?\s|komm\s+gut|lass\s+es\s+dir)",
    ANY,
)  # fmt: skip
PRONOUN = re.compile(r"\b(?:me|us|mir|uns)\b", ANY)


@dataclass(frozen=True)
class Request:
    """Something asked. `words` is what is asked without the words of asking; `verb` the verb that it begins with."""

    ask: Ask
    words: str
    verb: VerbFound | None = None


def find_requests(sentence: str) -> list[Request]:
    """What a sentence asks of its reader; empty when it tells, thanks or asks nothing in earnest."""
    words = sentence.strip()
    if PLEASANTRY.search(words):
        return []
    is_question = words.rstrip("\"'”) ").endswith("?")
    if is_question and COME.search(words):
        return [Request("come", words)]
    if MEET.search(words) and (is_question or re.search(r"\b(?:let\s+me\s+know|bescheid|sag)\b", words, ANY)):
        return [Request("meet", words)]
    if CALL_BACK.search(words):
        return [Request("do", words, VerbFound("call", "call", words))]
    if will := WILL_YOU.match(words):
        return [_request(" ".join(filter(None, [will["verb"], will["to"], will["what"]])))]
    for what in _asked(words):
        if NOT_ASKING.match(what) or SMALL_TALK.match(what):
            if is_question:
                continue
            return []
        return [_request(what)]
    if ASK_FOR_ANSWER.search(words):
        return [Request("answer", words)]
    if (need := NEED.search(words)) and not is_question and FROM_YOU.search(words):
        what = next(part for part in need.groups() if part)
        is_english = re.search(r"\b(?:i|we|i['’]m|we['’]re)\s", words, ANY) is not None
        return [Request("send", f"{'Send' if is_english else 'Schick'} {'me' if is_english else 'mir'} {what}")]
    if is_question:
        return [Request("answer", words)]
    if MUST_BE.match(words):
        return [Request("do", words)]
    if (verb := verb_at_head(words)) and _is_command(words, verb):
        return [_request(words)]
    return []


def find_promise(sentence: str) -> bool:
    """Does the writer promise to do something?"""
    return (
        PROMISE.search(sentence) is not None
        and NO_PROMISE.search(sentence) is None
        and not sentence.rstrip().endswith("?")
    )


def main_clause(words: str) -> str:
    """The words before "whether", "that", "ob": a date behind them is no deadline of the request."""
    found = SUBORDINATE.search(words, 8)
    return words[: found.start()] if found else words


def name_the_asker(words: str, name: str) -> str:
    """ "Send me the file" as the reader would note it: "Send Ana Kovač the file"."""
    return PRONOUN.sub(lambda _: name, words, count=1) if name else words


def _asked(words: str) -> list[str]:
    found: list[str] = []
    for pattern in (SOFT, CAN_YOU, DUTY, PLEASE):
        if match := pattern.search(words):
            what = match["what"].strip()
            if pattern is DUTY and re.match(r"(?:not|nicht|nichts)\b", what, ANY):
                continue
            if re.match(r"(?:would|do)\s+you\s+mind\b", match[0], ANY):
                what = _unwound(what)
            found.append(re.sub(rf"^(?:{FILLER}\b[\s,]*)+", "", what, flags=ANY) if pattern is not SOFT else what)
    if (later := PLEASE_LATER.match(words)) and (verb_at_head(later["what"])):
        found.insert(0, f"{later['what']} {later['more']}".strip())
    return [what for what in found if len(what) > 2]


def _unwound(what: str) -> str:
    """ "sending me the file" as an imperative; as it is where that is no verb known here."""
    first, _, rest = what.partition(" ")
    return f"{ING_FORMS[first.casefold()]} {rest}" if first.casefold() in ING_FORMS else f"say whether I mind {what}"


def _request(what: str) -> Request:
    if ANSWERS.search(what):
        return Request("answer", what)
    if SENDS.search(what):
        return Request("send", what)
    return Request("do", what, find_verb(what.rstrip(" ?.!"), asked=True))


def _is_command(words: str, verb: VerbFound) -> bool:
    """A sentence that begins with an imperative and is no wish, no note, no advertisement."""
    if (
        NOT_ASKING.match(words)
        or SMALL_TALK.match(words)
        or GOES_ON.match(words)
        or len(words) > 300
        or not verb.is_known
    ):
        return False
    if re.match(r"\w+\s*(?:$|[.!])", words) or re.match(
        r"\s*(?:is|are|was|were|has|have|ist|war|sind|of\b|[:–-])", words[len(verb.verb) :], ANY
    ):
        return False
    return (
        re.search(r"\b(?:click|download|shop\s+now|sign\s+up|register\s+now|save\s+\d|check\s+out)\b", words, ANY)
        is None
    )
