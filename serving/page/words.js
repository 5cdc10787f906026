// What the page says, in the language that is chosen: words, numbers, chances, factors. Chinese first.

import { EN } from "./words_en.js";
import { ZH } from "./words_zh.js";

const TABLES = { zh: ZH, en: EN };
let now = "zh";

export const language = () => now;
export const useLanguage = (name) => {
  now = name;
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
};

export function say(word, values = {}) {
  const text = TABLES[now][word] ?? word;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const knows = (word) => word in TABLES[now];

export const colon = () => (now === "zh" ? "\uff1a" : ": ");
export const brackets = (text) => (now === "zh" ? `\uff08${text}\uff09` : ` (${text})`);

// Texts that the service gives in both languages.
export const localised = (both) => both[now] || both.zh || both.en || "";

// Fields of a request, which refusals name in backticks, by what this page calls them.
export const ownNames = (text) => {
  const quoted = now === "zh" ? / ?`(\w+)` ?/g : /`(\w+)`/g; // beside Chinese quotation marks there is no space
  return text.replaceAll(quoted, (whole, name) => `“${say(name)}”`);
};

export const attributeLabel = (attribute) => (knows(attribute.name) ? say(attribute.name) : localised(attribute));

export const sayStatic = (values) => {
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say, values);
};

const locale = () => (now === "zh" ? "zh-CN" : "en");

// Labels, units and kinds of the model's targets, as the service states them.
const targets = new Map();

export function learnTargets(cards) {
  for (const card of cards) {
    targets.set(card.name, card);
    for (const name of Object.keys(TABLES)) TABLES[name][card.name] = card[name];
  }
}

export const unitOf = (name) => targets.get(name)?.unit ?? name;
export const isRate = (name) => targets.get(name)?.rate ?? false;

// A value with as many digits as its unit needs; `of`: a target, a stage or a unit.
export function figure(of, value) {
  const unit = unitOf(of);
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "ratio") return value.toLocaleString(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  if (unit === "count")
    return value.toLocaleString(locale(), { notation: value >= 10_000 ? "compact" : "standard", maximumFractionDigits: value < 100 ? 1 : value >= 10_000 ? 1 : 0 });
  if (unit.startsWith("cny per") || Math.abs(value) >= 10)
    return value.toLocaleString(locale(), { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
  return value.toLocaleString(locale(), { maximumSignificantDigits: 3 });
}

// An interval. Where only its high end is written with a unit (1万, 10K), the low one would be read with it: both are written out.
export function between(of, low, high) {
  const unitless = (value) => !/[^\d.,−-]/.test(figure(of, value));
  const ends = [low, high].map((value) => (unitless(low) === unitless(high) ? figure(of, value) : value.toLocaleString(locale(), { maximumFractionDigits: value < 100 ? 1 : 0 })));
  return ends.join("–");
}

// CNY without decimals, which no plan has.
export const whole = (value) => value.toLocaleString(locale(), { maximumFractionDigits: 0 });

// An amount with its sign.
export const signed = (value) => `${value < 0 ? "−" : "+"}${figure("cny", Math.abs(value))}`;

export const percent = (value) =>
  value === null || value === undefined ? "–" : value.toLocaleString(locale(), { style: "percent", maximumFractionDigits: value < 0.1 ? 1 : 0 });

export const times = (factor) => `×${factor.toLocaleString(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
