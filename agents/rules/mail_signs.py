"""Signs by which a mail is known before anybody reads it: bulk, automatic, a notice, or words meant for a machine."""

import re
import unicodedata

from agents.rules.mail_text import split_sentences
from core.spacing import squeezed

ANY = re.IGNORECASE
NO_REPLY = re.compile(
    r"^(?:.*[._+-])?(?:no|do-?not|dont|nicht)[._-]?(?:reply|antworten)|^(?:mailer-daemon|postmaster|bounces?|notifications?|notify|alerts?|automat\w*|robot|system|"
    r"donotreply)\b",
    ANY,
)
BULK_SENDER = re.compile(
    r"^(?:news|newsletter|marketing|promo(?:tion)?s?|offers?|deals|digest|updates|mailing|campaigns?|angebote)\b", ANY
)
UNSUBSCRIBE = re.compile(
    r"\bunsubscribe\b(?! me\b)|\bopt[- ]?out\b|\bmanage (?:your )?(?:email )?preferences\b|\bview (?:this (?:email )?)?(?:in (?:your )?browser|online)\b|\bread online\b|"
    r"\b(?:newsletter )?(?:abbestellen|abmelden)\b|\bim browser (?:ansehen|anzeigen|öffnen)\b|\baus (?:dem|unserem) (?:newsletter|verteiler)\b",
    ANY,
)
CALENDAR_REPLY = re.compile(
    r"^\s*(?:accepted|declined|tentative(?:ly accepted)?|cancell?ed|updated invitation|zugesagt|angenommen|abgelehnt|abgesagt|mit vorbehalt|vorläufig|akzeptiert)\s*:",
    ANY,
)
AWAY = re.compile(
    r"\bout of (?:the )?office\b|\bautomatic reply\b|\bauto-?reply\b|\bauto(?:matic)? response\b|\babwesen(?:heit\w*|d)\b|\bautomatische (?:antwort|rückmeldung)\b|"
    r"^\s*ooo\b|\bnicht im büro\b",
    ANY,
)
DELIVERY = re.compile(
    r"\bundeliver\w*|\bdelivery status notification\b|\bmail delivery (?:failed|system)\b|\breturned mail\b|\bdelivery (?:has )?failed\b|\bunzustellbar\b",
    ANY,
)
NO_ACTION = re.compile(
    r"\b(?:you )?(?:do not|don['’]?t|needn['’]?t)\s+(?:need|have)?\s*(?:to )?(?:do|take|respond|reply|act)\b(?:\s+(?:anything|any(?: further)? action|to this))?|"
    r"\bno (?:further )?(?:action|reply|response|answer)\b.{0,25}\b(?:required|needed|necessary)\b|\bno (?:need to (?:reply|respond|answer|do anything)|action on your part)\b|"
    r"\bnothing (?:for you )?to do\b|\b(?:sie|du) (?:müssen|musst|brauchen|brauchst) nichts\b|\bkeine (?:aktion|antwort|rückmeldung|handlung|maßnahme)\w*\b.{0,25}\b(?:erforderlich|nötig|notwendig)\b|"
    r"\b(?:nichts zu tun|kein handlungsbedarf)\b",
    ANY,
)  # fmt: skip

