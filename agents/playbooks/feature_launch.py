"""The playbook for launching a feature: tickets, reviews and tests, staging, smoke tests, a person's yes, production, watching, telling."""

import re

from agents.playbooks.playbook import Playbook, Step, Use

DEPLOY_SECONDS = 7200

PLAYBOOK = Playbook(
    name="feature_launch",
    title="Feature launch",
    names=frozenset({"feature-launch", "launch", "release", "deployment", "rollout"}),
    fields=frozenset({"engineering", "software", "product", "development", "it", "technology", "devops"}),
    words=re.compile(
        r"\b(?:launch|ship|release|deploy|roll(?:ing)?[ -]?out)\w*\b.*\b(?:features?|version|service|app|api|update|software|product\w*|v?\d+\.\d+)\b"
        r"|\b(?:feature|release|rollout|deployment)\b.*\b(?:launch\w*|ship\w*|production|prod|live|teams?)\b"
        r"|\b(?:funktion|feature|version|update|dienst|app)\w*\b.*\b(?:veröffentlich\w*|ausroll\w*|einführ\w*|ausliefer\w*|live)\b"
        r"|\b(?:veröffentlich\w*|ausroll\w*|einführ\w*|liefer\w*|starte\w*)\b.*\b(?:funktion|feature|version|update|dienst|app)\w*\b",
        re.IGNORECASE | re.DOTALL,
    ),
    steps=(
        Step(
            "ticket",
            "Create a Jira ticket$of_each",
            "Jira-Ticket anlegen$of_each",
            "A ticket for the work on “$subject”, so that every team has its share on its board.",
            "Product manager",
            minutes=5,
            criteria=("The ticket is there and names the objective",),
            each="teams",
            uses=(
                Use(
                    "jira_ticket",
                    {
                        "action": "create",
                        "project": "$jira_project",
                        "summary": "$subject$of_each",
                        "description": "$details",
                        "due_on": "$deadline_day",
                    },
                    needs=("jira_project",),
                ),
            ),
        ),
        Step(
            "verify",
            "Verify that code reviews and tests pass",
            "Prüfen, ob Code-Reviews und Tests bestanden sind",
            "What is launched has been reviewed, and all its checks have passed.",
            "Engineering lead",
            after=("ticket",),
            minutes=15,
            criteria=("At least one reviewer has approved, nobody wants changes", "Every check has passed"),
            risk="medium",
            uses=(
                Use(
                    "github_check",
                    {
                        "repository": "$repository",
                        "pull_request": "$pull_request",
                        "expect": ["checks", "approval"],
                    },
                    needs=("repository", "pull_request"),
                ),
                Use(
                    "github_check",
                    {"repository": "$repository", "ref": "$ref", "expect": ["checks"]},
                    needs=("repository", "ref"),
                ),
            ),
        ),
        Step(
            "deploy_staging",
            "Deploy to staging",
            "Auf Staging ausrollen",
            "Exactly what was verified is deployed to the staging environment.",
            "Release engineer",
            after=("verify",),
            minutes=20,
            criteria=("The pipeline reports success", "Staging runs what was verified"),
            risk="medium",
            uses=(
                Use(
                    "cicd_webhook",
                    {
                        "pipeline": "$pipeline",
                        "parameters": {"environment": "$environment_staging", "ref": "$verify.sha"},
                        "deadline_seconds": DEPLOY_SECONDS,
                    },
                    needs=("pipeline",),
                ),
            ),
        ),
        Step(
            "smoke",
            "Run smoke tests$of_each",
            "Smoke-Tests ausführen$of_each",
            "The most important paths answer as they should on staging.",
            "Quality engineer",
            after=("deploy_staging",),
            minutes=15,
            criteria=("Every address that is asked answers without an error",),
            each="smoke_urls",
            uses=(Use("http_get", {"url": "$each"}, needs=("smoke_url",)),),
        ),
        Step(
            "gate",
            "Approve the deployment to production",
            "Ausrollen auf Produktion freigeben",
            "Reviews, tests, staging and smoke tests are done. Nothing reaches production before the stakeholders' sign-off.",
            "Stakeholder",
            after=("smoke",),
            minutes=10,
            criteria=("A person has said yes, having seen what was tested",),
            risk="high",
            asks="Deploy to production: $subject?",
        ),
        Step(
            "deploy_production",
            "Deploy to production",
            "Auf Produktion ausrollen",
            "Exactly what ran on staging is deployed to production.",
            "Release engineer",
            after=("gate",),
            minutes=20,
            criteria=("The pipeline reports success", "A way back is known and has been tried"),
            risk="high",
            uses=(
                Use(
                    "cicd_webhook",
                    {
                        "pipeline": "$pipeline",
                        "parameters": {"environment": "$environment_production", "ref": "$verify.sha"},
                        "deadline_seconds": DEPLOY_SECONDS,
                    },
                    needs=("pipeline",),
                ),
            ),
        ),
        Step(
            "settle",
            "Let production run for a while",
            "Produktion eine Weile laufen lassen",
            "What goes wrong slowly is seen only after a while.",
            "Release engineer",
            after=("deploy_production",),
            minutes=1,
            criteria=("Nobody changed production meanwhile",),
            only_with=("monitor_seconds",),
            uses=(Use("delay", {"seconds": "$monitor_seconds"}),),
        ),
        Step(
            "monitor",
            "Monitor production",
            "Produktion überwachen",
            "Errors, response times and the health of the service are as before, or better.",
            "On-call engineer",
            after=("settle",),
            minutes=30,
            criteria=("The service is healthy after the deployment",),
            risk="medium",
            uses=(Use("http_get", {"url": "$health_url"}, needs=("health_url",)),),
        ),
        Step(
            "notify",
            "Notify the stakeholders",
            "Die Beteiligten benachrichtigen",
            "Everybody who waits for it learns that it is live.",
            "Product manager",
            after=("monitor",),
            minutes=10,
            criteria=("Every stakeholder has been told",),
            uses=(
                Use(
                    "email_send",
                    {
                        "to": "$stakeholders",
                        "subject": "Live: $subject",
                        "body": "Hello,\n\n“$subject” has been deployed to production and checked there.\nTickets: $ticket.key\n",
                    },
                    needs=("stakeholders", "ticket.key"),
                    german={
                        "body": "Guten Tag,\n\n„$subject“ ist auf Produktion ausgerollt und dort geprüft.\nTickets: $ticket.key\n"
                    },
                ),
                Use(
                    "email_send",
                    {
                        "to": "$stakeholders",
                        "subject": "Live: $subject",
                        "body": "Hello,\n\n“$subject” has been deployed to production and checked there.\n",
                    },
                    needs=("stakeholders",),
                    german={"body": "Guten Tag,\n\n„$subject“ ist auf Produktion ausgerollt und dort geprüft.\n"},
                ),
            ),
        ),
        Step(
            "notify_slack",
            "Tell the channel",
            "Den Kanal benachrichtigen",
            "The same in Slack.",
            "Product manager",
            after=("monitor",),
            minutes=5,
            criteria=("The message is in the channel",),
            only_with=("slack_channel",),
            uses=(
                Use(
                    "slack_notification",
                    {
                        "channel": "$slack_channel",
                        "text": "Live: $subject has been deployed to production and checked there.",
                    },
                    needs=("slack_channel",),
                    german={"text": "Live: $subject ist auf Produktion ausgerollt und dort geprüft."},
                ),
            ),
        ),
    ),
)
