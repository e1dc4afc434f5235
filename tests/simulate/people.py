"""Who is in the made-up month, and what they speak of."""

from dataclasses import dataclass
from typing import Literal

from core.outside.mail import MailAddress

OWNER = MailAddress("robin@vega.example", "Robin Vega")
Language = Literal["en", "de"]


@dataclass(frozen=True)
class Somebody:
    """A person who writes and is invited."""

    name: str
    address: str

    @property
    def first(self) -> str:
        return self.name.split()[0]

    @property
    def mail(self) -> MailAddress:
        return MailAddress(self.address, self.name)


COLLEAGUES = tuple(
    Somebody(name, f"{name.split()[0].lower()}@vega.example")
    for name in ("Priya Nair", "Omar Haddad", "Lena Fox", "Jonas Weber", "Aylin Kaya", "Ben Stone", "Chiara Rossi")
)
OUTSIDE = (
    Somebody("Dana Ortiz", "dana@northwind.example"),
    Somebody("Sam Lee", "sam@acme.example"),
    Somebody("Mia Berg", "mia.berg@bergbau.example"),
    Somebody("Tom Hale", "tom@halepartners.example"),
    Somebody("Nora Lind", "nora@lindwerk.example"),
    Somebody("Paul Roth", "paul.roth@rothagentur.example"),
    Somebody("Ines Vidal", "ines@vidal.example"),
)
EVERYBODY = COLLEAGUES + OUTSIDE
WRITE_DAILY = (COLLEAGUES[0], COLLEAGUES[5], OUTSIDE[0])  # about this and that
SUBJECTS = (
    "the onboarding guide", "the budget for May", "the supplier list", "the new price list", "the trade fair stand",
    "the support rota", "the data export", "the contract draft", "the office move", "the product photos",
    "the test environment", "the quarterly figures", "the travel plan", "the training days", "the beta feedback",
    "the invoice layout", "the partner page", "the safety audit", "the delivery dates", "the hiring plan",
    "the user survey", "the warranty text", "the release notes", "the packaging", "the maintenance window",
)  # fmt: skip
SUBJECTS_DE = (
    "die Lieferantenliste", "das Budget für Mai", "die Preisliste", "das Angebot", "die Urlaubsplanung", "die Messefotos",
    "das Handbuch", "die Testdaten", "die Reisekosten", "die Schulungstage", "das Konzept", "die Umfrage",
)  # fmt: skip
VAGUE = ("Quick one", "A question", "Hello again", "Before I forget", "From yesterday", "One more thing")
VAGUE_DE = ("Kurze Frage", "Noch etwas", "Kurz vor Feierabend", "Von gestern", "Nachtrag")
MEETINGS = (
    "Budget review", "Roadmap session", "Design review", "Supplier check", "Hiring round", "Release planning",
    "Pricing workshop", "Support review", "Data migration", "Fair preparation", "Security review", "Campaign kick-off",
    "Vendor selection", "Process workshop", "Retrospective", "Quality circle", "Launch planning", "Partner review",
)  # fmt: skip
MEETINGS_DE = (
    "Budgetrunde",
    "Planung Messe",
    "Abstimmung Preise",
    "Vertriebsrunde",
    "Projektstand Umzug",
    "Jahresplanung",
)
