// A link out of the project's mail may land here with a session, or an error, behind a #: nothing of it is used, it goes out of
// the address bar, and where the page has a line for it that line is shown.
"use strict";
(() => {
  const behind = new URLSearchParams(location.hash.slice(1));
  if (!behind.has("access_token") && !behind.has("error")) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  const lines = { signup: "confirmed", email_change: "confirmed", invite: "invited" };
  const what = behind.has("error") ? "refused" : lines[behind.get("type")] ?? "other";
  const line = document.querySelector(`#landed [data-landed="${what}"]`);
  if (!line) return;
  line.hidden = false;
  for (const at of document.querySelectorAll("[data-not-landed]")) at.hidden = true;
})();
