// Problems of files and requests: where they stand, and in Chinese what the service says of single fields in English.

import { el, put } from "./dom.js";
import { colon, language, say } from "./words.js";

const ZH = [
  [/^Field required$/, "必填"],
  [/^Input should be greater than or equal to (.+)$/, "不能小于 $1"],
  [/^Input should be greater than (.+)$/, "要大于 $1"],
  [/^Input should be less than or equal to (.+)$/, "不能大于 $1"],
  [/^Input should be less than (.+)$/, "要小于 $1"],
  [/^Input should be a valid number.*$/, "应为数字"],
  [/^Input should be a valid integer.*$/, "应为整数"],
  [/^Input should be a valid string$/, "应为文字"],
  [/^Input should be a valid datetime.*$/, "应为日期时间"],
  [/^String should have at most (\d+) characters?$/, "最多 $1 个字"],
  [/^String should have at least (\d+) characters?$/, "至少 $1 个字"],
  [/^the model knows no tag of this name$/, "模型没有这个标签"],
  [/^several values of a tag that takes one$/, "这个标签只能有一个取值"],
  [/^is after the first period with delivery$/, "晚于第一段有投放的数据"],
  [/^say when it was first delivered$/, "请填首次投放的时间"],
  [/^overlaps another period$/, "与另一段时间重叠"],
  [/^named twice$/, "重复出现"],
  [/^more (\w+) than (\w+)$/, "$1 大于 $2"],
  [/^(\w+) without any (\w+)$/, "有 $1 却没有 $2"],
  [/^check (\w+)$/, "请核对 $1"],
  [/^see GET \/v1\/schema\/predict.*$/, "请改正后再放入"],
  [/^this field is needed$/, "此项必填"],
];

export function inWords(text) {
  if (language() !== "zh") return text;
  for (const [pattern, words] of ZH) if (pattern.test(text)) return text.replace(pattern, words);
  return text.includes("; ") ? text.split("; ").map((part) => (part === text ? part : inWords(part))).join("；") : text;
}

export function drawProblems(section, title, list, problems, fieldLabel, refusalWords) {
  section.hidden = !problems.length;
  title.textContent = say("problems_title", { n: problems.length });
  const weight = (problem) => ["file", "row", "note"].indexOf(problem.severity);
  const sorted = [...problems].sort((one, other) => weight(one) - weight(other));
  put(list, sorted.map((problem) => el("li", { class: problem.severity }, el("span", { class: "badge plain" }, say(`sev_${problem.severity}`)), " ", lineOf(problem, fieldLabel, refusalWords))));
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
  if (problem.found === "more") return `${problem.file} · ${say("more", { n: count })}`;
  if (language() === "zh" && problem.zh) return [el("strong", {}, el("bdi", {}, where.join(" · "))), " ", el("bdi", {}, problem.zh)];
  const found = problem.found === "no creatives" ? say("no_creatives") : inWords(problem.found);
  const right = [problem.expected && `${say("expected")}${colon()}${inWords(problem.expected)}`, problem.cure && inWords(problem.cure)];
  return [el("strong", {}, el("bdi", {}, where.join(" · "))), " ", el("bdi", {}, found), " ", el("span", { class: "hint" }, right.filter(Boolean).join(language() === "zh" ? "。" : ". "))];
}