# Names that only a machine has; "assistant", "agent", "bot" may be people, and count in fewer places.
MACHINE = (
    r"(?:(?:ai|a\.i\.|automated|virtual|digital|mail|e-?mail|ki|automatische\w*)[- ](?:assist\w+|agents?|bots?|systems?|readers?|models?)|llms?|(?:large )?language models?|"
    r"chat ?bots?|chatgpt|copilot|gpt-\d\w*|sprachmodell\w*|ki-\w+|(?:ai|ki)(?=\s*[:,.!)]))"
)
HELPER = r"(?:assistants?|assistent\w*|agents?|bots?)"
READS = r"(?:reading|parsing|processing|summari[sz]ing|handling|managing|checking)"
THIS_MAIL = r"(?:this|the|your|my|these)\s+(?:\w+\s+)?(?:e-?mails?|mails?|messages?|mailbox|inbox|thread|conversation|text|document)"
ADDRESSED = re.compile(
    rf"\b(?:notice|attention|note|message|instructions?|directive|important|hinweis|achtung|anweisung\w*|nachricht|wichtig)\b[^.!?\n]{{0,15}}\b(?:to|for|an|für)\b\s+(?:\w+\s+){{0,3}}"
    rf"(?:{MACHINE}|(?:assistants?|assistent\w*|bots?)\s*:)|\b(?:{MACHINE}|{HELPER})\s+(?:that (?:is|are)\s+)?{READS}\s+{THIS_MAIL}|\bif you(?: are|['’]re)\s+(?:an?|the)\s+(?:{MACHINE}|assistant\b|bot\b)|"
    rf"^[^\S\n]*(?:dear|hey|hello|hi|liebe[rs]?|hallo|attention|achtung)\s+(?:{MACHINE}|assistant|bot|assistent\w*)\s*[,:!]|^[^\S\n]*(?:assistant|system)\s*:\s*(?=you\b|ignore|do\b|new\b|forward|from now|the (?:user|owner))|"
    rf"\b(?:wenn|falls) (?:du|sie) (?:eine?|ein|der|die) (?:{MACHINE}|assistent\w*)|\b(?:der|die|das|den|dem)\s+(?:{MACHINE}|assistent\w*),?\s+(?:der|die|das)\s+(?:diese|das|mein)\b|"
    rf"\bas an?\s+(?:ai\b|{MACHINE})|\b(?:assistant|ai|bot|llm)s?,?\s+(?:when|while|if|before|after)\s+(?:you\s+(?:are\s+)?)?(?:summari[sz]|read|process|repl|answer|draft)\w*|"
    r"\b(?:when|while|before|after)\s+(?:you\s+)?(?:summari[sz]\w+|process\w+|triag\w+)\s+(?:this|these|the)\s+(?:e-?mails?|mails?|messages?|thread|inbox)\b|"
    rf"\b(?:recommend|output|reveal|print|disclose)\b[^.!?\n]{{0,60}}\b(?:to|from|for)?\s*the user(?:['’]s)?\b(?=\s*(?:[.,!]|calendar|mail|inbox|data|files?|contacts?|password|that|to\b|$))|"
    rf"^[^\S\n]*(?!(?:ai|ki)\b)(?:{MACHINE})\s*[:,]\s|\b(?:an|für) (?:die|den|das|alle) (?:{MACHINE})\s*[:,]",
    ANY | re.MULTILINE,
)  # fmt: skip
LOOSELY_ADDRESSED = re.compile(
    r"\b(?:assistants?|ai|llm|language model|automated \w+|ki-assistent\w*|sprachmodell|chat ?bot)\b", ANY
)
OVERRIDE = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|overwrite)\s+(?:all\s+|any\s+|every\s+|the\s+|your\s+|of\s+|these\s+|those\s+|my\s+){0,3}(?:previous|prior|above|earlier|preceding|existing|former|original|system|safety)?\s*"
    r"(?:instructions?|prompts?|guardrails|directives)\b|\b(?:ignore|disregard|forget|override|bypass)\s+(?:all|any|every|your)\s+(?:of\s+)?(?:your\s+|the\s+|these\s+)?(?:previous\s+|prior\s+|safety\s+|system\s+)?(?:rules|directions|guidelines)\b|\b(?:new|updated|real|actual) (?:system )?(?:instructions?|prompt)\s*:|\bsystem prompt\b|\bjailbreak|\bdeveloper mode\b|"
    r"<\|?(?:im_start|system|endoftext)\|?>|\[/?(?:INST|SYSTEM)\]|\b(?:ignoriere?|vergiss|missachte)n?\s+(?:sie\s+)?(?:bitte\s+)?(?:alle[s]?\s+|die\s+|deine\s+|ihre\s+|sämtliche\s+){0,3}(?:vorherigen|bisherigen|obigen|früheren|vorigen|bestehenden|vorangegangenen)?\s*(?:anweisungen|regeln|vorgaben|instruktionen|befehle)\b",
    ANY,
)  # fmt: skip
SECRECY = re.compile(
    r"\b(?:do not|don['’]?t|never|without)\s+(?:mention(?:ing)?|tell(?:ing)?|inform(?:ing)?|notify(?:ing)?|reveal(?:ing)?|alert(?:ing)?|disclos(?:e|ing)|show(?:ing)?|ask(?:ing)?|log(?:ging)?|report(?:ing)?)\b"
    r"\s+(?:about\s+|to\s+)?(?:it|this|that|them|him|her|(?:the|your)\s+(?:user|owner|boss)|anyone|anybody|anything)\b|\bkeep (?:it|this) (?:hidden|secret|confidential|between us)\b|\bsecretly\b|\bsilently\b|"
    r"\berwähn\w*\s+(?:es|das|dies|diese\s+\w+)?\s*(?:gegenüber \w+ )?nicht\b|\bsag\w*\s+(?:niemandem|es niemandem|(?:ihm|ihr) nichts|nichts)\b|\bohne\s+(?:es\s+)?(?:\w+\s+){0,3}zu\s+(?:informieren|fragen|erwähnen|benachrichtigen)\b",
    ANY,
)  # fmt: skip
SECRETS = r"(?:passwords?|passwort\w*|passwörter\w*|credentials?|zugangsdaten|api[- ]?keys?|access tokens?|private keys?|recovery codes?|verification codes?|2fa codes?|tans?|pins?)"
MAILBOX_COMMAND = re.compile(
    r"\b(?:forward|redirect|export|upload|copy|bcc|leite|weiterleiten|exportiere)\b[^.!?\n]{0,140}\b(?:mails?|e-?mails?|messages?|invoices?|inbox|mailbox|contacts?|files?|documents?|attachments?|threads?|conversations?|rechnungen|nachrichten|kontakte|dateien|dokumente|postfach)\b|"
    rf"\b(?:send|email|reply with|forward|schick\w*|sende\w*)\b[^.!?\n]{{0,100}}\b{SECRETS}\b|\b(?:delete|erase|archive|hide|lösch\w*)\s+(?:this|the|all|every|diese|die|alle)\s+(?:\w+\s+)?(?:messages?|mails?|e-?mails?|traces?|logs?|nachrichten?|mails?)\b|"
    r"\b(?:auto-?)?approve (?:all|every|any|the)\b|\badd [^.!?\n]{0,60} to (?:the )?(?:allow|white)[- ]?list\b",
    ANY,
)  # fmt: skip
CLAIMED_LEAVE = re.compile(
    r"\b(?:owner|user|account holder|boss|administrator|inhaber\w*|nutzer\w*|besitzer\w*|benutzer\w*)\s+(?:of this \w+\s+)?(?:has|have|hat)\s+(?:already\s+|bereits\s+|dem\s+)?(?:approved|authori[sz]ed|agreed|consented|given|confirmed|zugestimmt|genehmigt|freigegeben|erlaubt)",
    ANY,
)  # fmt: skip
PHISHING = re.compile(
    r"\b(?:verify|confirm|update|validate|reactivate|unlock|bestätigen|aktualisieren|verifizieren)\b[^.!?\n]{0,60}\b(?:your|ihr\w*|dein\w*)\s+(?:\w+\s+){0,2}(?:account|mailbox|password|identity|payment|billing|bank|konto|postfach|passwort|zugang\w*)\b"
    r"[\s\S]{0,250}\b(?:suspend\w*|lock\w*|clos\w*|terminat\w*|deactivat\w*|expire\w*|within \d+ hours|gesperrt|deaktiviert|gelöscht|innerhalb von \d+ stunden)\b",
    ANY,
)  # fmt: skip
MONEY = re.compile(
    r"\b(?:transfer|wire|überweis\w*|pay)\b[^.!?\n]{0,60}(?:\b(?:USD|EUR|GBP|IBAN)\b|[$€£]\s?\d)|\b(?:buy|get|purchase|kauf\w*)\b[^.!?\n]{0,40}\bgift ?cards?\b",
    ANY,
)
LURE = re.compile(
    r"\b(?:widow|inherit\w*|next of kin|lottery|unclaimed|beneficiary|late (?:banker|client|husband)|erbschaft|lotterie\w*)\b[\s\S]{0,300}(?:\b(?:USD|EUR|GBP|million\w*)\b|[$€£]\s?\d)",
    ANY,
)
COMMANDS = re.compile(
    r"\b(?:forward|send|reply|delete|transfer|approve|click|open|download|visit|grant|share|mark|add|schick|sende|leite|lösche|überweise|öffne)\w*\b",
    ANY,
)
INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\U000e0000-\U000e007f]")


