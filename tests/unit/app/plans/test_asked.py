import pytest

from app._plans.forms import DocumentRequest, ObjectiveRequest
from app.plans._asked import PlanForm


def test_a_form_becomes_a_request() -> None:
    form = PlanForm.of(
        {
            "objective": " Launch it ",
            "stakeholders": "pm@company.com, eng@company.com\r\npm@company.com",
            "constraints": "No downtime\r\n\r\nWithin budget",
            "resources": "budget_eur: 20000\nslack_channel: #launch\nrate: 1.5\nsite: https://example.com:8443/a",
            "deadline": "2026-12-24",
            "notes": "Überraschung 🎉",
        }
    )
    asked = form.as_objective(start=False)
    assert isinstance(asked, ObjectiveRequest)
    assert (asked.objective, asked.start) == ("Launch it", False)
    assert asked.context.stakeholders == ["pm@company.com", "eng@company.com"]
    assert asked.context.constraints == ["No downtime", "Within budget"]
    assert asked.context.resources == {
        "budget_eur": 20000,
        "slack_channel": "#launch",
        "rate": 1.5,
        "site": "https://example.com:8443/a",
    }
    assert isinstance(PlanForm(mode="document", prompt="A shop").as_document(start=True), DocumentRequest)


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"objective": "  "}, "objective", "it is empty"),
        ({"objective": "x" * 10_001}, "objective", "at most 10000"),
        ({"objective": "x", "resources": "twenty"}, "resources", "a name, a colon and a value"),
        ({"objective": "x", "deadline": "soon"}, "deadline", "a day like"),
        ({"objective": "x", "priority": "huge"}, "priority", "allowed: critical, high, medium, low"),
        ({"objective": "x", "stakeholders": "a@b.c\n" + "y" * 400}, "stakeholders", "entry 2: "),
        ({"mode": "document", "prompt": ""}, "prompt", "it is empty"),
        ({"mode": "document", "prompt": "x", "level": "all"}, "level", "allowed: ping_llm"),
        ({"mode": "document", "prompt": "x", "llm_model": "a\nb"}, "llm_model", "printable"),
    ],
    ids=["empty", "long", "resources", "deadline", "priority", "entry", "prompt", "level", "model"],
)
def test_what_is_wrong_is_named_by_its_field(typed: dict[str, str], field: str, says: str) -> None:
    form = PlanForm.of(typed)
    wrong = form.as_document(start=True) if form.mode == "document" else form.as_objective(start=True)
    assert isinstance(wrong, PlanForm)
    assert says in wrong.errors[field]
    assert getattr(wrong, field) == typed.get(field, "")
