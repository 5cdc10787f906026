// The page put together: what is there, what happens when something is touched, what is drawn anew.

import { drawMissing, drawModel } from "./around.js";
import { get, Refusal, useKey } from "./ask.js";
import { byId, el, put } from "./dom.js";
import { csv, save, xlsx } from "./download.js";
import { fillMissing, newRow, ofRefusal, readFiles } from "./files.js";
import { drawForm, showFaults, unfilled } from "./form.js";
import { drawPlan, makePlan } from "./plan.js";
import { predictAll } from "./predict.js";
import { drawProblems, told } from "./problems.js";
import { commonOf, keyOf, ordered, targetsOf } from "./rows.js";
import { asCells, planCells } from "./sheet.js";
import { story } from "./story.js";
import { drawTable, drawTabs, drawVerdicts, PAGE } from "./table.js";
import { colon, knows, language, learnTargets, localised, ownNames, say, sayStatic, useLanguage } from "./words.js";

const state = {
  model: null,
  level: 0.8,
  rows: [],
  problems: [],
  common: new Set(),
  keyWrong: false,
  unready: null,
  status: null,
  plan: null,
  planStale: false,
  view: { tab: "all", by: "chance", drawn: "net_roi", rising: false, verdict: "all", search: "", page: 0 },
};

const status = (word, more = {}) => {
  state.status = [word, more];
  byId("status").textContent = word ? say(word, more) : "";
};

const tagLabel = (name) => {
  if (knows(name)) return say(name);
  const feature = state.model?.features.find((one) => one.name === `tag_${name}`);
  return feature ? localised(feature) : name;
};

const fieldLabel = (field) => {
  if (!field) return "";
  const [first, ...rest] = field.split(/[.[]/);
  if (first === "tags" && rest.length) return tagLabel(rest[0].replace("]", ""));
  const attribute = state.model?.attributes.find((one) => one.name === first);
  return knows(first) ? say(first) : attribute ? localised(attribute) : field;
};

const act = {
  sort(name) {
    const { view } = state;
    view.rising = view.by === name ? !view.rising : name === "creative";
    view.by = name;
    view.page = 0;
    drawResults();
    byId("table").querySelector(`th.${CSS.escape(name)} button`)?.focus();
  },
  tab(name) {
    Object.assign(state.view, { tab: name, verdict: "all", page: 0 });
    drawResults();
    byId("tabs").querySelector("[aria-selected=true]").focus();
  },
  verdict(name) {
    Object.assign(state.view, { verdict: name, page: 0 });
    drawResults();
    byId("verdicts").querySelector("[aria-pressed=true]").focus();
  },
  open(row) {
    row.open = !row.open;
    drawResults();
    byId(`row-${row.number}`)?.focus();
  },
  show(row) {
    Object.assign(state.view, { tab: "all", verdict: "all", search: "" });
    byId("search").value = "";
    state.view.page = Math.floor(ordered(state.rows, state.view).indexOf(row) / PAGE);
    row.open = true;
    drawResults();
    byId(`row-${row.number}`).focus();
  },
  turn(by) {
    state.view.page += by;
    drawResults();
    byId("results").focus();
  },
  story: (row) => story(row, state, act),
  target: () => state.view.drawn,
  tag: tagLabel,
  fault: (fault) => `${fieldLabel(fault.field)}${fault.field ? colon() : ""}${told(fault)}`,
  refused: (refusal) => {
    if (!(refusal instanceof Refusal)) throw refusal;
    return el("p", { class: "fault" }, refusalWords(refusal));
  },
};

function refusalWords(refusal) {
  if (refusal.status === 0) return say("no_connection");
  const parts = [refusal.status === 413 ? say("too_large") : ownNames(localised(refusal))];
  if (refusal.code !== "not_planned" || refusal.faults[0]?.creative_id) parts.push(...refusal.faults.slice(0, 3).map(act.fault));
  return parts.join(" ") + (refusal.requestId ? ` [${say("request")} ${refusal.requestId.slice(0, 8)}]` : "");
}

// Tags in the order in which teams talk of them.
const TALKED_OF = ["hook", "scene", "face", "script", "style", "viewpoint", "selling_point", "audience", "bgm"];
const inOrder = (tags) => {
  const place = (name) => (TALKED_OF.includes(name) ? TALKED_OF.indexOf(name) : TALKED_OF.length);
  return Object.fromEntries(Object.entries(tags).sort(([one], [other]) => place(one) - place(other)));
};

async function loadModel() {
  state.keyWrong = false;
  state.unready = null;
  try {
    state.model = await get("/v1/model");
    state.model.tags = inOrder(state.model.tags);
    learnTargets(state.model.target_labels);
    if (!targetsOf(state.model).includes(state.view.drawn)) state.view.drawn = targetsOf(state.model)[0];
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    state.model = null;
    if ([401, 403].includes(refusal.status)) state.keyWrong = true;
    else state.unready = refusal;
  }
  drawAll();
}

async function takeFiles(files) {
  if (!files.length) return;
  await inTurn(async () => {
    if (!state.model) return status("not_ready");
    const found = await readFiles(files, state.rows, state.model.limits.body_bytes, (name) =>
      status("reading", { name }),
    );
    state.problems = [...found, ...state.problems].slice(0, 500);
    await predictNew();
    byId("missing-0")?.focus();
    if (found.some((problem) => problem.severity === "file")) byId("problems").focus();
  });
}

function fill({ part, rows }, value) {
  fillMissing(rows, part, value);
  inTurn(async () => {
    await predictNew();
    byId("missing-0")?.focus();
  });
}

async function predictNew() {
  const ready = state.rows.filter((row) => !row.prediction && !row.missing.length && !row.faults.length);
  dropPlan();
  if (!ready.length) status(state.rows.length ? null : "nothing_new");
  else {
    await predictAll(ready, state.model.limits.creatives, (done, all) => {
      status("predicting", { done, all });
    });
    const n = ready.filter((row) => row.prediction).length;
    status(n < ready.length ? "done_faults" : "done", { n, bad: ready.length - n });
  }
  drawAll();
}

// One thing at a time, a second click does nothing; what the service refuses is shown.
let running = null;
async function guarded(work) {
  if (running) return;
  running = shown(work);
  await running;
}

// Files and values that were given while something runs are taken after it.
async function inTurn(work) {
  while (running) await running.catch(() => {}); // whoever started it hears of its failure
  await guarded(work);
}

async function shown(work) {
  document.body.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (refusal.status === 401) state.keyWrong = true;
    state.problems = [...ofRefusal(refusal), ...state.problems];
    status(null);
    drawAll();
  } finally {
    running = null;
    document.body.removeAttribute("aria-busy");
  }
}

