// One creative by hand: the values that the model knows to choose from, an error beside its field.

import { el, put } from "./dom.js";
import { attributeLabel, say } from "./words.js";

const KEYS = ["creative_id", "account_id"];
const NEEDED = ["creative_id", "promotion_type", "account_id"];

export function drawForm(form, model, tagLabel, submit) {
  const ofType = (wanted) => model.attributes.filter(({ name, type }) => type === wanted && name !== "copy_text");
  const before = new Map([...form.elements].filter((node) => node.name).map((node) => [node.name, chosenOf(node)]));
  const kind = el("select", { name: "promotion_type" }, model.promotion_types.map((name) => el("option", { value: name }, say(name))));
  const fields = [
    ["promotion_type", kind],
    ...KEYS.map((name) => [name, el("input", { name, autocomplete: "off", maxlength: 128 })]),
    ...[...ofType("text"), ...ofType("number")].map((attribute) => [attribute.name, attributeInput(attribute), attributeLabel(attribute)]),
  ];
  const tags = Object.entries(model.tags).map(([name, tag]) => [
    `tags.${name}`,
    el(
      "select",
      { name: `tags.${name}`, multiple: tag.several, size: tag.several ? Math.min(4, tag.values.length) : null },
      tag.several ? [] : el("option", { value: "" }, say("not_given")),
      tag.values.map((word) => el("option", { value: word }, word)),
    ),
    tagLabel(name),
    tag.several && say("several_hint"),
  ]);
  put(
    form,
    el("div", { class: "fields" }, fields.map(field)),
    field(["copy_text", el("textarea", { name: "copy_text", rows: 2, maxlength: 2000 })]),
    tags.length && el("fieldset", {}, el("legend", {}, say("tags")), el("div", { class: "fields" }, tags.map(field))),
    el("button", { type: "submit" }, say("add")),
  );
  for (const node of form.elements) {
    if (!before.has(node.name)) continue;
    const held = before.get(node.name);
    if (node.multiple) for (const option of node.options) option.selected = held.includes(option.value);
    else node.value = held;
  }
  form.onsubmit = (event) => {
    event.preventDefault();
    submit(creativeOf(form));
  };
}

const attributeInput = ({ name, type }) =>
  type === "number"
    ? el("input", { name, type: "number", min: 0, step: "any", inputmode: "decimal" })
    : el("input", { name, autocomplete: "off", maxlength: 128 });

const chosenOf = (node) => (node.multiple ? [...node.selectedOptions].map((option) => option.value) : node.value);

function field([name, input, label = say(name), hint = null]) {
  const id = `form-${name.replaceAll(/[^\w]/g, (letter) => letter.codePointAt(0).toString(16))}`;
  input.id = id;
  const needed = NEEDED.includes(name);
  if (needed) input.setAttribute("aria-required", "true");
  return el(
    "p",
    { class: "field", "data-field": name },
    el("label", { for: id }, label, needed && el("span", { class: "small" }, ` ${say("needed")}`)),
    input,
    hint && el("span", { class: "hint" }, hint),
    el("span", { class: "fault", id: `${id}-fault`, hidden: true }),
  );
}

function creativeOf(form) {
  const creative = { tags: {} };
  for (const node of form.elements) {
    const held = chosenOf(node);
    if (!node.name || held.length === 0 || (typeof held === "string" && !held.trim())) continue;
    if (node.name.startsWith("tags.")) creative.tags[node.name.slice(5)] = held;
    else creative[node.name] = node.type === "number" ? Number(held) : held.trim();
  }
  return creative;
}

// Shows faults next to their fields; returns those that have no field here.
export function showFaults(form, faults, words) {
  const rest = [];
  let first = null;
  for (const box of form.querySelectorAll("[data-field]")) {
    const input = box.querySelector("input, select, textarea");
    const message = box.querySelector(".fault");
    const own = faults.filter((fault) => fault.field === box.dataset.field);
    message.hidden = !own.length;
    message.textContent = own.map(words).join(" ");
    if (own.length) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", message.id);
      first ??= input;
    } else {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }
  const known = new Set([...form.querySelectorAll("[data-field]")].map((box) => box.dataset.field));
  for (const fault of faults) if (!known.has(fault.field)) rest.push(fault);
  first?.focus();
  return rest;
}

export const unfilled = (creative) =>
  NEEDED.filter((name) => !creative[name]).map((field) => ({ field, problem: say("needed"), hint: "", zh: say("needed") }));
