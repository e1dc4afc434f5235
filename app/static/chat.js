// The chat box: the reply is written while it comes. Without this the form posts and the page shows the whole turn.
"use strict";
(() => {
  const line = (cls, text, before) => {
    const made = document.createElement("p");
    made.className = cls;
    made.textContent = text;
    before.parentNode.insertBefore(made, before);
    return made;
  };
  const events = async function* (response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const parts = rest.split("\n\n");
      rest = parts.pop();
      for (const part of parts) {
        const name = /^event: (.+)$/m.exec(part);
        const data = /^data: (.+)$/m.exec(part);
        if (name && data) yield [name[1], JSON.parse(data[1])];
      }
    }
  };
  const send = async (form) => {
    const box = form.querySelector("textarea");
    const message = box.value.trim();
    const button = form.querySelector("button");
    const body = { message };
    const conversation = form.querySelector("[name=conversation_id]");
    if (conversation) body.conversation_id = conversation.value;
    line("said", message, form);
    const answer = line("answer", "…", form);
    answer.setAttribute("aria-live", "polite");
    button.disabled = true;
    let problem = null;
    try {
      const response = await fetch("/api/chat", {
        method: "POST",
        headers: { Accept: "text/event-stream", "Content-Type": "application/json", "X-CSRF-Token": form.querySelector("[name=csrf_token]").value },
        body: JSON.stringify(body),
      });
      if (!response.ok) problem = await response.json();
      else {
        let said = "";
        for await (const [name, data] of events(response)) {
          if (name === "reply") answer.textContent = said += data.delta;
          if (name === "problem") problem = data;
          if (name === "done") { location.assign("/?conversation=" + data.conversation_id); return; }
        }
      }
    } catch { problem = { detail: "The line broke. Your words are still in the box." }; }
    answer.remove();
    const notice = line("notice bad", (problem && problem.detail) || "No answer came. Your words are still in the box.", form);
    notice.setAttribute("role", "alert");
    button.disabled = false;
  };
  document.addEventListener("submit", (event) => {
    const form = event.target.closest && event.target.closest("form.chat");
    if (!form) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.querySelector("textarea").value.trim() && !form.querySelector("button").disabled) send(form);
  }, true);
})();
