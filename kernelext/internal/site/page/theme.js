// SPDX-License-Identifier: Apache-2.0
// Shows pages in the light or dark colours of the system until the reader chooses, and then as chosen on every page.
// Who goes back to the system's colours follows the system again.
"use strict";
(() => {
  const key = "lateral-theme", system = matchMedia("(prefers-color-scheme: dark)");
  const media = {light: {light: "all", dark: "not all"}, dark: {light: "print", dark: "screen"}};
  let chosen = null;
  const remembered = () => {
    try { chosen = localStorage.getItem(key); } catch { /* a browser that keeps nothing */ }
    if (!media[chosen]) chosen = null;
  };
  const dark = () => (chosen ?? (system.matches ? "dark" : "light")) == "dark";
  const apply = () => {
    for (const sheet of document.querySelectorAll("[data-scheme]")) {
      sheet.dataset.media ??= sheet.media;
      sheet.media = chosen ? media[chosen][sheet.dataset.scheme] : sheet.dataset.media;
    }
    document.documentElement.style.colorScheme = chosen ?? "";
    const button = document.querySelector("button.theme");
    if (button) {
      const other = dark() ? "light" : "dark";
      button.hidden = false;
      button.textContent = other == "dark" ? "Dark" : "Light";
      button.title = `Show pages in ${other} colours`;
      button.setAttribute("aria-label", button.title);
    }
    window.dispatchEvent(new Event("lateral-theme"));
  };
  const choose = () => {
    chosen = dark() ? "light" : "dark";
    if (chosen == (system.matches ? "dark" : "light")) chosen = null;
    try {
      if (chosen) localStorage.setItem(key, chosen); else localStorage.removeItem(key);
    } catch { /* the choice holds for this page */ }
    apply();
  };
  remembered();
  apply();
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("button.theme")?.addEventListener("click", choose);
    apply();
  });
  system.addEventListener("change", apply);
  for (const event of ["storage", "pageshow"]) window.addEventListener(event, () => { remembered(); apply(); });
})();
