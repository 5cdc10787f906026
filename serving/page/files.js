// From dropped files to rows: the service reads each file, and what several files say of one creative is put together.

import { postFile, Refusal } from "./ask.js";

let number = 0;
export const newRow = (creative, more = {}) => ({
  number: (number += 1),
  creative,
  file: "", // the first one; `files`: all that told of it
  files: [],
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
  for (const file of [...files].sort((one, other) => one.lastModified - other.lastModified)) {
    onFile(file.name);
    try {
      if (file.size > most) throw new Refusal(413, {}, 0);
      const answer = await postFile(`/v1/read?${new URLSearchParams({ name: file.name.slice(-200) })}`, file);
      let dropped = 0;
      for (const found of answer.creatives) dropped += merge(rows, found, file);
      if (dropped) problems.push({ file: file.name, severity: "note", rows: [], found: "overlaps", count: dropped });
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

// Adds what a file says of a creative; how many periods were dropped for it.
function merge(rows, found, file) {
  for (const period of found.creative.metrics || []) written.set(period, file.lastModified);
  const same = rows.filter((row) => fits(row.creative, found.creative));
  if (!same.length) {
    const names = Object.fromEntries(NAMES.map((name) => [name, found[name]]));
    rows.push(newRow(found.creative, { file: file.name, files: [file.name], row: found.row, ...names, missing: [...found.missing] }));
    return 0;
  }
  let dropped = 0;
  for (const row of same) {
    if (!row.files.includes(file.name)) row.files.push(file.name);
    const runs = found.creative.metrics !== undefined; // an export: what it says of a creative gives way to a tag sheet
    const [weak, strong] = runs ? [found.creative, row.creative] : [row.creative, found.creative];
    const tags = { ...weak.tags, ...strong.tags };
    const periods = mergePeriods(row.creative.metrics || [], found.creative.metrics || []);
    row.creative = { ...weak, ...strong, tags };
    if (periods.kept.length) row.creative.metrics = periods.kept.slice(-MOST_PERIODS);
    dropped += periods.dropped;
    for (const name of NAMES) row[name] ??= found[name];
    row.missing = PARTS.filter((part) => row.creative[part] === undefined);
    Object.assign(row, { prediction: null, explained: null, faults: [], tried: [] });
  }
  return dropped;
}

const MOST_PERIODS = 1000; // of one creative in a request
const written = new WeakMap(); // period → when its file was last changed

// Periods of two files by time. The newer file wins: value by value for the same period, as a whole where periods of
// different length overlap.
function mergePeriods(known, found) {
  const byTime = new Map();
  for (const period of [...known, ...found]) {
    const time = `${period.period_start} ${period.period_end}`;
    const other = byTime.get(time) || period;
    const [older, newer] = written.get(other) > written.get(period) ? [period, other] : [other, period];
    const both = { ...older, ...newer };
    written.set(both, written.get(newer));
    byTime.set(time, both);
  }
  const kept = [];
  for (const period of [...byTime.values()].sort((one, other) => (one.period_start < other.period_start ? -1 : 1))) {
    const overlaps = () => kept.length > 0 && kept.at(-1).period_end > period.period_start;
    while (overlaps() && written.get(kept.at(-1)) <= written.get(period)) kept.pop();
    if (!overlaps()) kept.push(period);
  }
  return { kept, dropped: byTime.size - kept.length };
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

// The account of a file's rows that have one; empty where they have none, or several.
export function accountOf(rows, file) {
  const known = new Set(rows.filter((row) => row.files.includes(file)).map((row) => row.creative.account_id).filter(Boolean));
  return known.size === 1 ? [...known][0] : "";
}

// Gives these rows a part of their key; a row that has it keeps it.
export function fillMissing(rows, part, value) {
  for (const row of rows)
    if (row.missing.includes(part)) {
      row.creative = { ...row.creative, [part]: value };
      row.missing = row.missing.filter((name) => name !== part);
    }
}
