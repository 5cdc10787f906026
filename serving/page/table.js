// The ranked table: order, filter, pages; one row a creative, its story below it when it is open.

import { el, put, svg } from "./dom.js";
import { colon, figure, percent, say, localised, unitOf } from "./words.js";

export const VERDICTS = ["scale", "hold", "watch", "stop", "first", "reserve", "skip", ""];
const PAGE = 50;

// Names of the model's targets as columns: rates from net ROI to GPM, then later volume.
export const targetsOf = (model) => {
  const cards = model?.target_labels ?? [];
  return [...cards.filter((card) => card.rate).reverse(), ...cards.filter((card) => !card.rate)].map((card) => card.name);
};

const VALUES = {
  place: (row) => row.rank?.place ?? null,
  creative: (row) => nameOf(row),
  verdict: (row) => (row.prediction ? -VERDICTS.indexOf(row.prediction.verdict.name) : null),
  chance: (row) => row.prediction?.chance_of_target ?? null,
  hit: (row) => row.prediction?.hit_chance ?? null,
  chance_in_top: (row) => row.rank?.chance_in_top ?? null,
};
export const valueOf = (row, by) => (VALUES[by] ? VALUES[by](row) : (row.prediction?.targets[by]?.value ?? null));
export const nameOf = (row) => row.name || row.creative.creative_id || "";

// The rows in order: best first as a rule; what has no value comes last either way.
export function ordered(rows, view) {
  const sign = view.rising ? 1 : -1;
  const compare = (one, other) => {
    const [a, b] = [valueOf(one, view.by), valueOf(other, view.by)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b, "zh") : a - b);
  };
  const even = (one, other) => (valueOf(other, view.drawn) ?? 0) - (valueOf(one, view.drawn) ?? 0);
  const words = view.search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const texts = (row) => JSON.stringify([row.name, row.product_name, row.creator_name, { ...row.creative, metrics: undefined }]).toLowerCase();
  return rows
    .filter((row) => view.verdict === "all" || verdictOf(row) === view.verdict)
    .filter((row) => !words.length || words.every((word) => texts(row).includes(word)))
    .map((row, place) => [row, place])
    .sort(([one, a], [other, b]) => compare(one, other) || even(one, other) || a - b)
    .map(([row]) => row);
}

export const verdictOf = (row) => (row.prediction ? row.prediction.verdict.name || "none" : "faulty");

export function drawTable(table, pages, state, act) {
  const rows = ordered(state.rows, state.view);
  const last = Math.max(0, Math.ceil(rows.length / PAGE) - 1);
  state.view.page = Math.min(state.view.page, last);
  const from = state.view.page * PAGE;
  const shown = rows.slice(from, from + PAGE);
  const columns = columnsOf(state);
  const reach = reachOf(shown, state.view.drawn);
  const body = shown.flatMap((row, place) => {
    const line = drawRow(row, from + place + 1, columns, reach, state, act);
    return row.open ? [line, el("tr", { class: "story", role: "row" }, el("td", { role: "cell", colspan: columns.length }, act.story(row)))] : [line];
  });
  if (!shown.length) body.push(el("tr", {}, el("td", { colspan: columns.length }, say("no_match"))));
  put(
    table,
    el("caption", {}, say("caption", { level: percent(state.level) })),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map((name) => heading(name, state.view, act)))),
    el("tbody", { role: "rowgroup" }, body),
  );
  drawPages(pages, rows.length, from, shown.length, last, state, act);
}

function columnsOf(state) {
  const ranked = state.rows.some((row) => row.rank) ? ["chance_in_top"] : [];
  return ["place", "creative", "verdict", ...targetsOf(state.model), ...ranked, "chance", "hit", "warnings"];
}

