"""The words of promises, and the words that look like one and are none, in English and German."""

import re

ANY = re.IGNORECASE
SOON = r"(?:then|also|just|now|personally|certainly|definitely|of\s+course|surely|gladly|happily|quickly|still|immediately|directly|shortly|today|tomorrow|first)"
DOES = (
    r"(?:get\s+(?:back|to\s+you|it|this|that|the\b|you\b|them|my|our)|get\s+in\s+touch|come\s+back\s+to|circle\s+back|follow\s+up|be\s+in\s+touch|reach\s+out|touch\s+base|"
    r"let\s+(?:you|everyone|them|him|her)\b.{0,40}\bknow|(?:re)?send|forward|share|provide|deliver|submit|upload|post|publish|ship|"
    r"pass\s+(?:it|this|that|them|the\b)|drop\s+(?:you|it|off)|bring|hand|return|reply|answer|respond|write|email|e-mail|mail|message|call|phone|ring|text\s+you|ping|"
    r"check|look\s+(?:into|at|up)|find\s+out|confirm|clarify|verify|review|read|go\s+(?:through|over)|update|fix|finish|complete|prepare|draft|put\s+together|set\s+up|"
    r"sort\s+(?:it|this|that|the|out)|take\s+care\s+of|handle|arrange|organi[sz]e|schedule|book|order|buy|pay|transfer|refund|sign|approve|add\b|change\b|correct\b|"
    r"ask\s+(?!you\b)|talk\s+to\s+(?!you\b)|speak\s+(?:to|with)\s+(?!you\b)|discuss|introduce|invite|make\s+(?:sure|the|a|an|that|those|it\s+(?:happen|ready|available))|"
    r"give\s+(?:you|it|him|her|them)\b.{0,40}\b(?:call|ring|answer|update|date|number|quote|feedback|shout|heads|estimate|decision|copy|access|details|to\b)|"
    r"have\b.{1,80}\b(?:ready|done|finished|fixed|for\s+you|with\s+you|to\s+you|by\b)|tell\s+(?:you|him|her|them)|keep\s+you\s+(?:posted|updated|informed)|do\s+(?:it|this|that|so|the\b|my\b)|work\s+on|"
    r"start\s+(?:on|with)|show\s+you|note\b|report|translate|print|record|plan\b|write\s+up|solve|resolve|deal\s+with|attend\s+to|chase|propose|suggest)"
)  # fmt: skip
MINE = re.compile(
    rf"\b(?:i|we)(?:(?:['’]ll|\s+will|\s+shall)|(?:['’]m|\s+am|['’]re|\s+are)\s+going\s+to|\s+promise\s+to)(?:\s+{SOON})*\s+(?P<what>{DOES}\b.*)",
    ANY,
)
DROPPED = re.compile(
    rf"^\W*(?:(?:ok(?:ay)?|sure|yes|great|perfect|alright|on\s+it)\W+)*will(?:\s+{SOON})*\s+(?P<what>(?:{DOES})\b.*)",
    ANY,
)
WILL_DO = re.compile(r"^\W*(?:(?:ok(?:ay)?|sure|yes|great|perfect)\W+)*will\s+do\b(?P<what>.*)", ANY)
PROMISE = re.compile(r"\bi\s+promise\b(?!\s+to\b)(?P<what>.+)|\bich\s+verspreche\b(?P<wort>.+)", ANY)
CAN_BY = re.compile(
    r"\b(?:i|we)\s+can\s+(?:then\s+|definitely\s+)?(?P<what>(?:send|get|have|deliver|finish|share|provide|return)\b.*\bby\b.*)",
    ANY,
)
GETS = re.compile(
    r"\b(?:you(?:['’]ll|\s+will)\s+(?:then\s+)?(?:have(?!\s+(?:to|until|time|no|one|two|three|four|\d+|a\s+(?:lot|chance|good|great))\b)|get|hear|receive|be\s+hearing)\b|"
    r"(?:you\s+can\s+)?expect\s+(?:it|my|our|an?\s+(?:answer|reply|update|response|decision))\b)",
    ANY,
)
LET_ME = re.compile(rf"\blet\s+me\b.{{1,120}}?\band\s+(?:then\s+)?(?P<what>{DOES}\b.*)", ANY)
FROM_ME = re.compile(r"\b(?:from|by)\s+(?:me|us)\b|\bvon\s+(?:mir|uns)\b", ANY)
VERB_DE = (
    r"(?:melde|schicke?|sende|schreibe?|antworte|bringe|liefere|leite|kläre|prüfe|checke|erledige|überweise|übernehme|buche|organisiere|bestätige|unterschreibe|bezahle|"
    r"kümmere?|reiche|frage|bereite|rufe|gebe|sage|teile|lade|stelle|schaue?|vereinbare|bestelle|besorge|überarbeite|korrigiere|aktualisiere|ergänze|erstelle|informiere|komme|mache|trage|spreche|hole|fertige|beantworte|überprüfe|reserviere|lasse)"
)
VERB_DE_WE = r"(?:" + "|".join(
    ["melden", "schicken", "senden", "schreiben", "antworten", "liefern", "leiten", "klären", "prüfen", "erledigen", "überweisen", "buchen", "organisieren", "bestätigen", "kümmern", "reichen", "bereiten",
     "geben", "teilen", "stellen", "vereinbaren", "bestellen", "überarbeiten", "korrigieren", "aktualisieren", "erstellen", "informieren", "kommen", "überprüfen", "lassen"]
) + r")"  # fmt: skip
INFINITIVE_DE = (
    r"(?:\w*(?:melden|schicken|senden|schreiben|antworten|bringen|liefern|leiten|klären|prüfen|checken|erledigen|überweisen|übernehmen|buchen|organisieren|bestätigen|unterschreiben|bezahlen|"
    r"kümmern|reichen|fragen|bereiten|rufen|geben|sagen|teilen|laden|stellen|schauen|vereinbaren|bestellen|besorgen|arbeiten|korrigieren|aktualisieren|ergänzen|erstellen|informieren|kommen|machen|sprechen|lassen))"
)
ICH = re.compile(
    rf"\b(?:(?:ich\s+(?:\w+\s+){{0,2}}?{VERB_DE}|{VERB_DE}\s+ich|wir\s+(?:\w+\s+){{0,2}}?{VERB_DE_WE}|{VERB_DE_WE}\s+wir)\b(?P<what>.*)|"
    rf"(?:ich\s+werde|werde\s+ich|wir\s+werden|werden\s+wir)\b(?P<wird>.*\b{INFINITIVE_DE}\b.*))",
    ANY,
)
BEKOMMST = re.compile(
    r"\b(?:(?:du|sie|ihr)\s+(?:bekommst|bekommen|erhältst|erhalten|kriegst|kriegen|hörst|hören|hört|bekommt)|(?:bekommst|kriegst|erhältst|hörst)\s+du|(?:bekommen|erhalten|kriegen|hören)\s+sie|(?:bekommt|hört)\s+ihr)\b(?P<what>.*)",
    ANY,
)

