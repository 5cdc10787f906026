// What stands around the table: the model, the key, the report, what the files do not give.

import { getFile, hasKey } from "./ask.js";
import { byId, el, put } from "./dom.js";
import { save } from "./download.js";
import { accountOf, lacking } from "./files.js";
import { nameOf } from "./rows.js";
import { say } from "./words.js";

// The model's line, the key's form where one is asked for, and the way to the report.
export function drawModel(state, refusalWords, guarded) {
  const { model } = state;
  byId("key-form").hidden = !state.keyWrong && !hasKey();
  const words = {
    name: model?.name,
    version: model?.version,
    until: model && lastDay(model.history_until),
    days: model?.outcome_days,
    basis: model && say(`basis_${model.basis}`),
  };
  let text = model ? say("model", words) : "";
  if (state.keyWrong) text = say(hasKey() ? "key_wrong" : "key_needed");
  if (state.unready) text = state.unready.status === 503 ? say("no_model") : refusalWords(state.unready);
  byId("model").textContent = text;
  byId("files").disabled = !model;
  byId("form-box").hidden = !model;
  drawReport(model, guarded);
}

// A whole day of rows ends at midnight: the day before is the last one.
const lastDay = (end) => new Date(Date.parse(`${end}Z`) - 1).toISOString().slice(0, 10);

function drawReport(model, guarded) {
  const report = byId("report");
  if (!model?.report) put(report, say("report_none"));
  else if (!hasKey()) put(report, el("a", { href: "/report", target: "_blank", rel: "noopener", class: "button" }, say("report_open")));
  else {
    const load = () => guarded(async () => save(await getFile("/report"), "gpmcast-report.html"));
    put(report, el("button", { type: "button", on: { click: load } }, say("report_save")));
  }
}

// Asks for what the files do not give: per file and column, with the rows that it would fill.
export function drawMissing(state, fill) {
  const groups = lacking(state.rows);
  const typed = new Map([...byId("missing").querySelectorAll("[data-group]")].map((node) => [node.dataset.group, node.value]));
  byId("missing").hidden = !groups.length;
  const accounts = [...new Set(state.rows.map((row) => row.creative.account_id).filter(Boolean))];
  put(
    byId("missing"),
    accounts.length > 0 && el("datalist", { id: "known-accounts" }, accounts.map((value) => el("option", { value }))),
    groups.map((group, place) => missingForm(group, `missing-${place}`, typed, state, fill)),
  );
}

function missingForm(group, id, typed, { model, rows: all }, fill) {
  const { file, part, rows } = group;
  const name = JSON.stringify([file, part]);
  const kinds = ["", ...(model?.promotion_types || [])];
  const input =
    part === "account_id"
      ? el("input", { id, autocomplete: "off", maxlength: 128, list: "known-accounts", "data-group": name, value: typed.get(name) || accountOf(all, file) })
      : el("select", { id, "data-group": name }, kinds.map((kind) => el("option", { value: kind, selected: kind === typed.get(name) }, kind ? say(kind) : say("not_chosen"))));
  const submit = (event) => {
    event.preventDefault();
    const value = input.value.trim();
    if (value) fill(group, value);
    else input.focus();
  };
  return el(
    "form",
    { class: "missing", "data-part": part, on: { submit } },
    el("p", {}, el("label", { for: id }, el("bdi", {}, say("missing_values", { file, n: rows.length, what: say(part) })))),
    input,
    el("button", { type: "submit", class: "primary" }, say("fill_rows", { n: rows.length })),
    el("details", {}, el("summary", {}, say("missing_rows", { rows: rangesOf(rows) })), el("ul", { class: "notes" }, rows.slice(0, MOST_NAMED).map((row) => el("li", {}, el("bdi", {}, nameWithRow(row)))), rows.length > MOST_NAMED && el("li", {}, say("missing_more", { n: rows.length - MOST_NAMED })))),
  );
}

const MOST_NAMED = 50;
const nameWithRow = (row) => [row.row && say("row", { row: row.row }), nameOf(row), row.name && row.creative.creative_id].filter(Boolean).join(" · ");

// Rows as a spreadsheet counts them, what follows each other as one range: 2–5, 9.
function rangesOf(rows) {
  const numbers = rows.map((row) => row.row).filter((number) => number !== null).sort((one, other) => one - other);
  const ranges = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number <= last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  const told = ranges.slice(0, 12).map(([first, end]) => (first === end ? `${first}` : `${first}–${end}`));
  return told.join(say("list_mark")) + (ranges.length > 12 ? " …" : "");
}
