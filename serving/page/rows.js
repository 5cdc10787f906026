// What a row is: its status and verdict, its values, and which rows a view shows in which order.

export const STATUSES = ["running", "waiting", "stopped"];
export const VERDICTS = ["scale", "hold", "bid_less", "watch", "stop", "first", "reserve", "skip", "stopped", "none", "faulty"];

// Names of the model's targets as columns: rates from net ROI to GPM, then later volume.
export const targetsOf = (model) => {
  const cards = model?.target_labels ?? [];
  return [...cards.filter((card) => card.rate).reverse(), ...cards.filter((card) => !card.rate)].map((card) => card.name);
};

// The ROI that decisions are about; of a model without spend its first target.
export const rateOf = (model) => ["net_roi", "roi"].find((name) => targetsOf(model).includes(name)) ?? targetsOf(model)[0];

export const keyOf = (of) => JSON.stringify([of.promotion_type, of.account_id, of.creative_id]);

export const statusOf = (row) => row.prediction?.status ?? "faulty";

// The verdict; of a stopped creative that it has stopped, of a row without a prediction that it is faulty.
export function verdictOf(row) {
  if (!row.prediction) return "faulty";
  if (row.prediction.verdict.name) return row.prediction.verdict.name;
  return row.prediction.status === "stopped" ? "stopped" : "none";
}

// CNY at stake of what runs, CNY of a test of what waits.
export const moneyOf = (row) => row.prediction?.stake_cny ?? row.prediction?.test_cny ?? null;
export const nameOf = (row) => row.name || row.creative.creative_id || "";

const VALUES = {
  creative: (row) => nameOf(row),
  verdict: (row) => -VERDICTS.indexOf(verdictOf(row)),
  money: moneyOf,
  chance: (row) => row.prediction?.chance_of_target ?? null,
  hit: (row) => row.prediction?.hit_chance ?? null,
  plan: (row) => (!row.plan ? null : row.plan.standing === "launch" ? 1e12 + row.plan.gain : (row.plan.today ?? -1)),
};
export const valueOf = (row, by) => (VALUES[by] ? VALUES[by](row) : (row.prediction?.targets[by]?.value ?? null));

// The rows of the tab.
export const ofTab = (rows, view) => rows.filter((row) => view.tab === "all" || statusOf(row) === view.tab);

// The rows in order: best first as a rule; what has no value comes last either way.
export function ordered(rows, view) {
  const sign = view.rising ? 1 : -1;
  const compare = (one, other) => {
    const [a, b] = [valueOf(one, view.by), valueOf(other, view.by)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b, "zh") : a - b);
  };
  const even = (one, other) => (valueOf(other, view.drawn) ?? 0) - (valueOf(one, view.drawn) ?? 0);
  const words = view.search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const texts = (row) => JSON.stringify([row.name, row.product_name, row.creator_name, { ...row.creative, metrics: undefined }]).toLowerCase();
  return ofTab(rows, view)
    .filter((row) => view.verdict === "all" || verdictOf(row) === view.verdict)
    .filter((row) => !words.length || words.every((word) => texts(row).includes(word)))
    .map((row, place) => [row, place])
    .sort(([one, a], [other, b]) => compare(one, other) || even(one, other) || a - b)
    .map(([row]) => row);
}

// Warnings that apply to every creative: shown once.
export function commonOf(rows) {
  const predicted = rows.filter((row) => row.prediction);
  if (predicted.length < 2) return [];
  const counts = new Map();
  for (const row of predicted) for (const one of row.prediction.warnings) counts.set(one.zh, (counts.get(one.zh) || 0) + 1);
  return predicted[0].prediction.warnings.filter((one) => counts.get(one.zh) === predicted.length);
}
