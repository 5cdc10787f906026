// The table: tabs by status, verdicts to choose from, one row a creative, its story below it when it is open.

import { el, put, svg } from "./dom.js";
import { launched, planned } from "./plan.js";
import { moneyOf, nameOf, ofTab, ordered, STATUSES, statusOf, targetsOf, verdictOf, VERDICTS } from "./rows.js";
import { between, colon, figure, localised, percent, say, signed, unitOf } from "./words.js";

export const PAGE = 50;

// Tabs of the statuses with how many rows each has.
export function drawTabs(place, state, act) {
  const tab = (name, count) =>
    el("button", { type: "button", role: "tab", "aria-selected": state.view.tab === name ? "true" : "false", on: { click: () => act.tab(name) } }, `${say(name)} ${count}`);
  const count = (name) => state.rows.filter((row) => statusOf(row) === name).length;
  put(place, tab("all", state.rows.length), STATUSES.map((name) => tab(name, count(name))));
}

// The verdicts of the tab with how many rows each has; none where there is nothing to choose.
export function drawVerdicts(place, state, act) {
  const rows = ofTab(state.rows, state.view);
  const found = VERDICTS.map((name) => [name, rows.filter((row) => verdictOf(row) === name).length]).filter(([, count]) => count);
  const chip = (name, count) =>
    el("button", { type: "button", class: "pill", "aria-pressed": state.view.verdict === name ? "true" : "false", on: { click: () => act.verdict(name) } }, `${say(name)} ${count}`);
  put(place, found.length > 1 && [chip("all", rows.length), ...found.map(([name, count]) => chip(name, count))]);
}

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
    el("caption", {}, say("caption", { level: percent(state.level) }), state.model.hit && ` ${say("hit_is")}${colon()}${localised(state.model.hit)}${say("stop_mark")}`),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map((name) => heading(name, state, act)))),
    el("tbody", { role: "rowgroup" }, body),
  );
  drawPages(pages, rows.length, from, shown.length, last, state, act);
}

// Of rates before and after refunds those after, and whatever the table is ordered by.
function columnsOf(state) {
  const targets = targetsOf(state.model);
  const shown = targets.filter((name) => !targets.includes(`net_${name}`) || name === state.view.drawn);
  return ["creative", "verdict", ...(state.plan ? ["plan"] : []), "money", ...shown, "chance", "hit", "warnings"];
}

function heading(name, state, act) {
  const { view } = state;
  if (name === "warnings") return el("th", { scope: "col", role: "columnheader", class: name }, say(name));
  const sorted = view.by === name ? (view.rising ? "ascending" : "descending") : "none";
  const button = el("button", { type: "button", on: { click: () => act.sort(name) } }, say(name));
  return el("th", { scope: "col", role: "columnheader", "aria-sort": sorted, class: name }, button);
}

function drawRow(row, place, columns, reach, state, act) {
  const cells = {
    creative: () => creativeCell(row, place, act),
    verdict: () => el("td", { role: "cell", class: "verdict", "data-label": say("verdict") }, badge(row), row.prediction && el("span", { class: "about" }, localised(row.prediction.verdict))),
    money: () => moneyCell(row),
    chance: () => chanceCell(row),
    hit: () => el("td", { role: "cell", class: "number", "data-label": say("hit") }, percent(row.prediction?.hit_chance)),
    plan: () => el("td", { role: "cell", class: "plan", "data-label": say("plan") }, launched(row) ? el("strong", { class: "good" }, planned(row)) : planned(row)),
    warnings: () => {
      const own = (row.prediction?.warnings || []).filter((one) => !state.common.has(one.zh));
      const count = row.faults.length + row.missing.length || own.length;
      return el("td", { role: "cell", class: "number warnings", "data-label": say("warnings") }, count ? String(count) : "");
    },
  };
  const line = columns.map((name) => (cells[name] ? cells[name]() : targetCell(row, name, reach, state.view.drawn)));
  return el("tr", { role: "row", class: verdictOf(row) === "faulty" ? "faulty" : null, "data-id": row.creative.creative_id }, line);
}

function creativeCell(row, place, act) {
  const button = el(
    "button",
    { type: "button", class: "name", id: `row-${row.number}`, "aria-expanded": row.open ? "true" : "false", on: { click: () => act.open(row) } },
    el("span", { "aria-hidden": "true", class: "twist" }, row.open ? "▾" : "▸"),
    el("bdi", {}, nameOf(row)),
  );
  const kind = row.creative.promotion_type;
  const where = [
    `${place}.`,
    row.name ? row.creative.creative_id : null,
    kind && say(kind),
    row.product_name,
    row.creator_name,
    row.prediction && say(statusOf(row)),
    row.prediction && ageOf(row.prediction.age_hours),
    row.row && say("row", { row: row.row }),
  ].filter(Boolean);
  const faults = [
    ...row.missing.map((part) => el("span", { class: "fault" }, `${say(part)}${colon()}${say("needed")}`)),
    ...row.faults.map((fault) => el("span", { class: "fault" }, act.fault(fault))),
  ];
  return el("th", { scope: "row", role: "rowheader", class: "creative" }, button, el("span", { class: "about" }, el("bdi", {}, where.join(" · ").replace(". · ", ". "))), faults);
}

const ageOf = (hours) => (hours <= 0 ? null : hours < 72 ? say("hours", { n: Math.round(hours) }) : say("days_run", { n: Math.round(hours / 24) }));

export function badge(row) {
  const name = verdictOf(row);
  return el("span", { class: `badge ${name}` }, say(name));
}

function moneyCell(row) {
  const value = moneyOf(row);
  const stake = row.prediction?.status === "running";
  if (value === null) return el("td", { role: "cell", class: "number", "data-label": say("money") }, "–");
  return el(
    "td",
    { role: "cell", class: "number money", "data-label": say("money") },
    el("span", { class: stake ? (value < 0 ? "bad" : "good") : null }, stake ? signed(value) : figure("cny", value)),
    el("span", { class: "about" }, say(stake ? "stake_about" : "test_about")),
  );
}

function chanceCell(row) {
  const found = row.prediction;
  return el(
    "td",
    { role: "cell", class: "number", "data-label": say("chance") },
    percent(found?.chance_of_target),
    found && found.chance_of_target !== null && el("span", { class: "about" }, say("chance_of", { roi: figure("ratio", found.asked_roi) })),
  );
}

// The mean by its name: it may lie outside of the interval, which says where an outcome will probably be.
function targetCell(row, name, reach, by) {
  const found = row.prediction?.targets[name];
  if (!found) return el("td", { role: "cell", class: "number", "data-label": say(name) }, "–");
  const told = found.low !== null && found.high !== null;
  const goal = unitOf(name) === "ratio" ? row.prediction.asked_roi : null;
  return el(
    "td",
    { role: "cell", class: `number${by === name ? " chosen" : ""}`, "data-label": say(name) },
    el("span", { class: "word" }, say("mean"), " "),
    el("strong", {}, figure(name, found.value)),
    el("span", { class: "about" }, told ? `${say("mostly")} ${between(name, found.low, found.high)}` : say("no_interval")),
    by === name && told && reach && drawInterval(found, reach, goal),
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
    { class: "interval", viewBox: `0 0 ${WIDE} 14`, width: WIDE, height: 14, "aria-hidden": "true" },
    goal && svg("line", { class: "goal", x1: x(goal), x2: x(goal), y1: 0, y2: 14 }),
    svg("line", { class: "range", x1: x(found.low), x2: x(found.high), y1: 7, y2: 7 }),
    svg("circle", { class: "dot", cx: x(found.value), cy: 7, r: 4 }),
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
