// The table as cells of a file, in the order shown, all pages.

import { ordered, statusOf, targetsOf, verdictOf } from "./rows.js";
import { localised, say } from "./words.js";

const WHO = [
  "place", "creative_id", "creative", "promotion_type", "account_id", "product_id", "product_name", "creator_id",
  "creator_name", "status", "verdict", "reason", "stake", "test",
];

export function asCells(state) {
  const targets = targetsOf(state.model);
  const tags = [...new Set(state.rows.flatMap((row) => Object.keys(row.creative.tags || {})))];
  const ranked = state.rows.some((row) => row.rank);
  const head = WHO.map((name) => say(name));
  for (const name of targets) head.push(...["mean", "low", "high"].map((part) => `${say(name)} ${say(part)}`));
  head.push(say("roi_target"), say("chance"), say("hit"));
  if (ranked) head.push(say("chance_in_top"), say("funded"));
  head.push(...tags.map((name) => say(name)), say("warnings"), say("file"));
  const lines = ordered(state.rows, state.view).map((row, place) => {
    const { creative, prediction } = row;
    const kind = creative.promotion_type;
    const line = [
      place + 1, creative.creative_id, row.name, kind ? say(kind) : "", creative.account_id, creative.product_id,
      row.product_name, creative.creator_id, row.creator_name,
      prediction ? say(statusOf(row)) : "", say(verdictOf(row)),
      prediction ? localised(prediction.verdict) : row.faults.map((fault) => `${fault.field}: ${fault.problem}`).join("; "),
      prediction?.stake_cny, prediction?.test_cny,
    ];
    for (const name of targets) {
      const found = prediction?.targets[name];
      line.push(found?.value, found?.low, found?.high);
    }
    line.push(prediction?.asked_roi, prediction?.chance_of_target, prediction?.hit_chance);
    if (ranked) line.push(row.rank?.chance_in_top, row.rank ? say(row.rank.funded ? "yes" : "no") : "");
    line.push(...tags.map((name) => [creative.tags?.[name] ?? ""].flat().join("、")));
    line.push((prediction?.warnings || []).map(localised).join(" "), row.row ? `${row.file} ${say("row", { row: row.row })}` : row.file);
    return line;
  });
  return [head, ...lines];
}
