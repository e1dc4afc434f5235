"""Does a clause ask for something? Words of request and duty, small talk, questions, denials, what is over."""

import re
from dataclasses import dataclass

ANY_CASE = re.IGNORECASE
# Words that say nothing about the task and are no sign of one either.
FILLER = (
    r"please|kindly|pls|plz|just|also|then|and|but|or|so|well|ok(?:ay)?|alright|right|now|maybe|perhaps|ideally|actually|btw|by\s+the\s+way|hey(?:\s+(?:there|steward|you))?|hi(?:\s+(?:there|steward))?|"
    r"hello(?:\s+steward)?|good\s+(?:morning|afternoon|evening)|dear\s+\w+|steward|@steward|thanks|thank\s+you|first(?:ly|\s+of\s+all)?|second(?:ly)?|third(?:ly)?|finally|lastly|afterwards|after\s+that|next(?!\s+(?:week|month|year|monday|tuesday|wednesday|thursday|friday|saturday|sunday))|"
    r"(?:i\s+think|i\s+guess|i\s+suppose|i\s+feel\s+like|i\s+believe)(?:\s+that)?|by\s+any\s+chance|if\s+possible|if\s+you\s+can|when\s+done|oh|um|yes|yeah|sure|great|perfect|cool|quick(?:ly)?|again|one\s+more\s+thing|plus|"
    r"und|oder|aber|auch|dann|außerdem|vielleicht|bitte|danach|zuerst|zunächst|schließlich|noch|mal|doch|kurz|eben|hallo|moin|guten\s+(?:morgen|tag|abend)|danke|also|wieder|ach|übrigens|nun|jetzt|gerne?|gut|ja|super|klar"
)
# Words that ask, oblige or plan: what follows is to be done.
ASKING = (
    r"(?:i|we)(?:\s+(?:really|also|still|just|definitely|probably|urgently|totally))*\s+(?:(?:need|have|want|would\s+like|ought|plan|intend|aim|promised|agreed|forgot|got|may\s+need|might\s+need|will\s+need|will\s+have|am\s+supposed)\s+(?:also\s+|still\s+)?to|gotta|must|should|will|shall|had\s+better)(?:\s+(?:really|also|still|probably|definitely))*(?=\s+\S)|"
    r"(?:i|we)['’]d\s+(?:(?:like|love|want|prefer)\s+to|better)|(?:i|we)['’]d\s+like\s+you\s+to|(?:i|we)\s+(?:need|want|would\s+like)\s+you\s+to|(?:i|we)(?:['’]ve|\s+have)\s+(?:also\s+|still\s+)?(?:got\s+)?to|"
    r"(?:i['’]m|i\s+am|we['’]re|we\s+are)\s+(?:also\s+|still\s+)?(?:supposed|going|meant|planning|trying|about|hoping|obliged|required|wanting)\s+to|(?:i|we)['’](?:ll|ve\s+been\s+meaning)(?:\s+(?:have|need))?(?:\s+to)?|i\s+keep\s+forgetting\s+to|"
    r"i\s+gotta|gotta|(?:i['’]?m\s+|i\s+am\s+|we['’]?re\s+)?gonna|(?:i\s+|we\s+)?wanna|(?:can|could|would|will)\s+u|(?:[\w'’-]+\s+){1,3}(?:wants|needs|asked|told|expects|reminded|has\s+asked|would\s+like)\s+(?:me|us)\s+to|(?:need\s+to|needs\s+to|have\s+to|must|should|want\s+to|got\s+to|going\s+to)(?!\s+(?:i|we|you|he|she|it|they|there|the|this|that)\b)|"
    r"you\s+(?:should|need\s+to|have\s+to|must)|(?:it['’]s|it\s+is)\s+time\s+to|time\s+to|it\s+would\s+be\s+(?:great|nice|good|helpful|lovely)\s+(?:if\s+(?:you|we|i)\s+could|to)|it['’]d\s+be\s+(?:great|nice|good|helpful)\s+(?:if\s+(?:you|we|i)\s+could|to)|"
    r"(?:would|will|can|could)\s+you(?:\s+(?:please|also|maybe|perhaps|just|kindly|possibly|mind|be\s+able\s+to|help\s+me(?:\s+to)?))*|(?:can|could|shall)\s+we|let['’]?s(?:\s+also)?|let\s+us|why\s+don['’]?t\s+(?:you|we)|how\s+about\s+(?:you|we)|are\s+you\s+able\s+to|"
    r"(?:is\s+it|would\s+it\s+be)\s+possible\s+(?:for\s+you\s+)?to|i\s+wonder\s+if\s+you\s+could|help\s+me(?:\s+to)?|(?:can|could|would)\s+(?:someone|somebody|anyone)(?:\s+please)?|(?:someone|somebody)\s+(?:has|needs|should|must|ought)(?:\s+to)?|"
    r"remind\s+me\s+(?:again\s+)?(?:to|about|of|that(?:\s+(?:i|we)\s+(?:need|have|must|should)(?:\s+to)?)?)|remind\s+me|(?:do\s+not|don['’]?t)\s+(?:let\s+me\s+)?forget(?:\s+(?:to|about|that))?|never\s+forget\s+to|"
    r"(?:make|be)\s+sure(?:\s+(?:to|that\s+(?:i|we|you)|i|we|you))?|see\s+to\s+it\s+that|remember(?:\s+to)?(?!\s+(?:when|that\s+time))|note\s+to\s+self|to-?\s?do(?:\s+(?:list|for\s+\w+))?(?=\s*[:\-–])|add\s+(?:a\s+)?(?:task|to-?do|reminder)(?:\s*:|\s+(?:to|for|about))|"
    r"(?:new\s+)?(?:task|reminder|action|ai)(?=\s*:)|(?:create|make|set|add)\s+(?:me\s+)?(?:a\s+)?(?:new\s+)?(?:task|to-?do|reminder)(?:\s+(?:to|for|about|called|named)|\s*:)|add\s+to\s+my\s+(?:list|to-?dos?)\s*:|put\s+on\s+my\s+list\s*:|do\s+the\s+following(?=\s*:)|"
    r"(?:ich|wir)\s+(?:muss|müsste|sollte|soll|möchte|will|müssen|sollten|sollen|wollen|möchten|werde|werden|würde\s+gern(?:e)?|darf\s+nicht\s+vergessen)(?:\s+(?:noch|auch|unbedingt|dringend|nur))*(?:\s*,)?|"
    r"(?:muss|müsste|müssen|sollte|sollten|soll|möchte|will|wollen)\s+(?:ich|wir)(?:\s+(?:noch|auch|unbedingt|dringend))*|man\s+(?:muss|müsste|sollte)|"
    r"(?:kannst|könntest|würdest|magst|willst)\s+du(?:\s+(?:bitte|mir|mal|auch|noch|vielleicht|uns|kurz))*|(?:können|könnten|würden)\s+sie(?:\s+(?:bitte|mir|mal|auch|uns))*|(?:können|könnten|lass|lasst)\s+(?:wir|uns)|wärst\s+du\s+so\s+nett|hilf\s+mir(?:\s+dabei)?,?|"
    r"erinnere?\s+mich(?:\s+(?:bitte|noch|mal))*(?:\s+(?:nochmal\s+)?(?:daran|an|dran))?(?:\s*,?\s*dass(?:\s+(?:ich|wir))?)?|erinnern\s+sie\s+mich(?:\s+(?:daran|an))?|nicht\s+vergessen|vergiss\s+(?:bitte\s+)?nicht|vergesst\s+nicht|denke?\s+(?:bitte\s+)?(?:daran|dran|an)(?:\s*,?\s*dass(?:\s+(?:ich|wir))?)?|vergiss\s+(?:bitte\s+)?nicht,?\s+dass(?:\s+(?:ich|wir))?|"
    r"stell\s+(?:bitte\s+)?sicher,?\s+dass\s+(?:ich|wir)|sorge?\s+dafür,?\s+dass|(?:aufgabe|erinnerung|todo|to-do|zu\s+erledigen|merken)(?=\s*:)|ich\s+habe\s+vergessen,?|es\s+(?:muss|müssen|soll)\s+noch|es\s+wäre\s+(?:gut|toll|schön|nett),?\s+wenn\s+du|"
    r"jemand\s+(?:muss|sollte)"
)
AFTER = r"(?:\s*[:,;!.–—-]+\s*|\s+|$)"
FILLER_AT_HEAD = re.compile(rf"(?:{FILLER})(?![\w'’-]){AFTER}", ANY_CASE)
ASKING_AT_HEAD = re.compile(rf"(?:{ASKING})(?![\w'’-]){AFTER}", ANY_CASE)
INFINITIVE_MARK = re.compile(r"(?:to|zu|um)\s+", ANY_CASE)
LEADING = re.compile(r"^[\s,;:.!?–—*•>\-\"'“”„‘’()\[\]]+")
LONGEST_END = 200
ASKED_AT_END = re.compile(
    r"[\s,;–-]*(?<!\w)(?:please|pls|bitte|nicht\s+vergessen|thanks|thank\s+you|thx|danke(?:\s+dir)?|would\s+be\s+great|ok(?:ay)?)?[\s!.?]*$",
    ANY_CASE,
)
DONT_FORGET_AT_END = re.compile(r"[\s,;–-]*\b(?:nicht\s+vergessen|don['’]?t\s+forget)[\s!.]*$", ANY_CASE)
QUESTION = re.compile(
    r"^\W*(?:what|who|whom|whose|where|when|why|which|how|is|are|am\s+i|was|were|do|does|did|has|have\s+(?:you|we|i|they)|had|shall\s+i|should\s+(?:i|we|they|he|she)|may\s+i|might|can\s+i|could\s+i|would\s+(?:it|they|he|she|that|i)|will\s+(?:it|they|he|she|there|we)|"
    r"was\s+(?:ist|sind|steht|macht|kostet|hältst|meinst)|wie|warum|wieso|weshalb|wo|woher|wohin|wann|wer|wem|wen|welche[rsnm]?|ist|sind|hast|hat|habt|haben|war|waren|gibt|weißt|kennst|bist|darf|soll\s+ich|sollte\s+ich|sollen\s+wir|kann\s+ich|muss\s+ich|"
    r"(?:what|who|how|where|when|why)['’]?s|isn['’]t|aren['’]t|don['’]?t\s+you|doesn['’]t|any\s+(?:idea|news|update|chance))\b",
    ANY_CASE,
)
NEGATED = re.compile(
    r"^\W*(?:(?:please|bitte|and|but|und|aber|oh|ok|no)\W+)*(?:(?:do\s+not|don['’]?t|dont|never)\s+(?!(?:let\s+me\s+)?forget|hesitate\s+to)|never\s*mind|no\s+need|not\s+necessary|forget\s+(?:about\s+)?(?:it|that|the)|let['’]?s\s+not|stop\b|"
    r"(?:i|we|you|they)\s+(?:really\s+)?(?:do\s+not|don['’]?t|needn['’]?t|need\s+not|must\s+not|mustn['’]?t|should\s+not|shouldn['’]?t|won['’]?t|will\s+not|can['’]?t|cannot|no\s+longer)\b|"
    r"there['’]?s\s+no\s+need|vergiss\s+(?:es|das)\b|egal\b|schon\s+(?:gut|erledigt)|nicht\s+nötig|lass\s+(?:es|das)\b)",
    ANY_CASE,
)
GERMAN_NOT = re.compile(r"\b(?:nicht|kein(?:e[nrms]?)?|nie|niemals|keinesfalls)\b", ANY_CASE)
GERMAN_FORGET = re.compile(r"\bvergess|\bvergiss", ANY_CASE)
BOUNDARY = re.compile(r"[,:;]")
# Kind words and words to the assistant itself, even where they look like a request.
SMALL_TALK = re.compile(
    r"^\W*(?:(?:please|bitte|just|and|then|so|ok|well)\W+)*(?:"
    r"(?:tell|show|teach|give|explain\s+to|ask|call|text|trust|believe|excuse|forgive|pardon|bear\s+with|wish|spare|answer|hear|talk\s+to|guide|surprise|entertain|cheer)\s+(?:me|us)(?!\w)(?!\s*(?:an?\s+)?(?:summary|draft|outline|report|translation)\b)|"
    r"(?:i|we)\s+(?:must|have\s+to|should|need\s+to|gotta|got\s+to)\s+(?:say|admit|go|run|leave|dash)\b(?:\s+(?:now|soon))?(?!\s+(?:to|and|through|over)\b)|let\s+me\b|let\s+(?:it|that|him|her|them|us)\s+(?:be|go)|see\s+(?:you|ya)|talk\s+(?:to\s+you\s+)?(?:soon|later|tomorrow)|talk\s+to\s+you|speak\s+(?:to\s+you\s+)?(?:soon|later)|catch\s+you|take\s+(?:care(?!\s+of)|it\s+easy|your\s+time|a\s+seat)|keep\s+(?:up\s+the|it\s+up|going|calm|in\s+mind|in\s+touch|me)|sleep\s+(?:well|tight)|rest\s+well|"
    r"have\s+(?:a|an|fun|some)\b|enjoy\b|find\s+(?:attached|enclosed|below)|good\s+(?:luck|night|job|work|idea|point|to\s+know|news)|get\s+(?:well|lost|out\b|some\s+(?:rest|sleep))|go\s+(?:on|ahead|away|for\s+it)\W*$|come\s+on\W*$|hang\s+(?:in|on|tight)\b|hold\s+on|wait\b(?!\s+for)|hurry|try\s+again|start\s+over|"
    r"(?:do|run|try|repeat|continue|cancel|undo|stop|check|send|read|open|delete|use|get|make|take|leave|keep|put|see|move|finish|complete)\s+(?:it|that|this|so|them)(?:\s+(?:again|please|now|all|up|there|back))?\W*$|look\s+(?:at\s+(?:that|this|it|you)|out|here|who)\b|sounds|looks|seems|works\s+for|fair\s+enough|"
    r"(?:list|show|read|open|check)\s+(?:all\s+)?(?:of\s+)?my\s+(?:open\s+|current\s+)?(?:tasks?|to-?dos?|list|agenda|schedule|day|reminders?)\b|(?:disregard|ignore)\s+(?:my|the|that|this|what)\b|go\s+team|happy\s+(?:birthday|new\s+year|easter|friday|holidays)|merry|read\s+(?:you|ya)|make\s+(?:sense|my\s+day)|"
    r"(?:sag|zeig|erzähle?|gib|erklär|verrat|wünsch|glaub|verzeih|schau)(?:e|en\s+sie)?\s+(?:mir|uns)\b(?!\s+eine?\s+(?:zusammenfassung|gliederung))|(?:mir\s+)(?:sagen|zeigen|erzählen|erklären|helfen)|mach['’]?s\s+gut|rufe?\s+mich\s+(?:bitte\s+)?an\b|pass\s+auf\s+dich|bis\s+(?:bald|dann|später|morgen|gleich|nachher|montag|freitag)\W*$|"
    r"schöne[nrs]?\s|viel\s+(?:spaß|glück|erfolg)|gute\s+(?:nacht|besserung|idee|reise)|schlaf\s+gut|lass\s+mich|warte?\b(?!\s+auf)|mach\s+(?:weiter|das|es)\W*$|komm\s+schon|halt\b|los\s+geht)",
    ANY_CASE,
)
DONE = re.compile(
    r"\b(?:which|and|but)\s+(?:i|we)\s+(?:did|have\s+(?:done|already)|already)\b|\balready\s+(?:did|done|sent|paid|called|booked|finished)\b",
    ANY_CASE,
)
OVER = re.compile(
    r"\b(?:already|yesterday(?!['’]s)|last\s+(?:week|night|month|year)(?!['’]s)|ago|gestern|vorgestern|bereits|schon\s+erledigt|letzte[ns]?\s+(?:Woche|Monat|Jahr))\b",
    ANY_CASE,
)
SAME_IN_PAST = frozenset(
    ["read", "put", "set", "cut", "let", "hit", "shut", "split", "spread", "quit", "beat", "cast", "fit", "rid", "wet"]
)
WITH_SUBJECT = re.compile(
    r"^\W*(?:i|we|he|she|they|it|you|my|our|the|this|that|there|these|those|everyone|everybody|nobody|ich|wir|er|sie|es|du|ihr|man|mein\w*|unser\w*|das|der|die)\b",
    ANY_CASE,
)
SUBORDINATE = re.compile(
    r"^\W*(?:when|if|once|after|before|as\s+soon\s+as|while|since|because|although|though|unless|until|in\s+case|wenn|falls|sobald|nachdem|bevor|weil|da|obwohl|während|solange)\s",
    ANY_CASE,
)


