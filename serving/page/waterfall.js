// Why a number is what it is: from the baseline, factor by factor, to the prediction.

import { el, svg } from "./dom.js";
import { figure, say, times, localised } from "./words.js";

const TOLD = 14;
const LEAST = 0.01;

// Baseline, steps and end; what is small is summed up.
export function stepsOf(explained) {
  const start = [...explained.start].sort((a, b) => Math.abs(b.log) - Math.abs(a.log));
  const single = [
    ...start.map((part) => ({ ...part, kind: "start" })),
    ...explained.features.map((part) => ({ ...part, kind: "feature" })),
    { zh: null, word: "early", log: explained.early_evidence.log, kind: "early" },
  ];
  const large = [...single].sort((a, b) => Math.abs(b.log) - Math.abs(a.log)).slice(0, TOLD);
  const kept = new Set(large.filter((part) => Math.abs(part.log) >= LEAST));
  const rest = (kind) => single.filter((part) => part.kind === kind && !kept.has(part)).reduce((sum, part) => sum + part.log, 0);
  const early = single.at(-1);
  const steps = [
    ...start.map((_, place) => single[place]).filter((part) => kept.has(part)),
    { word: "start_other", log: rest("start") },
    early,
    ...single.filter((part) => part.kind === "feature" && kept.has(part)),
    { word: "others", log: rest("feature") + explained.others.log },
    { word: "held", log: explained.held_at_1.log },
  ];
  return steps.filter((part) => Math.abs(part.log) >= 0.0005);
}

const labelOf = (part) => (part.word ? say(part.word) : localised(part));

function shown(part) {
  if (part.value === null || part.value === undefined || part.kind !== "feature") return "";
  if (typeof part.value !== "number") return part.value;
  return Number.isInteger(part.value) ? String(part.value) : String(Number(part.value.toPrecision(3)));
}

const WIDE = 220;

export function drawWaterfall(name, explained, title) {
  const steps = stepsOf(explained);
  let at = explained.baseline.log;
  const lines = steps.map((part) => {
    const before = at;
    at += part.log;
    return { part, before, after: at };
  });
  const places = [explained.baseline.log, explained.log_prediction, ...lines.map((line) => line.after)];
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const x = (log) => 6 + ((log - low) / Math.max(high - low, 1e-6)) * (WIDE - 12);
  const picture = (...children) =>
    svg("svg", { viewBox: `0 0 ${WIDE} 18`, class: "bar", "aria-hidden": "true", preserveAspectRatio: "none" }, children);
  const point = (log) => picture(svg("rect", { class: "point", x: x(log) - 1.5, y: 0, width: 3, height: 18 }));
  const row = (label, value, factor, reached, drawing, kind) =>
    el(
      "tr",
      { class: kind },
      el("th", { scope: "row" }, el("bdi", {}, label), value && el("span", { class: "small" }, " ", el("bdi", {}, value))),
      el("td", { class: "number" }, factor),
      el("td", { class: "number" }, reached),
      el("td", { class: "drawn" }, drawing),
    );
  return el(
    "table",
    { class: "waterfall" },
    el("caption", {}, title),
    el("thead", {}, el("tr", {}, ["part", "factor", "reached", "bar"].map((word) => el("th", { scope: "col" }, say(word))))),
    el(
      "tbody",
      {},
      row(say("baseline"), "", "", figure(name, Math.exp(explained.baseline.log)), point(explained.baseline.log), "end"),
      lines.map(({ part, before, after }) => {
        const up = after >= before;
        const bar = svg("rect", { class: up ? "up" : "down", x: Math.min(x(before), x(after)), y: 4, width: Math.max(Math.abs(x(after) - x(before)), 1), height: 10 });
        return row(labelOf(part), shown(part), times(Math.exp(part.log)), figure(name, Math.exp(after)), picture(bar), up ? "lifts" : "lowers");
      }),
      row(say("prediction"), "", "", figure(name, Math.exp(explained.log_prediction)), point(explained.log_prediction), "end"),
    ),
  );
}
