// The tables as cells of files: all predictions in the order shown, with `fault` to say what is wrong with a row, and the plan.

import { planned } from "./plan.js";
import { ordered, statusOf, targetsOf, verdictOf } from "./rows.js";
import { localised, say } from "./words.js";

const WHO = [
  "place", "creative_id", "creative", "promotion_type", "account_id", "product_id", "product_name", "creator_id",
  "creator_name", "status", "verdict", "reason", "stake", "test",
];

export function asCells(state, fault) {
  const targets = targetsOf(state.model);
  const tags = [...new Set(state.rows.flatMap((row) => Object.keys(row.creative.tags || {})))];
  const head = WHO.map((name) => say(name));
  for (const name of targets) head.push(...["mean", "low", "high"].map((part) => `${say(name)} ${say(part)}`));
  head.push(say("roi_target"), say("chance"), say("hit"));
  if (state.plan) head.push(say("plan"));
  head.push(...tags.map((name) => say(name)), say("warnings"), say("file"));
  const lines = ordered(state.rows, state.view).map((row, place) => {
    const { creative, prediction } = row;
    const kind = creative.promotion_type;
    const line = [
      place + 1, creative.creative_id, row.name, kind ? say(kind) : "", creative.account_id, creative.product_id,
      row.product_name, creative.creator_id, row.creator_name,
      prediction ? say(statusOf(row)) : "", say(verdictOf(row)),
      prediction ? localised(prediction.verdict) : row.faults.map(fault).join(" "),
      prediction?.stake_cny, prediction?.test_cny,
    ];
    for (const name of targets) {
      const found = prediction?.targets[name];
      line.push(found?.value, found?.low, found?.high);
    }
    line.push(prediction?.asked_roi, prediction?.chance_of_target, prediction?.hit_chance);
    if (state.plan) line.push(planned(row));
    line.push(...tags.map((name) => [creative.tags?.[name] ?? ""].flat().join("、")));
    line.push((prediction?.warnings || []).map(localised).join(" "), row.row ? `${row.file} ${say("row", { row: row.row })}` : row.file);
    return line;
  });
  return [head, ...lines];
}

const PLAN = [
  "plan_part", "creative_id", "creative", "promotion_type", "account_id", "product_id", "product_name", "creator_id",
  "creator_name", "verdict", "roi_target", "plan_forecast", "hit", "plan_minimum", "plan_test", "plan_gain", "plan_gain_low",
  "plan_gain_high", "plan_days_low", "plan_days_high", "plan_spent", "plan_yesterday", "plan_today", "plan_change", "plan_odds",
  "plan_evidence", "plan_why",
];

// One row a creative: launches, the other candidates, those that run, and those in neither list.
export function planCells({ rows }) {
  const lines = rows.map((row) => {
    const { creative, plan } = row;
    const why = [plan.why, plan.notes].filter(Boolean).map(localised).join(" ");
    return [
      plan.list === "candidates" ? planned(row) : say(plan.list === "running" ? "running" : "plan_out"),
      creative.creative_id, row.name, say(creative.promotion_type), creative.account_id, creative.product_id,
      row.product_name, creative.creator_id, row.creator_name, say(verdictOf(row)),
      plan.target, plan.roi, plan.hit_chance, plan.minimum, plan.test, plan.gain, plan.gain_low, plan.gain_high,
      plan.days_low, plan.days_high, plan.spent, plan.yesterday, plan.today, plan.change, plan.propensity,
      plan.evidence ? localised(plan.evidence) : "", why,
    ];
  });
  return [PLAN.map((name) => say(name)), ...lines];
}