REMINDING = re.compile(
    r"remind|forget|remember|erinner|vergiss|vergess|denke?\b|task|to-?\s?do|note|list|aufgabe|merken|erledigen|action",
    ANY_CASE,
)
FUTURE = re.compile(r"\b(?:will|shall|werden?)\b|['’]ll\b", ANY_CASE)
# "Can you swim?" asks what somebody is able to do.
ABILITY = re.compile(
    r"^\W*(?:(?:can|could)\s+you\s+(?:really\s+|even\s+|also\s+)?(?:hear|see|speak|understand|believe|imagine|guess|feel|swim|dance|sing|fly|code|think|know|remember|read|cook|drive|do\s+(?:that|this|it|anything|more|math)|talk)|"
    r"kannst\s+du\s+(?:mich|deutsch|englisch|das|auch|überhaupt|eigentlich|schwimmen|singen|tanzen|denken|sprechen|lesen|kochen))(?:\s+\w+){0,2}\W*$",
    ANY_CASE,
)


ASKS_LEAVE = re.compile(
    r"^\W*(?:(?:must|should|do|shall|may|can|could)\s+i\b|should\s+we\b|(?:muss|müsste|soll|sollte|kann|darf|will)\s+ich\b[^\n]{0,1000}\?\W*$|(?:sollen|müssen)\s+wir\b[^\n]{0,1000}\?\W*$)",
    ANY_CASE,
)


