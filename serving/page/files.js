// From dropped files to rows: the service reads each file, and what several files say of one creative is put together.

import { postFile, Refusal } from "./ask.js";

let number = 0;
export const newRow = (creative, more = {}) => ({
  number: (number += 1),
  creative,
  file: "",
  row: null,
  name: null,
  product_name: null,
  creator_name: null,
  missing: [],
  faults: [],
  prediction: null,
  explained: null,
  tried: [],
  open: false,
  plan: null,
  ...more,
});

const NAMES = ["name", "product_name", "creator_name"];
const PARTS = ["account_id", "promotion_type"];

// The rows of these files, added to those that are there, and the problems of every file.
export async function readFiles(files, rows, most, onFile) {
  const problems = [];
  for (const file of files) {
    onFile(file.name);
    try {
      if (file.size > most) throw new Refusal(413, {}, 0);
      const answer = await postFile(`/v1/read?${new URLSearchParams({ name: file.name.slice(-200) })}`, file);
      for (const found of answer.creatives) merge(rows, found, file.name);
      for (const problem of answer.problems) problems.push({ file: file.name, ...problem });
      if (answer.more) problems.push({ file: file.name, severity: "note", rows: [], found: "more", count: answer.more });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      problems.push(...ofRefusal(refusal, file.name));
    }
  }
  return problems;
}

export const ofRefusal = (refusal, file = "") => {
  const whole = { file, severity: "file", rows: [], found: refusal.message, expected: "", cure: "", refusal };
  const parts = refusal.faults.map((fault) => ({
    file,
    severity: "file",
    rows: [],
    column: fault.field,
    creative_id: fault.creative_id,
    found: fault.problem,
    expected: fault.hint,
    cure: "",
    zh: fault.zh,
  }));
  return parts.length ? parts : [whole];
};

function merge(rows, found, file) {
  const same = rows.filter((row) => fits(row.creative, found.creative));
  if (!same.length) {
    const names = Object.fromEntries(NAMES.map((name) => [name, found[name]]));
    rows.push(newRow(found.creative, { file, row: found.row, ...names, missing: [...found.missing] }));
    return;
  }
  for (const row of same) {
    const runs = found.creative.metrics !== undefined; // an export: what it says of a creative gives way to a tag sheet
    const [weak, strong] = runs ? [found.creative, row.creative] : [row.creative, found.creative];
    const tags = { ...weak.tags, ...strong.tags };
    row.creative = { ...weak, ...strong, tags };
    if (runs) row.creative.metrics = found.creative.metrics;
    for (const name of NAMES) row[name] ??= found[name];
    row.missing = PARTS.filter((part) => row.creative[part] === undefined);
    Object.assign(row, { prediction: null, explained: null, faults: [], tried: [] });
  }
}

const fits = (one, other) =>
  one.creative_id === other.creative_id &&
  PARTS.every((part) => one[part] === undefined || other[part] === undefined || one[part] === other[part]);

// Rows of one file that lack one part of their key.
export function lacking(rows) {
  const groups = new Map();
  for (const row of rows)
    for (const part of row.missing) {
      const key = JSON.stringify([row.file, part]);
      groups.set(key, [...(groups.get(key) || []), row]);
    }
  return [...groups].map(([key, found]) => ({ file: JSON.parse(key)[0], part: JSON.parse(key)[1], rows: found }));
}

// Gives these rows a part of their key; a row that has it keeps it.
export function fillMissing(rows, part, value) {
  for (const row of rows)
    if (row.missing.includes(part)) {
      row.creative = { ...row.creative, [part]: value };
      row.missing = row.missing.filter((name) => name !== part);
    }
}
