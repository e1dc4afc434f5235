// Keys, the chat box, copy buttons, the browser's time zone. Nothing here is needed: every key has a button, every button a form.
"use strict";
(() => {
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const current = () => document.querySelector("[data-row].current") || (document.activeElement && document.activeElement.closest("[data-row]"));
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
    all.forEach((row) => row.classList.toggle("current", row === next));
    (next.querySelector("a, button") || next).focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const press = (what) => { const row = current(); const button = row && row.querySelector(`[data-key="${what}"]`); if (button) { if (button.matches("[data-focus-only]")) button.focus(); else button.click(); } };
  let goes = 0;
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (at.matches && at.matches("textarea[data-send]") && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (at.value.trim()) at.form.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (at.matches && at.matches("input:not([type=checkbox]), textarea, select")) { if (event.key === "Escape") at.blur(); return; }
    if (document.querySelector("dialog[open]")) return;
    if (goes && Date.now() - goes < 1200) {
      const page = { t: "/tasks", r: "/review", p: "/plans", a: "/agents", h: "/" }[event.key];
      goes = 0;
      if (page) { location.href = page; return; }
    }
    const actions = {
      j: () => move(1), k: () => move(-1), e: () => press("e"), c: () => press("c"), a: () => press("a"), r: () => press("r"),
      x: () => { const box = current() && current().querySelector("input[type=checkbox]"); if (box) { box.checked = !box.checked; box.dispatchEvent(new Event("change", { bubbles: true })); } },
      g: () => { goes = Date.now(); },
      n: () => { const box = document.querySelector("[data-new]"); if (box) box.focus(); },
      "/": () => { const box = document.querySelector("input[type=search]"); if (box) box.focus(); else location.href = "/tasks#search"; },
      "?": () => document.getElementById("help").showModal(),
    };
    if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
  });
  document.addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]");
    if (example) { event.preventDefault(); const box = document.querySelector("textarea[data-send]"); box.value = example.textContent.trim(); box.focus(); }
    const copy = event.target.closest("[data-copy]");
    if (copy) { navigator.clipboard.writeText(document.querySelector(copy.dataset.copy).innerText); copy.textContent = "Copied"; }
  });
  const browserZone = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    document.querySelectorAll("[data-browser-zone]").forEach((part) => {
      if (part.matches("input")) { part.value = zone; return; }
      const field = part.form.elements.timezone;
      part.querySelector("span").textContent = zone;
      part.hidden = (field.value || field.placeholder) === zone;
      part.onclick = () => { field.value = zone; part.hidden = true; field.focus(); };
    });
  };
  browserZone();
  document.addEventListener("htmx:load", browserZone);
  document.addEventListener("submit", (event) => {
    const asks = event.submitter && event.submitter.dataset.confirm;
    if (asks && !confirm(asks)) { event.preventDefault(); event.stopImmediatePropagation(); }
  }, true);
})();
