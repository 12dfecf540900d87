// SPDX-License-Identifier: Apache-2.0
// Shows the rows of a table that hold all words and have the chosen attributes.
"use strict";
for (const form of document.querySelectorAll("form[data-filter]")) {
  const rows = [...document.querySelectorAll(`${form.dataset.filter} tbody tr`)], fields = [...form.elements];
  const texts = rows.map(row => row.textContent.toLowerCase()), shown = form.querySelector("output");
  for (const verdict of new Set(rows.map(row => row.dataset.verdict).filter(Boolean))) {
    form.elements.verdict.append(new Option(verdict, verdict));
  }
  const filter = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, i) => {
      const fits = words.every(word => texts[i].includes(word)) && fields.every(field =>
        field.tagName != "SELECT" || !field.value || row.dataset[field.name] == field.value);
      row.hidden = !fits;
      count += fits;
    });
    shown.textContent = `${count} of ${rows.length} rows`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", event => event.preventDefault());
  filter();
}