@dataclass(frozen=True)
class Asked:
    """What is left of a clause without its words of request.

    `asked`: there was one that obliges or asks. `reminds`: it asked to keep something in mind, so a mere thing will
    do. `is_future`: it only said what will be.
    """

    words: str
    asked: bool
    reminds: bool = False
    is_future: bool = False


def without_end(at_end: re.Pattern[str], words: str) -> str:
    """The words without what the pattern finds at their end, which is looked at alone: the rest may be of any length."""
    return words[:-LONGEST_END] + at_end.sub("", words[-LONGEST_END:])


def strip_request(clause: str) -> Asked:
    """Take the words of politeness, duty and request off the head of a clause, and politeness off its end."""
    words = clause
    if DONT_FORGET_AT_END.search(words[-LONGEST_END:]):
        words, asked = without_end(DONT_FORGET_AT_END, words), True
    else:
        words, asked = without_end(ASKED_AT_END, words) if len(words) < 4000 else words, False
    reminds, is_future = asked, False
    for _ in range(12):
        words = LEADING.sub("", words)
        if match := ASKING_AT_HEAD.match(words):
            asked = True
            reminds = reminds or REMINDING.search(match[0]) is not None
            is_future = FUTURE.search(match[0]) is not None
        else:
            match = FILLER_AT_HEAD.match(words)
        if match is None and (to := INFINITIVE_MARK.match(words)):
            match = to
        if match is None:
            break
        words = words[match.end() :]
    return Asked(words.strip(), asked, reminds, is_future)


