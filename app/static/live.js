// Live pages: one stream of events; each event has the page's live parts fetched again. Without it, a reload shows the same.
"use strict";
(() => {
  let source = null;
  let last = null;
  let timer = null;

  const busy = () => {
    const at = document.activeElement;
    const typing = at && at.closest && at.closest("#live") && at.matches("input:not([type=checkbox]), textarea, select");
    return typing || document.querySelector("#live details[open] form") || document.querySelector("#live input[type=checkbox]:checked");
  };
  const changed = () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = null;
      if (busy()) return changed();
      htmx.trigger(document.body, "tasks-changed");
    }, 250);
  };
  const follow = () => {
    if (source || !document.querySelector(".rail")) return;
    source = new EventSource("/api/events?tail=true" + (last ? "&after=" + last : ""));
    source.addEventListener("open", changed); // something may have happened between the page and the stream
    source.addEventListener("task", (event) => { last = event.lastEventId; changed(); });
    source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) { source = null; setTimeout(follow, 3000); } });
  };
  document.addEventListener("DOMContentLoaded", follow);
  addEventListener("pagehide", () => { if (source) { source.close(); source = null; } });
  addEventListener("pageshow", (event) => { if (event.persisted) { follow(); changed(); } });
})();
