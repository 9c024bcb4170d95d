// What the console does in the browser besides htmx: times in the reader's zone, and countdowns. Pages work without it.
"use strict";
(() => {
  document.documentElement.classList.add("js");
  const forms = {
    minute: { dateStyle: "medium", timeStyle: "short" },
    second: { timeStyle: "medium" },
    day: { dateStyle: "full" },
  };
  const today = { timeStyle: "short" };

  function localise(root) {
    for (const time of root.querySelectorAll("time[data-local]:not([title])")) {
      const moment = new Date(time.dateTime);
      if (isNaN(moment)) continue;
      time.title = time.textContent;
      const form = time.dataset.local;
      const isToday = form === "minute" && moment.toDateString() === new Date().toDateString();
      time.textContent = new Intl.DateTimeFormat(undefined, isToday ? today : forms[form]).format(moment);
    }
    tick();
  }

  function tick() {
    for (const clock of document.querySelectorAll("[data-countdown]")) {
      const left = Math.max(0, Math.floor((new Date(clock.dataset.countdown) - Date.now()) / 1000));
      const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
      const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
      if (clock.textContent !== text) clock.textContent = text;
    }
  }

  // The log keeps its newest lines, and stands still while somebody reads.
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    const pause = document.getElementById("pause");
    if (event.target.id === "log" && pause && pause.checked) event.preventDefault();
  });
  document.addEventListener("htmx:sseMessage", (event) => {
    const part = event.target;
    if (!part.dataset) return;
    localise(part); // before anybody sees it
    if (!part.dataset.most) return;
    for (const none of part.querySelectorAll(".none:last-child")) none.remove();
    while (part.children.length > Number(part.dataset.most)) part.lastElementChild.remove();
  });

  document.addEventListener("DOMContentLoaded", () => {
    localise(document);
    setInterval(tick, 1000);
  });
  document.addEventListener("htmx:load", (event) => localise(event.detail.elt.parentElement || document));
})();