function heading(name, view, act) {
  if (name === "warnings" || name === "place") return el("th", { scope: "col", role: "columnheader", class: name }, say(name));
  const sorted = view.by === name ? (view.rising ? "ascending" : "descending") : null;
  const mark = sorted ? (view.rising ? " ▲" : " ▼") : "";
  const button = el("button", { type: "button", on: { click: () => act.sort(name) } }, say(name), el("span", { "aria-hidden": "true" }, mark));
  return el("th", { scope: "col", role: "columnheader", "aria-sort": sorted, class: name }, button);
}

function drawRow(row, place, columns, reach, state, act) {
  const cells = {
    place: () => el("td", { role: "cell", class: "place" }, String(place)),
    creative: () => creativeCell(row, act),
    verdict: () => el("td", { role: "cell", "data-label": say("verdict") }, badge(row)),
    chance: () => chanceCell(row),
    hit: () => el("td", { role: "cell", class: "number", "data-label": say("hit") }, percent(row.prediction?.hit_chance)),
    chance_in_top: () =>
      el("td", { role: "cell", class: "number", "data-label": say("chance_in_top") }, percent(row.rank?.chance_in_top),
        row.rank?.funded && el("span", { class: "small good" }, say("funded"))),
    warnings: () => {
      const own = (row.prediction?.warnings || []).filter((one) => !state.common.has(one.zh));
      const count = row.faults.length + row.missing.length || own.length;
      return el("td", { role: "cell", class: "number warnings", "data-label": say("warnings") }, count ? String(count) : "");
    },
  };
  const line = columns.map((name) => (cells[name] ? cells[name]() : targetCell(row, name, reach, state.view.drawn)));
  return el("tr", { role: "row", class: verdictOf(row) === "faulty" ? "faulty" : null, "data-id": row.creative.creative_id }, line);
}

function creativeCell(row, act) {
  const button = el(
    "button",
    { type: "button", class: "name", id: `row-${row.number}`, "aria-expanded": row.open ? "true" : "false", on: { click: () => act.open(row) } },
    el("span", { "aria-hidden": "true", class: "twist" }, row.open ? "▾" : "▸"),
    el("bdi", {}, nameOf(row)),
  );
  const kind = row.creative.promotion_type;
  const where = [
    row.name ? row.creative.creative_id : null,
    kind && say(kind),
    row.product_name,
    row.creator_name,
    row.prediction && ageOf(row.prediction.age_hours),
    row.row && say("row", { row: row.row }),
  ].filter(Boolean);
  const faults = [
    ...row.missing.map((part) => el("span", { class: "fault" }, `${say(part)}${colon()}${say("needed")}`)),
    ...row.faults.map((fault) => el("span", { class: "fault" }, act.fault(fault))),
  ];
  return el("th", { scope: "row", role: "rowheader", class: "creative" }, button, el("span", { class: "small" }, el("bdi", {}, where.join(" · "))), faults);
}

const ageOf = (hours) =>
  hours <= 0 ? say("not_launched") : hours < 72 ? say("hours", { n: Math.round(hours) }) : say("days_run", { n: Math.round(hours / 24) });

export function badge(row) {
  const name = verdictOf(row);
  return el("span", { class: `badge ${name}` }, say(name));
}

function chanceCell(row) {
  const found = row.prediction;
  return el(
    "td",
    { role: "cell", class: "number", "data-label": say("chance") },
    percent(found?.chance_of_target),
    found && found.chance_of_target !== null && el("span", { class: "small" }, say("chance_of", { roi: figure("ratio", found.asked_roi) })),
  );
}

function targetCell(row, name, reach, by) {
  const found = row.prediction?.targets[name];
  if (!found) return el("td", { role: "cell", class: "number", "data-label": say(name) }, "–");
  const between = found.low !== null && found.high !== null;
  const words = between ? `${figure(name, found.low)}–${figure(name, found.high)}` : "";
  const goal = unitOf(name) === "ratio" ? row.prediction.asked_roi : null;
  return el(
    "td",
    { role: "cell", class: `number${by === name ? " chosen" : ""}`, "data-label": say(name) },
    el("strong", {}, figure(name, found.value)),
    between && el("span", { class: "small" }, words),
    by === name && between && reach && drawInterval(found, reach, goal),
  );
}

