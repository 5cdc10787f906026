// What stands around the table: the model, the key, the report, what the files do not give.

import { getFile, hasKey } from "./ask.js";
import { byId, el, put } from "./dom.js";
import { save } from "./download.js";
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

// Asks once for what the files of some rows do not give.
export function drawMissing(state) {
  const lack = state.rows.filter((row) => row.missing.length);
  const parts = ["account_id", "promotion_type"].filter((part) => lack.some((row) => row.missing.includes(part)));
  byId("missing").hidden = !lack.length;
  byId("missing-account-box").hidden = !parts.includes("account_id");
  byId("missing-kind-box").hidden = !parts.includes("promotion_type");
  byId("missing-values").textContent = say("missing_values", { n: lack.length, what: parts.map((part) => say(part)).join(say("and")) });
  const chosen = byId("missing-kind").value;
  put(byId("missing-kind"), (state.model?.promotion_types || []).map((name) => el("option", { value: name }, say(name))));
  if (chosen) byId("missing-kind").value = chosen;
}
