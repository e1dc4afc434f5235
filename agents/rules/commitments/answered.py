"""Does a mail of the person's own answer, or does it only say that an answer comes? Pure."""

from datetime import datetime

from agents.rules.commitments.finding import find_promises
from agents.rules.commitments.settling import COURTESY, FEW_WORDS, PUT_OFF
from agents.rules.mail_text import read_mail_text


def answers(text: str, sent_at: datetime, *, has_files: bool, is_automatic: bool) -> bool:
    """`text` is the new part of the mail, `sent_at` in the person's zone. Mere thanks and mere promises answer nothing."""
    if is_automatic:
        return False
    if has_files:
        return True
    said = [one.text for one in read_mail_text(text).sentences]
    words = " ".join(said)
    is_short = len(words.split()) <= FEW_WORDS
    if not said or (is_short and (COURTESY.match(words) or PUT_OFF.search(words))):
        return False
    return not (find_promises(text, sent_at) and len(said) <= 2)
