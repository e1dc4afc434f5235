"""What requests are about, by words: mail, chat, meetings, tables, reports, things only a person can book."""

import re


def _words(words: str) -> re.Pattern[str]:
    """Any of these words, whole, in any case."""
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)


SLACK = re.compile(
    r"\b(?:slack|teams|discord|mattermost|whatsapp|signal|telegram|linkedin|twitter|instagram|facebook|mastodon|chat)\b|(?<![\w&])#[a-z]|(?<![\w.])@\w+",
    re.IGNORECASE,
)
MAIL = re.compile(
    r"\be-?mails?\b|\bmails?\b|\bnewsletter\b|[\w.+-]+@[\w-]+\.\w|\b(?:thank|thanks)[- ]?you[- ](?:note|letter|card)\b|\bletter\b|\w*brief\b(?<!\bbrief)|\bBrief\b|\bNachricht\b(?=.*@)",
    re.IGNORECASE,
)
REPLY = _words(r"repl(?:y|ies)|responses?|answers?|antwort(?:en|schreiben)?")
MEETING = _words(
    r"(?:\w+-)?meetings?|(?:video|phone|conference|zoom|follow-up|intro|kick-?off|team|group|skype)?\s?(?:calls?|chats?)|sync|1[:\-]1|one[- ]on[- ]one|catch[- ]?up|stand-?ups?|demos?|interviews?|sessions?|slot|"
    r"workshops?|kick-?off|retro(?:spective)?|time\s+with|coffee\s+with|lunch\s+with|dinner\s+with|drinks\s+with|breakfast\s+with|\d+\s*min\w*\s+with|(?:video|telefon|web)?-?(?:termin|besprechung|meeting|telefonat|gespräch|treffen|konferenz|call)"
)
OUTSIDE = _words(
    r"dentist|doctor|gp|hairdresser|hairdressers|haircut|vet|barber|therap\w+|physio\w*|optician|mechanic|plumber|flights?|hotels?|table|trains?|tickets?|restaurant|car|venue|taxi|cab|rooms?|court|massage|"
    r"check-?up|vaccination|holiday|vacation|trip|bus|ferry|airbnb|apartment|cottage|campsite|seats?|babysitter|photographer|caterer|band|dj|cleaner|"
    r"zahnarzt\w*|arzt\w*|ärzt\w*|friseur\w*|flug|flüge|\w*hotel\w*|\w*tisch|zug\w*|bahn\w*|karten|mietwagen|werkstatt\w*|tierarzt\w*|\w*raum|zimmer|ferienwohnung|restaurant\w*|massage\w*|kino\w*|urlaub"
)
APPOINTMENT = _words(r"appointments?|reservations?|booking|arzttermin|zahnarzttermin|termin|reservierung|buchung")
SHEET = _words(
    r"spreadsheets?|budgets?|excel(?:\s+sheet)?|google\s+sheets?|forecasts?|\w*tabelle\w*|budget\w*|\w*kalkulation|haushaltsplan|csv|cost\s+(?:sheet|table|overview)|kostenübersicht|pivot\s+table|timesheets?"
)
OUTLINE = _words(r"outlines?|gliederung\w*|skeleton|table\s+of\s+contents|inhaltsverzeichnis")
REPORT = _words(r"\w*reports?|status\s+updates?|weekly\s+updates?|\w*bericht\w*|\w*report")
ACTION_ITEMS = _words(
    r"action\s+(?:items?|points?)|to-?dos?|next\s+steps|follow-ups|tasks|decisions|deadlines|aufgaben|aktionspunkte|maßnahmen|entscheidungen|beschlüsse|fristen|schlüsselpunkte|key\s+points|takeaways|main\s+points|names|dates"
)
TO_DO = _words(
    r"action\s+(?:items?|points?)|to-?dos?|next\s+steps|key\s+(?:points|decisions)|aktionspunkte?n?|aufgaben|maßnahmen|beschlüsse"
)
MEETING_NOTES = _words(
    r"meetings?|calls?|sync|protokoll\w*|minutes|besprechung\w*|stand-?up|notes|notizen|gesprächs?\w*|transcript|transkript|interviews?|workshop|retro|kick-?off|sitzung\w*"
)
BIG = _words(
    r"\w*campaigns?|\w*kampagne\w*|launch|product\s+launch|events?|\w*konferenz|conference|offsite|off-site|\w*part(?:y|ies)|\w*feier|\w*fest|wedding|hochzeit|trip|\w*reise|holidays?|vacation|\w*urlaub|\w*umzug|"
    r"migration|rollout|roll-out|onboarding|projects?|\w*projekt|roadmap|\w*strategy|\w*strategie|fundraiser|festival|workshop|renovation|\w*renovierung|quarter|sprint|retreat|tour|rebrand\w*|redesign|"
    r"website|webshop|shop|fair|\w*messe|anniversary|jubiläum|birthday|\w*geburtstag\w*|conference|hackathon|webinar|tournament|turnier|curriculum|course|move|relocation|year|reunion|ball|gala|exhibition|ausstellung"
)
SUMMARY = _words(r"summar(?:y|ies)|recap|tl;?dr|\w*zusammenfassung\w*|synopsis|abstract|digest")
TRANSLATION = _words(r"translation|übersetzung")
LISTING = _words(
    r"checklists?|(?:shopping\s+|packing\s+|to-?do\s+|guest\s+|reading\s+)?lists?(?:\s+of)?|agendas?|checkliste|tagesordnung|\w*liste|faq|itinerary|reiseplan|quiz|questions|timeline|zeitplan|schedule|talking\s+points|meal\s+plan|workout\s+plan|speiseplan"
)
TEXT = _words(
    r"slides?|(?:slide\s+)?deck|\w*presentations?|\w*präsentation\w*|documents?|\w*dokument\w*|documentation|proposals?|\w*angebot\w*|contracts?|\w*vertrag\w*|page|concept|\w*konzept\w*|(?:business\s+|project\s+|marketing\s+)?plan|invoice|quote|estimate|flyer|brochure|"
    r"template|vorlage|form|formular|policy|guide|manual|handbook|job\s+(?:description|ad|posting)|press\s+release|pitch|poster|logo|mock-?ups?|survey|questionnaire|umfrage|fragebogen|dashboard|chart|diagram|comparison|overview|analysis|vergleich|übersicht|analyse|\w*plan|cv|resume|lebenslauf|notes|script|speech|rede"
)
HOUSEHOLD = _words(
    r"desk|closet|drawers?|kitchen|garage|photos?|files|cupboards?|wardrobe|shel(?:f|ves)|pantry|basement|attic|inbox|schrank|keller|schreibtisch|regal\w*|fotos"
)
POSTED = _words(
    r"thank[- ]you\s+(?:note|card|letter)s?|parcels?|letters?|packages?|cards?|postcards?|envelopes?|presents?|gifts?|application\s+form|passport|paket\w*|briefe?|postkarten?|päckchen|karte"
)
POST = _words(
    r"(?:blog\s*|linkedin[- ]|instagram[- ]|facebook[- ]|social\s+media\s+)posts?|articles?|\w*artikel|blogbeitrag|beitrag"
)