// The scale of this page's intervals, from 0.
function reachOf(rows, by) {
  const found = rows.map((row) => row.prediction?.targets[by]).filter((one) => one && one.high !== null);
  return Math.max(0, ...found.map((one) => Math.max(one.high, one.value)));
}

const WIDE = 96;
function drawInterval(found, reach, goal) {
  const x = (value) => (4 + Math.min(1, Math.max(0, value / reach)) * (WIDE - 8)).toFixed(1);
  return svg(
    "svg",
    { class: "interval", viewBox: `0 0 ${WIDE} 12`, width: WIDE, height: 12, "aria-hidden": "true" },
    goal && svg("line", { class: "goal", x1: x(goal), x2: x(goal), y1: 0, y2: 12 }),
    svg("line", { class: "range", x1: x(found.low), x2: x(found.high), y1: 6, y2: 6 }),
    svg("circle", { class: "dot", cx: x(found.value), cy: 6, r: 3.5 }),
  );
}

function drawPages(nav, all, from, count, last, state, act) {
  if (all <= PAGE) return put(nav);
  const step = (by, word, off) =>
    el("button", { type: "button", disabled: off, on: { click: () => act.turn(by) } }, say(word));
  return put(
    nav,
    step(-1, "previous", state.view.page === 0),
    el("span", {}, say("shown", { from: from + 1, to: from + count, all })),
    step(1, "next", state.view.page === last),
  );
}

// Warnings that apply to every creative: shown once.
export function commonOf(rows) {
  const predicted = rows.filter((row) => row.prediction);
  if (predicted.length < 2) return [];
  const counts = new Map();
  for (const row of predicted) for (const one of row.prediction.warnings) counts.set(one.zh, (counts.get(one.zh) || 0) + 1);
  return predicted[0].prediction.warnings.filter((one) => counts.get(one.zh) === predicted.length);
}

// The table as cells of a file, in the order shown, all pages.
export function asCells(state) {
  const targets = targetsOf(state.model);
  const tags = [...new Set(state.rows.flatMap((row) => Object.keys(row.creative.tags || {})))];
  const ranked = state.rows.some((row) => row.rank);
  const head = [
    "place", "creative_id", "creative", "promotion_type", "account_id", "product_id", "product_name", "creator_id",
    "creator_name", "verdict", "reason",
  ].map((name) => say(name));
  for (const name of targets) head.push(say(name), `${say(name)} ${say("low")}`, `${say(name)} ${say("high")}`);
  head.push(say("roi_target"), say("chance"), say("hit"));
  if (ranked) head.push(say("chance_in_top"), say("funded"));
  head.push(...tags.map((name) => (say(name) === name ? name : say(name))), say("warnings"), say("file"));
  const lines = ordered(state.rows, state.view).map((row, place) => {
    const { creative, prediction } = row;
    const kind = creative.promotion_type;
    const line = [
      place + 1, creative.creative_id, row.name, kind ? say(kind) : "", creative.account_id, creative.product_id,
      row.product_name, creative.creator_id, row.creator_name,
      say(verdictOf(row)), prediction ? localised(prediction.verdict) : row.faults.map((fault) => `${fault.field}: ${fault.problem}`).join("; "),
    ];
    for (const name of targets) {
      const found = prediction?.targets[name];
      line.push(found?.value, found?.low, found?.high);
    }
    line.push(prediction?.asked_roi, prediction?.chance_of_target, prediction?.hit_chance);
    if (ranked) line.push(row.rank?.chance_in_top, row.rank ? say(row.rank.funded ? "yes" : "no") : "");
    line.push(...tags.map((name) => [creative.tags?.[name] ?? ""].flat().join("、")));
    line.push((prediction?.warnings || []).map(localised).join(" "), row.row ? `${row.file} ${say("row", { row: row.row })}` : row.file);
    return line;
  });
  return [head, ...lines];
}
