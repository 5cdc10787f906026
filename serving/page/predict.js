// Asks for predictions of many rows: in batches that fit a request, without the rows that are refused.

import { post, Refusal } from "./ask.js";

const BATCH = 200;
const MOST_LETTERS = 1_500_000; // three bytes each at most, well below the service's 8 MB
const PLACE = /^creatives\[(\d+)\]\.?(.*)$/;

export async function predictAll(rows, most, progress) {
  let done = 0;
  for (const batch of batches(rows, Math.min(BATCH, most))) {
    await predictBatch(batch);
    progress((done += batch.length), rows.length);
  }
}

function* batches(rows, most) {
  let batch = [];
  let letters = 0;
  for (const row of rows) {
    const size = JSON.stringify(row.creative).length;
    if (batch.length && (batch.length === most || letters + size > MOST_LETTERS)) {
      yield batch;
      [batch, letters] = [[], 0];
    }
    batch.push(row);
    letters += size;
  }
  if (batch.length) yield batch;
}

async function predictBatch(batch, patience = 4) {
  if (!batch.length) return;
  try {
    const answer = await post("/v1/predict", { creatives: batch.map((row) => row.creative) });
    answer.predictions.forEach((prediction, place) => {
      Object.assign(batch[place], { prediction, faults: [], explained: null, tried: [] });
    });
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if ((refusal.status === 429 || refusal.status === 503) && patience) {
      await new Promise((go) => setTimeout(go, 1000 * Math.min(refusal.after, 10)));
      return predictBatch(batch, patience - 1);
    }
    if ([408, 413, 504].includes(refusal.status) && batch.length > 1) {
      const half = batch.length >> 1;
      await predictBatch(batch.slice(0, half), patience);
      return predictBatch(batch.slice(half), patience);
    }
    const wrong = faultsByRow(refusal, batch);
    if (!wrong.size) throw refusal;
    for (const [row, faults] of wrong) Object.assign(row, { faults, prediction: null });
    await predictBatch(
      batch.filter((row) => !wrong.has(row)),
      patience,
    );
  }
}

function faultsByRow(refusal, batch) {
  const wrong = new Map();
  for (const fault of refusal.faults) {
    const [, place, field] = PLACE.exec(fault.field || "") || [];
    const row = batch[Number(place)];
    if (row) wrong.set(row, [...(wrong.get(row) || []), { ...fault, field }]);
  }
  return wrong;
}

// One row with its contributions.
export async function explain(row) {
  if (row.explained) return row.explained;
  const { creative } = row;
  const answer = await post("/v1/predict", { creatives: [creative], explain: true, top: 40 });
  if (row.creative === creative) row.explained = answer.predictions[0].explanation;
  return answer.predictions[0].explanation;
}

// The same creative with one tag changed; an empty value takes the tag away.
export async function whatIf(creative, tag, value) {
  const { [tag]: _, ...others } = creative.tags || {};
  const tags = value === "" || value.length === 0 ? others : { ...others, [tag]: value };
  const answer = await post("/v1/predict", { creatives: [{ ...creative, tags }] });
  return answer.predictions[0];
}
