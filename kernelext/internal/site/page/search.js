// SPDX-License-Identifier: Apache-2.0
// Searches the sections of all pages for those that hold every word; words in titles count more.
"use strict";
(() => {
  const form = document.querySelector("form[role=search]"), list = document.querySelector(".hits");
  const shown = form.querySelector("output"), field = form.elements.words;
  const pages = lateralIndex.map(e => ({...e, low: e.text.toLowerCase(), head: `${e.page} ${e.title}`.toLowerCase()}));
  const count = (text, word) => text.split(word).length - 1;
  const marked = (text, words) => {
    const parts = [], low = text.toLowerCase();
    for (let at = 0; at < text.length;) {
      const next = words.map(word => [low.indexOf(word, at), word]).filter(([i]) => i >= 0).sort((a, b) => a[0] - b[0])[0];
      if (!next) { parts.push(text.slice(at)); break; }
      const mark = document.createElement("mark");
      mark.textContent = text.slice(next[0], next[0] + next[1].length);
      parts.push(text.slice(at, next[0]), mark);
      at = next[0] + next[1].length;
    }
    return parts;
  };
  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = !words.length ? [] : pages.map(e => ({e, score: words.reduce((sum, word) => {
      const found = 10 * count(e.head, word) + count(e.low, word) / (1 + e.low.length / 2000);
      return found ? sum + found : NaN;
    }, 0)})).filter(hit => hit.score > 0).sort((a, b) => b.score - a.score);
    shown.textContent = words.length ? `${hits.length} sections` : "";
    list.replaceChildren(...hits.slice(0, 40).map(({e}) => {
      const item = document.createElement("li"), to = document.createElement("a"), text = document.createElement("p");
      to.href = e.at;
      to.textContent = e.title == e.page ? e.page : `${e.page}: ${e.title}`;
      const at = Math.max(0, e.low.indexOf(words.find(word => e.low.includes(word)) ?? "") - 60);
      text.append(...marked(e.text.slice(at, at + 240), words));
      item.append(to, text);
      return item;
    }));
    history.replaceState(null, "", words.length ? `#${encodeURIComponent(field.value)}` : "#");
  };
  form.addEventListener("input", search);
  form.addEventListener("submit", event => event.preventDefault());
  if (location.hash.length > 1) field.value = decodeURIComponent(location.hash.slice(1));
  search();
})();