def is_bulk(address: str, text: str, *, has_unsubscribe: bool, precedence: str) -> bool:
    """A newsletter or other mail to many."""
    if has_unsubscribe or precedence in {"bulk", "junk", "list"}:
        return True
    if BULK_SENDER.match(address.partition("@")[0]):
        return True
    return UNSUBSCRIBE.search(text) is not None


def is_no_reply(address: str) -> bool:
    """A sender that nobody reads behind."""
    return NO_REPLY.match(address) is not None


def is_notice(subject: str, text: str, *, is_calendar_reply: bool, auto_submitted: bool) -> bool:
    """An answer to an invitation, an absence, a failed delivery, or words that nothing is to be done."""
    if (
        is_calendar_reply
        or auto_submitted
        or CALENDAR_REPLY.match(subject)
        or AWAY.search(subject)
        or DELIVERY.search(subject)
    ):
        return True
    return NO_ACTION.search(text) is not None


def find_command(subject: str, text: str, hidden: str = "") -> str | None:
    """Why a mail is suspicious, with the line that shows it; None when it is not.

    It is when it speaks to an assistant or a machine, tries to set instructions aside, asks in secret for mails, files
    or passwords, hides commands from sight, threatens to close an account unless it is confirmed,
    asks for money in
    secret, or promises it from nowhere.
    """
    seen = _plain(f"{subject}\n\n{text}")
    secret = _plain(hidden)
    if found := ADDRESSED.search(seen):
        return _say("It speaks to the assistant instead of you", seen, found)
    if found := OVERRIDE.search(seen):
        return _say("It tries to set the assistant's instructions aside", seen, found)
    command = MAILBOX_COMMAND.search(seen)
    secrecy = SECRECY.search(seen)
    claimed = CLAIMED_LEAVE.search(seen)
    if command and (secrecy or claimed):
        return _say("It asks for something to be done behind your back", seen, command)
    if secrecy and (found := MONEY.search(seen)):
        return _say("It asks for money in secret", seen, found)
    if claimed and COMMANDS.search(seen, claimed.end()):
        return _say("It claims a permission that only you can give", seen, claimed)
    if found := re.search(
        rf"\b(?:send|forward|reply with|schick\w*|sende\w*|leite)\b[^.!?\n]{{0,80}}\b(?:{SECRETS})\b", seen, ANY
    ):
        return _say("It asks for passwords or keys", seen, found)
    if found := PHISHING.search(seen):
        return _say("It threatens to close an account unless it is confirmed", seen, found)
    if found := LURE.search(seen):
        return _say("It promises money from nowhere", seen, found)
    for pattern in (ADDRESSED, OVERRIDE, MAILBOX_COMMAND, LOOSELY_ADDRESSED):
        if (found := pattern.search(secret)) and (pattern is not LOOSELY_ADDRESSED or COMMANDS.search(secret)):
            return _say("It hides commands from sight", secret, found)
    return None


def _plain(text: str) -> str:
    return squeezed(INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:200_000])))


def _say(why: str, text: str, found: re.Match[str]) -> str:
    start = text.rfind("\n\n", 0, found.start()) + 1
    end = text.find("\n\n", found.end())
    passage = " ".join(text[start : end if end >= 0 else len(text)].split())
    words = " ".join(found[0].split())
    line = next((s for s in split_sentences(passage) if words[:40] in s), words)
    return f"{why}: “{line[:300]}”"
