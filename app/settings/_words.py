"""What the settings page says of sign-ins that did not come to their end. The page takes a code, never a text."""

from collections.abc import Mapping

PROBLEMS: Mapping[str, str] = {
    "not_set_up": "Google is not set up in this installation yet. Set STEWARD_GOOGLE_CLIENT_ID and "
    "STEWARD_GOOGLE_CLIENT_SECRET, as docs/guide/google.md shows, and start Steward again.",
    "no_permission": "Nothing was chosen to be allowed. Use one of the buttons below.",
    "denied": "You said no at Google, so nothing was connected. Nothing was changed either.",
    "nothing_allowed": "You signed in, but allowed nothing of what was asked. Connect again and tick what Steward may do.",
    "missing": "Google sent you back without what belongs to this sign-in. Begin again below.",
    "unknown": "This sign-in is not known here. Begin again below.",
    "used": "This sign-in was finished already. If the account is not listed below, begin again.",
    "expired": "This sign-in took longer than ten minutes. Begin again below.",
    "foreign": "This sign-in was begun in another browser or by somebody else, so it was refused. Begin again here.",
    "wrong_client": "Google does not know this installation: its client ID or secret is wrong. Compare "
    "STEWARD_GOOGLE_CLIENT_ID and STEWARD_GOOGLE_CLIENT_SECRET with Google Cloud's console.",
    "refused": "Google did not accept the sign-in. Begin again; if it stays so, the log of Steward says why.",
    "google_error": "Google reported an error instead of a sign-in. Begin again in a minute.",
    "out_of_reach": "Google could not be reached to finish the sign-in. Begin again in a minute.",
    "slack_not_set_up": "Slack cannot be connected by a button in this installation yet. Set STEWARD_SLACK_CLIENT_ID and "
    "STEWARD_SLACK_CLIENT_SECRET, as docs/guide/slack.md shows, and start Steward again.",
    "slack_unknown": "This installation of the Slack app was not begun in this browser within the last ten minutes, or was "
    "finished already. Begin again below.",
    "slack_denied": "You said no at Slack, so nothing was connected.",
    "slack_refused": "Slack did not accept the installation. Begin again; if it stays so, the log of Steward says why.",
    "slack_taken": "The workspace is connected, but your Slack user is linked to somebody else here. Say /steward unlink in "
    "Slack, then connect again.",
    "slack_out_of_reach": "Slack could not be reached to finish the installation. Begin again in a minute.",
}
