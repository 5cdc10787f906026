// The plan of a budget: what is asked, and the answer with the sentences and figures of the report's section.

import { post } from "./ask.js";
import { byId, el, put } from "./dom.js";
import { keyOf, nameOf, rateOf, VERDICTS, verdictOf } from "./rows.js";
import { figure, localised, ownNames, percent, say, whole } from "./words.js";

const ORDER = ["running", "waiting", "stopped"];
const OPEN = 12;

// Rows that a request can hold: those that run, then the waiting with the highest predicted ROI, then the stopped.
function chosen(rows, rate, most) {
  const roi = (row) => row.prediction.targets[rate].value;
  const known = rows.filter((row) => row.prediction && roi(row) !== null);
  const place = (row) => ORDER.indexOf(row.prediction.status);
  return known.sort((one, other) => place(one) - place(other) || roi(other) - roi(one)).slice(0, most);
}

// Asks for a plan of all rows; each row keeps what the plan says of it.
export async function makePlan(rows, model, asked) {
  const sent = chosen(rows, rateOf(model), model.limits.creatives);
  const answer = await post("/v1/plan", { creatives: sent.map((row) => row.creative), ...asked });
  const found = new Map(sent.map((row) => [keyOf(row.creative), row]));
  const of = (part) => answer[part].map((line) => [found.get(keyOf(line)), { ...line, list: part }]);
  const lines = [...of("candidates"), ...of("running"), ...of("left_out")];
  for (const [row, line] of lines) row.plan = line;
  return { answer, rows: lines.map(([row]) => row), left: rows.length - sent.length };
}

export const launched = (row) => row.plan?.standing === "launch";

// What the plan does with a row, in a few words.
export function planned(row) {
  const { plan } = row;
  if (!plan) return say("plan_not_asked");
  if (plan.list === "left_out") return localised(plan.why);
  if (plan.list === "running") return say("plan_today_of", { money: whole(plan.today) });
  return launched(row) ? say("plan_launch_of", { money: whole(plan.test) }) : say(`plan_${plan.standing}`);
}

export function drawPlan(place, state, act) {
  const { plan } = state;
  byId("plan-files").hidden = !plan;
  if (!plan) return put(place, state.planStale && el("p", { class: "hint" }, say("plan_stale")));
  const { answer, rows, left } = plan;
  const { said } = answer;
  const of = (list) => rows.filter((row) => row.plan.list === list);
  const candidates = of("candidates");
  const launches = candidates.filter(launched);
  const others = candidates.filter((row) => !launched(row));
  const calm = (row) => row.plan.call === "watch";
  const moved = (row) => Math.abs(row.plan.today - row.plan.yesterday);
  const running = of("running").sort((one, other) => calm(one) - calm(other) || moved(other) - moved(one));
  const leftOut = of("left_out");
  const text = (words, kind) => localised(words) && el("p", { class: kind }, ownNames(localised(words)));
  return put(
    place,
    text(said.headline, "finding"),
    left > 0 && el("p", { class: "note" }, say("plan_left", { n: left, most: state.model.limits.creatives })),
    answer.summary.candidates > 0 && el("h3", {}, say("plan_launches")),
    text(said.launches, answer.summary.candidates > candidates.length ? "note" : undefined),
    launches.length > 0 && scroll("plan_launches", launchTable(launches, act)),
    others.length > 0 && more("plan_others", others.length, scroll("plan_others", launchTable(others, act))),
    running.length > 0 && [
      el("h3", {}, say("plan_split")),
      text(said.split),
      scroll("plan_split", runningTable(running.slice(0, OPEN), answer.summary.roi, act)),
      running.length > OPEN && more("plan_more", running.length - OPEN, scroll("plan_split", runningTable(running.slice(OPEN), answer.summary.roi, act))),
      text(said.evidence, "hint"),
    ],
    leftOut.length > 0 && more("plan_left_out", leftOut.length, el("ul", { class: "notes" }, leftOut.map((row) => el("li", {}, who(row, act), ` ${localised(row.plan.why)}`)))),
    text(said.platform),
    text(said.promise),
  );
}

const scroll = (title, table) => el("div", { class: "scroll", role: "region", "aria-label": say(title), tabindex: 0 }, table);
const more = (word, n, content) => el("details", {}, el("summary", {}, say(word, { n })), content);

const who = (row, act) => el("button", { type: "button", class: "link", on: { click: () => act.show(row) } }, el("bdi", {}, nameOf(row)));

function whoCell(row, act, notes) {
  const verdict = verdictOf(row);
  const about = [row.name ? row.creative.creative_id : null, say(row.creative.promotion_type), row.product_name, row.creator_name];
  return el(
    "th",
    { scope: "row", class: "name" },
    who(row, act),
    el("span", { class: "about" }, el("bdi", {}, about.filter(Boolean).join(" · "))),
    VERDICTS.includes(verdict) && el("span", { class: "about" }, `${say("verdict")} `, el("span", { class: `badge ${verdict}` }, say(verdict))),
    notes && el("span", { class: "differs" }, notes),
  );
}

// A cell that on a phone says what it is.
const cell = (word, ...content) => el("td", { class: "number", "data-label": say(word) }, content);
const table = (words, body) =>
  el("table", { class: "full plan-table" }, el("thead", {}, el("tr", {}, words.map((word, place) => el("th", { scope: "col", class: place === 0 || place === words.length - 1 ? "left" : null }, say(word))))), el("tbody", {}, body));

// Change in percent with its sign; as a factor where it is fivefold or more.
const changeOf = (share) => (share >= 4 ? `×${Math.round(share + 1)}` : `${share < 0 ? "−" : "+"}${percent(Math.abs(share))}`);

const launchTable = (rows, act) =>
  table(["creative", "plan_test", "plan_minimum", "plan_days", "plan_gain", "plan_why"], rows.map((row) => {
    const { plan } = row;
    const alike = plan.alike > 1 ? say("plan_alike", { n: plan.alike }) : "";
    return el(
      "tr",
      { "data-plan": row.creative.creative_id },
      whoCell(row, act, alike),
      cell("plan_test", launched(row) ? el("strong", {}, whole(plan.test)) : "–"),
      cell("plan_minimum", whole(plan.minimum)),
      cell("plan_days", localised(plan.takes)),
      cell("plan_gain", whole(plan.gain), el("span", { class: "about" }, `${whole(plan.gain_low)}–${whole(plan.gain_high)}`)),
      el("td", { class: "left why" }, localised(plan.why)),
    );
  }));

const runningTable = (rows, roi, act) =>
  table(["creative", "plan_roi", "plan_money", "plan_odds", "plan_evidence"], rows.map((row) => {
    const { plan } = row;
    return el(
      "tr",
      { "data-plan": row.creative.creative_id },
      whoCell(row, act, localised(plan.notes)),
      cell("plan_roi", `${say(roi)} ${figure("ratio", plan.roi)} / ${figure("ratio", plan.target)}`),
      cell("plan_money", `${whole(plan.yesterday)} → `, el("strong", {}, whole(plan.today)), plan.yesterday >= 0.5 && el("span", { class: "about" }, changeOf(plan.change))),
      cell("plan_odds", localised(plan.funded)),
      el("td", { class: "left evidence" }, el("span", { class: `badge ${plan.call}` }, localised(plan.evidence))),
    );
  }));