async function submitForm(creative) {
  const form = byId("form");
  const faults = unfilled(creative);
  showFaults(form, faults, act.fault);
  if (faults.length) return;
  await guarded(async () => {
    const row = newRow(creative, { name: null, open: true });
    await predictAll([row], state.model.limits.creatives, () => {});
    const rest = showFaults(form, row.faults, act.fault);
    if (rest.length) status(null);
    if (row.faults.length) {
      byId("status").textContent = rest.map(act.fault).join(" ");
      return;
    }
    state.rows = [row, ...state.rows.filter((one) => keyOf(one.creative) !== keyOf(creative))];
    Object.assign(state.view, { tab: "all", verdict: "all" });
    dropPlan();
    status("done", { n: 1 });
    drawAll();
    byId(`row-${row.number}`)?.scrollIntoView({ block: "nearest" });
  });
}

// A plan is of the rows that were there: once they change it goes.
function dropPlan() {
  state.planStale = state.plan !== null || state.planStale;
  state.plan = null;
  for (const row of state.rows) row.plan = null;
}

async function submitPlan(event) {
  event.preventDefault();
  const form = byId("plan-form");
  const asked = {};
  for (const name of ["budget_cny", "launch"]) {
    const value = byId(name).valueAsNumber;
    if (!Number.isNaN(value)) asked[name] = value;
  }
  await guarded(async () => {
    planFaults(form, []);
    dropPlan();
    status("planning");
    try {
      state.plan = await makePlan(state.rows, state.model, asked);
      state.planStale = false;
      status("planned_now");
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || refusal.status === 401) throw refusal;
      status(null);
      planFaults(form, faultsOf(refusal));
    }
    drawPlan(byId("plan-view"), state, act);
    drawResults();
    if (state.plan) byId("plan-view").focus();
  });
}

