// Plan: names open cards; rows of creatives that do not pass the filters are hidden. Money stays that of all.
(() => {
  const rows = [...document.querySelectorAll("#plan tr[data-index]")];
  for (const row of rows) {
    const name = row.querySelector(".who");
    name.replaceChildren(report.el("button", { type: "button", class: "link", click: () => creatives.open(Number(row.dataset.index)) }, name.textContent));
  }
  report.subscribe(() => {
    for (const row of rows) row.hidden = !report.passes(Number(row.dataset.index));
    const note = document.getElementById("plan-filtered");
    if (note) note.hidden = report.chosen().length === report.core.ids.length;
  });
})();
