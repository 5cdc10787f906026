// Problems of files and requests: where they stand, and what the service says of them.

import { el, put } from "./dom.js";
import { brackets, colon, language, say } from "./words.js";

// What the service says of a field of a request, in the language that is chosen.
export const told = (fault) => (language() === "zh" ? fault.zh : `${fault.problem}${fault.hint ? brackets(fault.hint) : ""}`);

export function drawProblems(section, title, list, problems, fieldLabel, refusalWords) {
  section.hidden = !problems.length;
  const weight = (problem) => ["file", "row", "note"].indexOf(problem.severity);
  const sorted = [...problems].sort((one, other) => weight(one) - weight(other));
  const lines = folded(sorted);
  title.textContent = say("problems_title", { n: lines.length });
  put(list, lines.map((problem) => el("li", { class: problem.severity }, el("span", { class: "badge plain" }, say(`sev_${problem.severity}`)), " ", lineOf(problem, fieldLabel, refusalWords))));
}

// Notes that several files share become one, with the number of files; without the rows, which differ.
function folded(problems) {
  const notes = new Map();
  for (const problem of problems) {
    const { severity, column, field, creative_id, found, expected, cure, zh, refusal } = problem;
    const foldable = severity === "note" && zh && !refusal && !creative_id;
    const key = foldable ? JSON.stringify([column, field, found, expected, cure, zh]) : Symbol();
    notes.set(key, [...(notes.get(key) || []), problem]);
  }
  return [...notes.values()].flatMap((same) => {
    const files = [...new Set(same.map((problem) => problem.file))];
    return files.length > 1 ? [{ ...same[0], file: say("files_of", { file: files[0], n: files.length }), rows: [], count: 0 }] : same;
  });
}

function lineOf(problem, fieldLabel, refusalWords) {
  if (problem.refusal) return [problem.file, refusalWords(problem.refusal)].filter(Boolean).join(" · ");
  const { rows = [], count = 0 } = problem;
  const where = [
    problem.file,
    rows.length ? say("rows_of", { rows: rows.join(", ") }) + (count > rows.length ? say("rows_more", { n: count }) : "") : "",
    problem.creative_id ? say("creative_of", { id: problem.creative_id }) : "",
    problem.column ? say("column", { name: problem.column }) : "",
    problem.field ? fieldLabel(problem.field) : "",
  ].filter(Boolean);
  if (["more", "overlaps"].includes(problem.found)) return `${problem.file} · ${say(problem.found, { n: count })}`;
  const right = [problem.expected && `${say("expected")}${colon()}${problem.expected}`, problem.cure].filter(Boolean).join(". ");
  const said = language() === "zh" ? [el("bdi", {}, problem.zh)] : [el("bdi", {}, problem.found), " ", el("span", { class: "hint" }, right)];
  return [el("strong", {}, el("bdi", {}, where.join(" · "))), " ", ...said];
}
