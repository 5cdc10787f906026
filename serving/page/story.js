// Details of one creative, shown when its row is open: verdict and notes, the waterfall, and "what if".

import { el, put } from "./dom.js";
import { planned } from "./plan.js";
import { explain, whatIf } from "./predict.js";
import { targetsOf } from "./rows.js";
import { badge } from "./table.js";
import { drawWaterfall } from "./waterfall.js";
import { between, brackets, colon, figure, isRate, percent, say, times, localised } from "./words.js";

export function story(row, state, act) {
  const parts = [];
  if (row.prediction) {
    const found = row.prediction;
    parts.push(el("p", { class: "reason" }, badge(row), " ", localised(found.verdict)));
    if (row.plan) parts.push(el("p", { class: "reason" }, el("strong", {}, say("plan"), colon(), planned(row)), " ", [row.plan.evidence, row.plan.notes, row.plan.list === "candidates" && row.plan.why].filter(Boolean).map(localised).join(" ")));
    parts.push(facts(found, state));
    if (found.warnings.length)
      parts.push(el("ul", { class: "notes" }, found.warnings.map((one) => el("li", {}, localised(one)))));
    parts.push(why(row, state, act), change(row, state, act));
  } else {
    parts.push(el("ul", { class: "notes" }, row.faults.map((fault) => el("li", {}, act.fault(fault)))));
  }
  return el("div", { class: "opened" }, parts);
}

// Every prediction with its words; what a hit is stands beside its chance.
function facts(found, state) {
  const fact = (name, value, about) => el("div", {}, el("dt", {}, name), el("dd", {}, value, about && el("span", { class: "about" }, about)));
  const targets = targetsOf(state.model).map((name) => {
    const { value, low, high } = found.targets[name];
    const likely = low === null || high === null ? say("no_interval") : `${say("mostly")} ${between(name, low, high)}`;
    return fact(say(name), `${say("mean")} ${figure(name, value)}`, likely);
  });
  return el(
    "dl",
    { class: "facts" },
    targets,
    fact(say("chance"), percent(found.chance_of_target), say("chance_of", { roi: figure("ratio", found.asked_roi) })),
    fact(say("hit"), percent(found.hit_chance), state.model.hit && localised(state.model.hit)),
  );
}

function why(row, state, act) {
  const id = `explain-${row.number}`;
  const targets = targetsOf(state.model);
  const stages = state.model.stages.filter((stage) => stage.name !== "volume" || targets.every(isRate));
  const of = row.explainOf && [...targets, ...stages.map((s) => s.name)].includes(row.explainOf) ? row.explainOf : act.target();
  const choice = el(
    "select",
    { id, on: { change: (event) => { row.explainOf = event.target.value; draw(); } } },
    el("optgroup", { label: say("targets_word") }, targets.map((name) => el("option", { value: name, selected: name === of }, say(name)))),
    el("optgroup", { label: say("stage") }, stages.map((stage) => el("option", { value: stage.name, selected: stage.name === of }, localised(stage)))),
  );
  const place = el("div", { class: "drawing", "aria-live": "polite" }, say("computing"));
  async function draw() {
    try {
      const explanation = await explain(row);
      const name = choice.value;
      const label = choice.selectedOptions[0].textContent;
      const found = explanation?.targets[name] || explanation?.stages[name];
      put(place, found ? drawWaterfall(name, found, `${say("explain_title")}${colon()}${label}`) : "–");
    } catch (refusal) {
      put(place, act.refused(refusal));
    }
  }
  draw();
  return el(
    "section",
    { class: "why", "aria-label": say("explain_title") },
    el("h3", {}, say("explain_title")),
    el("p", {}, el("label", { for: id }, say("explain_of")), " ", choice),
    place,
    el("p", { class: "hint" }, say("explain_hint")),
  );
}

function change(row, state, act) {
  const tags = Object.entries(state.model.tags).filter(([, tag]) => tag.values.length);
  if (!tags.length) return null;
  const ids = { tag: `tag-${row.number}`, value: `value-${row.number}` };
  const valueBox = el("span");
  const answers = el("div", { "aria-live": "polite" });
  const tag = el("select", { id: ids.tag, on: { change: drawValues } }, tags.map(([name]) => el("option", { value: name }, act.tag(name))));
  let value;
  function drawValues() {
    const { several, values } = state.model.tags[tag.value];
    const present = [row.creative.tags?.[tag.value] ?? []].flat();
    const options = values.map((word) =>
      el("option", { value: word, selected: several && present.includes(word), disabled: !several && present.includes(word) },
        present.includes(word) && !several ? `${word}${brackets(say("now"))}` : word),
    );
    if (!several) options.push(el("option", { value: "", disabled: !present.length }, brackets(say("not_given")).trim()));
    value = el("select", { id: ids.value, multiple: several, size: several ? Math.min(values.length, 5) : null }, options);
    if (!several) value.selectedIndex = options.findIndex((option) => !option.disabled);
    put(valueBox, el("label", { for: ids.value }, say("value")), " ", value, several && el("span", { class: "hint" }, say("several_hint")));
  }
  async function ask(event) {
    event.preventDefault();
    const chosen = [...value.selectedOptions].map((option) => option.value);
    const wanted = state.model.tags[tag.value].several ? chosen : (chosen[0] ?? "");
    button.disabled = true;
    try {
      const prediction = await whatIf(row.creative, tag.value, wanted);
      row.tried = [{ tag: tag.value, value: [wanted].flat().join("、"), prediction }, ...row.tried].slice(0, 8);
      drawTried();
    } catch (refusal) {
      put(answers, act.refused(refusal));
    }
    button.disabled = false;
  }
  const drawTried = () => row.tried.length && put(answers, tried(row, state, act));
  const button = el("button", { type: "submit" }, say("try_it"));
  drawValues();
  drawTried();
  return el(
    "section",
    { class: "what-if", "aria-label": say("what_if") },
    el("h3", {}, say("what_if"), " ", el("span", { class: "association" }, say("association"))),
    el("p", { class: "hint" }, say("what_if_hint")),
    el("form", { on: { submit: ask } }, el("span", {}, el("label", { for: ids.tag }, say("tag")), " ", tag), " ", valueBox, " ", button),
    answers,
  );
}

function tried(row, state, act) {
  const targets = targetsOf(state.model);
  const line = (label, prediction, base) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, el("bdi", {}, label)),
      el("td", {}, badge({ prediction })),
      targets.map((name) => {
        const [then, now] = [prediction.targets[name].value, base?.targets[name].value];
        const factor = base && now > 0 && then > 0 ? then / now : null;
        const change = factor === null ? "" : Math.abs(Math.log(factor)) < 0.005 ? say("same") : times(factor);
        const kind = factor === null || change === say("same") ? "" : factor > 1 ? "good" : "bad";
        return el("td", { class: "number" }, figure(name, then), change && el("span", { class: `about ${kind}` }, change));
      }),
      el("td", { class: "number" }, percent(prediction.chance_of_target)),
    );
  return el(
    "div",
    { class: "scroll" },
    el(
      "table",
      { class: "tried full" },
      el("caption", {}, `${say("what_if")} · ${say("association")}`),
      el("thead", {}, el("tr", {}, [say("change"), say("verdict"), ...targets.map((name) => say(name)), say("chance")].map((word) => el("th", { scope: "col" }, word)))),
      el("tbody", {}, line(say("now"), row.prediction, null), row.tried.map((one) => line(`${act.tag(one.tag)} → ${one.value || say("not_given")}`, one.prediction, row.prediction))),
    ),
  );
}