# What makes a sentence none.
NEGATED = re.compile(
    r"\b(?:won['’]?t|will\s+(?:not|never|no\s+longer)|shall\s+not|['’]ll\s+(?:not|never)|not\s+(?:going|able)\s+to|cannot|can['’]?t|no\s+longer|unable\s+to)\b",
    ANY,
)
DOUBTED = re.compile(
    r"\b(?:not\s+sure|don['’]?t\s+(?:know|think|believe)|do\s+not\s+(?:know|think|believe)|doubt|whether|wonder\w*|probably|perhaps|maybe|might|possibly|hopefully|(?:i|we)\s+hope|likely|"
    r"try|tries|trying|aim\w*|would|could|should\s+(?:i|we)|shall\s+(?:i|we)|vielleicht|eventuell|möglicherweise|wahrscheinlich|vermutlich|hoffentlich|ich\s+hoffe|versuche\w*|würde\w*|könnte\w*|hätte\w*|"
    r"(?:soll|sollte|kann|darf)\s+(?:ich|wir)|weiß\s+nicht|glaube\s+(?:kaum|nicht)|ob)\b",
    ANY,
)
CONDITION = re.compile(
    r"\b(?:if|unless|provided|assuming|in\s+case|once|as\s+soon\s+as|when(?:ever)?\s+(?:i|we|you|he|she|they|it|the|my|our|your|\w+ing)|after\s+(?:i|we|you|he|she|they)|until\s+(?:i|we|you|he|she|they)|"
    r"wenn|falls|sofern|sobald|solange|außer|vorausgesetzt|nachdem|bis\s+(?:ich|wir|du|er|sie))\b",
    ANY,
)
ABOUT_IF = re.compile(
    r"\b(?:know|out|see|check|ask|tell|confirm|sag\w*|bescheid|prüfe\w*|kläre\w*|frag\w*|schau\w*)\s*,?\s*(?:you\s+)?(?:if|ob|whether)\b",
    ANY,
)
WHETHER = re.compile(r"\b(?:whether|ob)\b", ANY)
REPORTED = re.compile(
    r"(?<!\bas\s)\b(?:said|says|told|wrote|writes|mentioned|promised|thought|claims?|claimed|sagte|schrieb|meinte|erwähnte|hat\s+(?:\w+\s+)?(?:gesagt|geschrieben|versprochen))\b[^.;]*$",
    ANY,
)
SMALL = re.compile(
    r"\b(?:have\s+(?:to|been|had|gone|left|sent|done|no|one|two|three|\d+|\w+ed)\b|do\s+(?:my|our)\s+best|see|miss|love|hate|admit|bet|say|be\s+honest|remember|forget|talk\s+to\s+you|catch\s+up|keep\s+(?:it|this)\s+(?:short|brief|simple|quick|in\s+mind)|make\s+(?:it|this)\s+(?:short|quick|brief|easy|simple)|"
    r"let\s+you\s+(?:go|get\s+(?:back|on)|decide|be\b|handle|take)|leave\s+(?:it|that|you)|read\s+this\s+as|call\s+it\s+a|get\s+(?:it|that)\s*[.!]?$|note\s+that|ask\s+you|report\s+you|answer\s+for)\b",
    ANY,
)
SMALL_DE = re.compile(
    r"\bmelde\s+(?:ich\s+)?mich\b.*\b(?:krank|ab|an)\b|\bfrage\s+(?:ich\s+)?mich\b|\bich\s+frage\s+mich\b|\bmache\s+(?:ich\s+)?mir\b|\bgebe\s+(?:ich\s+)?(?:zu|auf|dir\s+recht|ihnen\s+recht)\b|\bschreibe\s+(?:ich\s+)?(?:ihnen|dir|euch)?,?\s*(?:weil|da|um|wegen)\b|"
    r"\bkomme\s+(?:ich\s+)?(?:aus|gerade|nicht|gern\w*|zu\s+spät|später|leider)\b|\bsage\s+(?:ich\s+)?mal\b|\bkomme\b(?!.*\bauf\b.*\bzu(?:rück)?\b)|\bspreche\s+(?:ich\s+)?(?:kein|deutsch|englisch)|\bmache\s+(?:ich\s+)?(?:urlaub|pause|feierabend)",
    ANY,
)
NOW = re.compile(
    r"\b(?:hiermit|anbei|im\s+anhang|angehängt|beigefügt|gerade|soeben|bereits|schon\s+(?:gestern|letzte)|jeden|jede\s+woche|immer|normalerweise|üblicherweise|oft|täglich|regelmäßig|herewith|attached|enclosed|as\s+usual|every\s+(?:day|week|month|\w+day)|always|usually|normally)\b",
    ANY,
)
NOT_DE = re.compile(r"\b(?:nicht|nie|niemals|kein\w*|nichts|ohne)\b", ANY)
QUOTED = re.compile(r"[“„\"«][^”“\"»]*[”“\"»]")
NOT_A_DUE = re.compile(
    r"\b(?:meeting|call|session|workshop|event|review|sync|appointment|conference|termin|treffen|besprechung|sitzung|since|seit|from|vom|of|last|letzte[nrms]?)\s*(?:on|am|at|um|for)?\s*$",
    ANY,
)
EOB = re.compile(
    r"\b(?:by|until|till|before|bis)\s+(?P<day>(?:the\s+)?end\s+of\s+(?:the\s+)?(?:business|day|week|month)|eo[dbw]|cob|(?:zum\s+)?(?:tagesende|feierabend|wochenende|ende\s+der\s+woche|ende\s+des\s+tages|monatsende))\b",
    ANY,
)