def is_denied(clause: str) -> bool:
    """Says that something is not to be done."""
    if NEGATED.match(clause):
        return True
    main = BOUNDARY.split(clause, maxsplit=1)[0]
    return GERMAN_NOT.search(main) is not None and not GERMAN_FORGET.search(clause) and not _is_english(main)


def _is_english(words: str) -> bool:
    return re.search(r"\b(?:the|to|a|is|and|of|my)\b", words) is not None


def is_question(clause: str) -> bool:
    """Asks about the world, not for a deed."""
    return QUESTION.match(clause) is not None or asks_back(clause)


def asks_back(clause: str) -> bool:
    """A question even where its words are those of a request: "Can you swim?", "Muss ich die Gebühr zahlen?"."""
    return ASKS_LEAVE.match(clause) is not None or ABILITY.match(clause) is not None


def is_done(clause: str) -> bool:
    """Says that what was asked for has been done."""
    return DONE.search(clause) is not None


def is_small_talk(clause: str) -> bool:
    """Kind words, or words to the assistant itself."""
    return SMALL_TALK.match(clause) is not None


def is_over(clause: str, verb: str) -> bool:
    """ "Read the book yesterday": a form that is past as well as imperative, with a time that is over."""
    return OVER.search(clause) is not None and (verb in SAME_IN_PAST or WITH_SUBJECT.match(clause) is not None)
