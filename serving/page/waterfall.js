// Why a number is what it is: from the market's mean, factor by factor, to the prediction, with the running product.

import { el } from "./dom.js";
import { figure, say, times, localised } from "./words.js";

const TOLD = 14;
const LEAST = 0.01;

// Baseline, steps and end; what is small is summed up.
function stepsOf(explained) {
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

const MOST_BESIDE = 62;

// A bar of this stretch of the scale, in percent, with its value on it: beside the bar where there is room, else inside.
function barOf(from, to, value, kind) {
  const [left, right] = [Math.min(from, to), Math.max(from, to)];
  const bar = el("span", { class: `bar ${kind}` });
  bar.style.left = `${left}%`;
  bar.style.width = `${Math.max(right - left, 0.8)}%`;
  const text = el("span", { class: "value" }, value);
  if (right <= MOST_BESIDE) text.style.left = `calc(${right}% + 6px)`;
  else if (left >= 100 - MOST_BESIDE) text.style.right = `calc(${100 - left}% + 6px)`;
  else {
    text.classList.add("inside");
    text.style.left = `calc(${left}% + 6px)`;
  }
  return el("div", { class: "track" }, bar, text);
}

export function drawWaterfall(name, explained, title) {
  let at = explained.baseline.log;
  const lines = stepsOf(explained).map((part) => {
    const before = at;
    at += part.log;
    return { part, before, after: at };
  });
  const places = [explained.baseline.log, explained.log_prediction, ...lines.map((line) => line.after)];
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const x = (log) => 1 + ((log - low) / Math.max(high - low, 1e-6)) * 98;
  const row = (label, value, drawing, reached, kind) =>
    el(
      "tr",
      { class: kind },
      el("th", { scope: "row" }, el("bdi", {}, label), value && el("span", { class: "about" }, el("bdi", {}, value))),
      el("td", { class: "drawn" }, drawing),
      el("td", { class: "number" }, reached),
    );
  const end = (word, log) => {
    const mark = el("span", { class: "bar point" });
    mark.style.left = `${x(log)}%`;
    return row(say(word), "", el("div", { class: "track" }, mark), figure(name, Math.exp(log)), "end");
  };
  return el(
    "table",
    { class: "waterfall full" },
    el("caption", {}, title),
    el("thead", {}, el("tr", {}, ["part", "factor", "reached"].map((word) => el("th", { scope: "col" }, say(word))))),
    el(
      "tbody",
      {},
      end("baseline", explained.baseline.log),
      lines.map(({ part, before, after }) =>
        row(labelOf(part), shown(part), barOf(x(before), x(after), times(Math.exp(part.log)), after >= before ? "up" : "down"), figure(name, Math.exp(after)), null)),
      end("prediction", explained.log_prediction),
    ),
  );
}
