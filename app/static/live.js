// Live pages: one stream of events; each event has the page's live parts fetched again. Without it, a reload shows the same.
"use strict";
(() => {
  let source = null;
  let last = null;
  let timer = null;
  let begun = null;
  let pause = 250; // milliseconds; longer where the page takes long to make
  const live = () => document.getElementById("live");

  // Nothing is swapped under somebody's hands: while they press, write, or have changed something and not sent it.
  let isPressed = false; // the click comes after it, and is lost where what lay below it is gone
  addEventListener("pointerdown", () => { isPressed = true; }, true);
  for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => setTimeout(() => { isPressed = false; }));
  const isChanged = (field) =>
    field.matches("select") ? [...field.options].some((option) => option.selected !== option.defaultSelected) && field.value !== (field.querySelector("option[selected]") || field.options[0] || {}).value
      : field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  const busy = () => {
    if (isPressed) return true;
    if (document.querySelector("#live[data-hold]")) return true; // a form that came back: what was typed, and what is wrong with it
    const at = document.activeElement;
    if (at && at.closest && at.closest("#live") && at.matches("input:not([type=checkbox]), textarea, select")) return true;
    return [...document.querySelectorAll("#live :is(input:not([type=hidden]), textarea, select)")].some(isChanged);
  };
  const changed = () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = null;
      if (busy() || document.querySelector(".htmx-request")) return changed();
      begun = performance.now();
      htmx.trigger(document.body, "tasks-changed");
    }, pause);
  };

  // What was asked for before somebody began to type comes too late: it is asked for again when they are done.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = event.detail;
    const isOwn = requestConfig && requestConfig.triggeringEvent && requestConfig.triggeringEvent.type === "tasks-changed";
    if (isOwn && target && target.id === "live" && busy()) {
      event.detail.shouldSwap = false;
      changed();
    }
  });

  // The notice of a line that is down. It is outside of what is swapped.
  let isDown = false;
  const tell = (words = "Reconnecting …") => {
    const notice = document.getElementById("offline");
    if (notice) { notice.hidden = !isDown; notice.textContent = words; }
  };
  // A form sent while nobody is there would lead to the browser's own error page, away from what is open here.
  let isSure = false;
  document.addEventListener("submit", (event) => {
    if (!isDown || isSure) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { target, submitter } = event;
    fetch("/healthz", { cache: "no-store" })
      .then(() => { isSure = true; target.requestSubmit(submitter); }) // only the stream is down
      .catch(() => tell("Reconnecting … nothing was sent: try again then"))
      .finally(() => { isSure = false; });
  }, true);
  // Where nothing can be streamed, each answer ends with `polled`, and the browser asks again after the last id by itself.
  let isPolled = false, isOver = false;
  // Refused, as where too many are open: the page is asked for now and then, the stream less and less often.
  const SOON = 1500, SELDOM = 30000; // milliseconds
  let wait = SOON;
  const follow = () => {
    if (source || !document.querySelector(".rail")) return;
    source = new EventSource("/api/events?tail=true" + (last ? "&after=" + last : ""));
    source.addEventListener("open", () => {
      if (!isPolled || isDown) changed(); // something may have happened between the page and the stream
      isDown = false;
      wait = SOON;
      tell();
    });
    source.addEventListener("task", (event) => { last = event.lastEventId; changed(); });
    source.addEventListener("polled", () => { isPolled = isOver = true; });
    source.addEventListener("error", () => {
      if (isOver && source && source.readyState === EventSource.CONNECTING) { isOver = false; return; } // it ended as announced
      isDown = true;
      tell();
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        if (wait > SOON) changed();
        setTimeout(follow, wait);
        wait = Math.min(2 * wait, SELDOM);
      }
    });
  };
  document.addEventListener("DOMContentLoaded", follow);
  // While a form is off, what parts are told counts no more: a refusal leads elsewhere, and would overtake the form.
  let isOff = false;
  addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method === "dialog") return;
    isOff = true;
    setTimeout(() => { isOff = false; changed(); }, 10000); // nothing came of it
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => { if (isOff) event.preventDefault(); });
  addEventListener("pagehide", () => { if (source) { source.close(); source = null; isDown = false; } });
  addEventListener("pageshow", (event) => { if (event.persisted) { isOff = false; follow(); changed(); } });
  document.addEventListener("htmx:afterSettle", () => {
    tell();
    if (begun) pause = Math.min(5000, Math.max(250, 2 * (performance.now() - begun)));
    begun = null;
  });

  // Of lines that are read, the first in sight; whoever is at the newest follows it. A line that still grows moves.
  const below = (at, part) => at.getBoundingClientRect().top - part.getBoundingClientRect().top;
  const read = (part) => {
    if (!part.matches("[data-keep-lines]") || part.scrollTop < 4) return null;
    const line = [...part.querySelectorAll("[id]:not(.output)")].find((at) => below(at, part) >= 0);
    return line ? [line.id, below(line, part)] : null;
  };
  // A wide graph opens where the work is.
  const showWork = () => {
    const graph = document.querySelector("#graph:not([data-shown])");
    if (!graph) return;
    graph.dataset.shown = "";
    const box = graph.querySelector(":is(rect, .box):is(.in_progress, .queued, .blocked, .paused, .failed)");
    if (box && graph.scrollWidth > graph.clientWidth) graph.scrollLeft = box.getBBox().x - graph.clientWidth / 3;
  };
  document.addEventListener("DOMContentLoaded", showWork);
  document.addEventListener("htmx:afterSettle", showWork);

  // What is open, where one has scrolled to and what has the focus stays so across a swap.
  const name = (at) => at.id || [at.tagName, at.getAttribute("href"), at.name, at.value, at.form && at.form.getAttribute("action")].join(" ");
  let kept = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const detail = event.detail;
    if (detail.xhr.status >= 400) detail.shouldSwap = Boolean(detail.boosted); // a problem is a page of its own, never a part
    if (!live() || detail.target !== live() || !detail.shouldSwap) { kept = null; return; }
    const at = document.activeElement;
    kept = {
      open: [...live().querySelectorAll("details[id]")].map((part) => [part.id, part.open]),
      scrolled: [...live().querySelectorAll("[data-keep-scroll]")].map((part) => [part.id, part.scrollLeft, part.scrollTop, read(part)]),
      focus: at && live().contains(at) ? name(at) : null,
    };
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (!kept || !live()) return;
    const { open, scrolled, focus } = kept;
    kept = null;
    for (const [id, is] of open) { const part = document.getElementById(id); if (part) part.open = is; }
    for (const [id, left, top, line] of scrolled) {
      const part = document.getElementById(id);
      if (!part) continue;
      part.dataset.shown = "";
      part.scrollLeft = left;
      part.scrollTop = top;
      const again = line && document.getElementById(line[0]);
      if (again) part.scrollTop += below(again, part) - line[1];
    }
    if (focus && document.activeElement === document.body) {
      const again = [...live().querySelectorAll("a, button, summary, [tabindex]")].find((at) => name(at) === focus);
      if (again) again.focus({ preventScroll: true });
    }
  });
})();
