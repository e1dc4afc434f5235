"""The tools that every installation has."""

from collections.abc import Mapping

from agents.playbooks.document.running import PLAN_STAGE
from agents.tools.agent_interrupt import AGENT_INTERRUPT
from agents.tools.browser import BROWSER_TOOLS
from agents.tools.calendar import CALENDAR_TOOLS
from agents.tools.cicd import CICD_TOOLS
from agents.tools.control import CONTROL_TOOLS
from agents.tools.database import DATABASE_TOOLS
from agents.tools.files import FILE_TOOLS
from agents.tools.github import GITHUB_TOOLS
from agents.tools.http import HTTP_TOOLS
from agents.tools.jira import JIRA_TOOLS
from agents.tools.mail import MAIL_TOOLS
from agents.tools.notify import NOTIFY_TOOLS
from agents.tools.outside_agent import OUTSIDE_AGENT
from agents.tools.plan_report import PLAN_TOOLS
from agents.tools.records import RECORD_TOOLS
from agents.tools.slack import SLACK_TOOLS
from agents.tools.tool import AnyTool
from agents.tools.transform import TRANSFORM_TOOLS
from agents.tools.web import WEB_TOOLS

BUILT_IN_TOOLS: Mapping[str, AnyTool] = {
    tool.name: tool
    for tool in (
        *CONTROL_TOOLS,
        *BROWSER_TOOLS,
        *CALENDAR_TOOLS,
        *MAIL_TOOLS,
        *SLACK_TOOLS,
        *WEB_TOOLS,
        *HTTP_TOOLS,
        *DATABASE_TOOLS,
        *TRANSFORM_TOOLS,
        *FILE_TOOLS,
        *RECORD_TOOLS,
        *JIRA_TOOLS,
        *GITHUB_TOOLS,
        *CICD_TOOLS,
        *PLAN_TOOLS,
        *NOTIFY_TOOLS,
        PLAN_STAGE,
        OUTSIDE_AGENT,
        AGENT_INTERRUPT,
    )
}