// What is wrong with a plan, at its field; a refusal in the service's own words where it has them in both languages.
function faultsOf(refusal) {
  const whole = { field: null, said: refusal.status === 413 ? say("plan_too_large") : refusalWords(refusal) };
  const [fault] = refusal.faults;
  if (refusal.code === "not_planned" && fault && !fault.creative_id) return [{ field: fault.field, said: ownNames(localised(refusal)) }];
  return refusal.faults.length ? refusal.faults.map((one) => ({ ...one, said: act.fault(one) })) : [whole];
}

function planFaults(form, faults) {
  const rest = showFaults(form, faults, (fault) => fault.said);
  byId("plan-fault").hidden = !rest.length;
  byId("plan-fault").textContent = rest.map((fault) => fault.said).join(" ");
}

function drawAll() {
  sayStatic({ days: state.model?.outcome_days ?? "–" });
  document.title = `gpmcast · ${say("ask_title")}`;
  byId("language").textContent = say("other_language");
  byId("language").lang = language() === "zh" ? "en" : "zh-CN";
  drawModel(state, refusalWords, guarded);
  drawMissing(state, fill);
  drawProblems(byId("problems"), byId("problems-title"), byId("problem-list"), state.problems, fieldLabel, refusalWords);
  byId("plan").hidden = !state.rows.some((row) => row.prediction);
  drawPlan(byId("plan-view"), state, act);
  drawResults();
  if (state.status) status(...state.status);
  if (state.model) drawForm(byId("form"), state.model, tagLabel, submitForm);
}

function drawResults() {
  if (targetsOf(state.model).includes(state.view.by)) state.view.drawn = state.view.by;
  const any = state.rows.length > 0 && state.model !== null;
  byId("empty").hidden = any;
  byId("with-rows").hidden = !any;
  if (!any) return;
  const { view } = state;
  const option = (value, text, now) => el("option", { value, selected: value === now }, text);
  drawTabs(byId("tabs"), state, act);
  drawVerdicts(byId("verdicts"), state, act);
  const sorts = [...targetsOf(state.model), "chance", "hit", "money", "verdict", "creative"];
  if (state.plan) sorts.unshift("plan");
  byId("plan-beside").hidden = !state.plan;
  put(byId("sort"), sorts.map((name) => option(name, say(name), view.by)));
  const common = commonOf(state.rows);
  state.common = new Set(common.map((one) => one.zh));
  put(byId("common"), common.map((one) => el("li", {}, localised(one))));
  byId("common").hidden = !common.length;
  drawTable(byId("table"), byId("pages"), state, act);
}

function listen() {
  byId("language").addEventListener("click", () => {
    useLanguage(language() === "zh" ? "en" : "zh");
    drawAll();
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(byId("key").value);
    guarded(loadModel);
  });
  byId("files").addEventListener("change", async (event) => {
    const files = [...event.target.files];
    await takeFiles(files);
    event.target.value = "";
  });
  const drop = byId("drop");
  for (const name of ["dragover", "dragleave", "drop"])
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") takeFiles([...event.dataTransfer.files]);
    });
  byId("search").addEventListener("input", (event) => {
    Object.assign(state.view, { search: event.target.value, page: 0 });
    drawResults();
  });
  byId("sort").addEventListener("change", (event) => {
    Object.assign(state.view, { by: event.target.value, rising: event.target.value === "creative", page: 0 });
    drawResults();
  });
  byId("plan-form").addEventListener("submit", submitPlan);
  byId("plan-csv").addEventListener("click", () => save(csv(planCells(state.plan)), "gpmcast-plan.csv", "text/csv;charset=utf-8"));
  byId("plan-xlsx").addEventListener("click", () => save(xlsx(planCells(state.plan)), "gpmcast-plan.xlsx"));
  byId("csv").addEventListener("click", () => save(csv(asCells(state, act.fault)), "gpmcast.csv", "text/csv;charset=utf-8"));
  byId("xlsx").addEventListener("click", () => save(xlsx(asCells(state, act.fault)), "gpmcast.xlsx"));
  byId("clear").addEventListener("click", () => {
    Object.assign(state, { rows: [], problems: [], plan: null, planStale: false });
    planFaults(byId("plan-form"), []);
    Object.assign(state.view, { tab: "all", verdict: "all" });
    status(null);
    drawAll();
    byId("files").focus();
  });
}

useLanguage("zh");
listen();
guarded(loadModel);
