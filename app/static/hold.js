// What leaves by itself shows how long it can still be undone. Without it, the time when it leaves stands there.
"use strict";
(() => {
  const begun = new WeakMap();
  const tick = () => {
    for (const at of document.querySelectorAll("[data-leaves]")) {
      if (!begun.has(at)) begun.set(at, performance.now() + 1000 * Number(at.dataset.leaves));
      const left = Math.max(0, Math.ceil((begun.get(at) - performance.now()) / 1000));
      const clock = [left >= 3600 ? Math.floor(left / 3600) : null, Math.floor((left % 3600) / 60), left % 60];
      const words = clock.filter((part) => part !== null).map((part, place) => (place ? String(part).padStart(2, "0") : part)).join(":");
      at.textContent = left ? "in " + words : "now";
    }
  };
  document.addEventListener("DOMContentLoaded", tick);
  document.addEventListener("htmx:afterSwap", tick);
  setInterval(tick, 1000);
})();
