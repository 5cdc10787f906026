// The card of a creative: a dialog, addressable by #c=<index>, and the same card on paper.
(() => {
  const { core, el, svg, plain, number, whole, share, missing, language } = report;
  const { data, both, date, estimate, likely, mean, shown, daysOf, tagText, named, kindOf, status, reason, badge, inLanguage, ideaSize } = creatives;
  const say = (name, given) => report.text(`card_${name}`, given);
  const told = (name, given) => plain(`card_${name}`, given);
  const times = (factor) => `×${factor.toFixed(2)}`;
  const link = (row) => el("button", { type: "button", class: "link", click: () => creatives.open(row) }, core.names[row]);
  const stageWords = (place) => data.stages[place].slice(2);

  // A rate as the trade shows it: refunds as the share that is lost, cost per 1 000 impressions.
  const rate = (place, value) => {
    const kind = data.stages[place][1];
    return missing(value) ? "–" : kind === "refund" ? `${(100 * (1 - value)).toFixed(1)}%` : kind === "cost" ? number(1000 * value) : kind === "rate" ? `${(100 * value).toFixed(value < 0.1 ? 2 : 1)}%` : number(value);
  };
  const benchmark = (row, place) => data.benchmarks[`${report.value("account_id", row)} ${report.value("promotion_type", row)}`]?.[data.stages[place][0]]?.[0] ?? null;
  // Neither colour where the place and the account's mean disagree: a few large creatives make the mean.
  const placeBar = (percent, better) => {
    const tone = percent >= 60 && better !== false ? "good" : percent < 40 && better !== true ? "bad" : "middle";
    return svg("svg", { class: "place", viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: "track", x: 0, y: 2, width: 100, height: 10 }), svg("rect", { class: `fill ${tone}`, x: 0, y: 2, width: percent, height: 10 }), svg("line", { class: "half", x1: 50, x2: 50, y1: 0, y2: 14 }));
  };
  // Whether the creative's rate is better than the account's mean; null where either is not known.
  const betterThanMean = (row, place) => {
    const own = data.steps[place].rate[row], usual = benchmark(row, place);
    return missing(own) || missing(usual) ? null : data.stages[place][1] === "cost" ? own < usual : own > usual;
  };
  const heads = (...names) => el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name ? say(name) : ""))));

  const leakLine = (row) => {
    const place = data.leak[row];
    if (status(row) === "waiting") return say("leak_waiting");
    if (place < 0) return say(data.steps.some((step) => "12".includes(step.seen[row])) ? "no_leak" : "leak_unknown");
    const own = data.steps[place].rate[row], usual = benchmark(row, place), refund = data.stages[place][1] === "refund";
    const factor = refund ? (1 - own) / (1 - usual) : own / usual;
    const percent = `${Math.abs(100 * (factor - 1)).toFixed(0)}%`;
    const words = [0, 1].map((n) => core.words[`card_${factor >= 1 ? "better" : "worse"}`][n].replace("{n}", percent));
    return both(core.words.card_leak_line.map((line, n) => line.replace("{step}", stageWords(place)[n]).replace("{own}", rate(place, own)).replace("{mean}", rate(place, usual)).replace("{times}", words[n]).replace("{place}", `${data.steps[place].place[row]}%`)));
  };
  const steps = (row) => el("div", {}, el("h4", {}, say("steps_title")), el("p", { class: "lead-line" }, leakLine(row)),
    el("table", { class: "steps" }, heads("step", "own", "account_mean", "place", ""), el("tbody", {}, ...data.stages.map((_, place) => {
      // "3": too little was seen of a creative that has stopped, so nothing is told of this step.
      const step = data.steps[place], untold = step.seen[row] === "3", percent = untold ? null : step.place[row], own = untold ? "–" : rate(place, step.rate[row]);
      return el("tr", { class: ["guess", "", "clear", ""][step.seen[row]] }, el("th", { scope: "row" }, both(stageWords(place))),
        el("td", {}, step.seen[row] === "0" ? say("predicted", { n: own }) : own),
        el("td", {}, rate(place, benchmark(row, place))), el("td", {}, percent === null ? "–" : `${percent}%`), el("td", { class: "bar" }, percent === null ? "" : placeBar(percent, step.seen[row] === "0" ? null : betterThanMean(row, place))));
    }))), el("p", { class: "note-small" }, say("how_steps")));

  const daysChart = (row) => {
    const days = daysOf(row), most = Math.max(...days, 1), wide = 560, step = wide / Math.max(days.length, 7), best = data.peakEnd[row];
    const first = data.firstDay[row], y = (value) => 116 - (value / most) * 96;
    return svg("svg", { class: "days", viewBox: `0 0 ${wide} 150`, role: "img", "aria-label": told(data.dailyColumn === "spend_cny" ? "daily_spend" : "daily_volume") },
      svg("line", { x1: 0, x2: wide, y1: 116, y2: 116 }),
      ...days.map((value, n) => svg("rect", { class: best !== null && n <= best && n > best - 3 ? "best" : "", x: (n * step + 1).toFixed(1), y: y(value).toFixed(1), width: Math.max(step - 2, 1).toFixed(1), height: (116 - y(value)).toFixed(1) })),
      svg("text", { x: 0, y: 14 }, whole(most)), svg("text", { x: 0, y: 138 }, date(first).slice(5)),
      ...(days.length > 1 ? [svg("text", { x: Math.min((days.length - 1) * step + step / 2, wide - 20), y: 138, "text-anchor": "middle" }, days.length * step > 110 ? date(first + days.length - 1).slice(5) : "")] : []));
  };
  const life = (row) => {
    if (!data.daily[row].length) return el("div", {}, el("h4", {}, say("life_title")), el("p", {}, say("life_none")), toCome(row));
    const facts = [say("life_days", { days: data.days[row], since: date(data.firstDay[row] - (data.days[row] - daysOf(row).length)) }), data.peak[row] === null ? "" : say("life_peak", { n: whole(data.peak[row]) }), say("life_recent", { n: whole(data.recent[row]) })];
    return el("div", {}, el("h4", {}, say("life_title")), el("p", { class: "lead-line" }, el("b", {}, report.text(`phase_${data.phases[data.phase[row]]}`)), ...facts.filter(Boolean).flatMap((one) => [" · ", one])),
      el("figure", {}, el("figcaption", {}, say(data.dailyColumn === "spend_cny" ? "daily_spend" : "daily_volume")), daysChart(row)), toCome(row), el("p", { class: "note-small" }, say("how_life")));
  };
  const toCome = (row) => el("p", {}, say(data.targetNames[data.volume] === "later_spend_cny" ? "life_come_spend" : "life_come", { days: data.windowDays }), " ", likely(data.volume, row), " · ", mean(data.volume, row));

  // What a feature group stands for on this card: its tag, the name of the KOC or product, a number.
  const valueOf = (group, row) => group.split("*").map((one) => one === "creator_id" || one === "product_id" ? named(one, row) : tagText(data.attributeOf[one] ?? one, row)).filter(Boolean).join(" × ");
  const bar = (from, to, low, high, kind) => {
    const x = (log) => 4 + (92 * (log - low)) / Math.max(high - low, 1e-6);
    const shape = from === to ? svg("rect", { class: "end", x: x(to) - 0.8, y: 1, width: 1.6, height: 16 }) : svg("rect", { class: `${to >= from ? "more" : "less"} ${kind}`, x: Math.min(x(from), x(to)), y: 3, width: Math.max(Math.abs(x(to) - x(from)), 0.6), height: 12 });
    return svg("svg", { class: "fallbar", viewBox: "0 0 100 18", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("line", { class: "line", x1: x(0) , x2: x(0), y1: 0, y2: 18 }), shape);
  };
  const fall = (place, row) => {
    const [start, actual, level, others, own, ...rest] = data.falls[place][row].map((value, n) => n === 1 ? value : value / 1e4);
    const parts = [];
    if (Math.abs(level) > 5e-4) parts.push({ words: core.words.card_fall_level, log: level });
    for (let n = 0; n < rest.length; n += 3) {
      const group = Math.round(rest[n] * 1e4);
      parts.push({ words: data.groups[group], value: valueOf(data.groupNames[group], row), log: rest[n + 1], shap: rest[n + 2] });
    }
    if (Math.abs(others) > 5e-4) parts.push({ words: core.words.card_fall_others, log: others });
    if (Math.abs(own) > 5e-4) parts.push({ words: core.words.card_fall_own, log: own, kind: "own" });
    let reached = 0;
    const lines = parts.map((part) => ({ ...part, from: reached, to: (reached += part.log) }));
    const low = Math.min(0, ...lines.map((line) => line.to)), high = Math.max(0, ...lines.map((line) => line.to));
    const line = (label, factor, log, drawn, kind) => el("tr", { class: kind }, el("th", { scope: "row" }, ...label), el("td", {}, factor), el("td", {}, number(Math.exp(start + log))), el("td", { class: "bar" }, drawn));
    return el("div", {}, el("h4", {}, both(core.words[status(row) === "stopped" ? "card_fall_title_again" : "card_fall_title"].map((words, n) => words.replace("{target}", data.targets[place][n]).replace("{n}", number(estimate(place, row)[0]))))),
      el("table", { class: "falls" }, heads("part", "times", "reached", ""), el("tbody", {},
        line([say(actual ? "fall_start" : "fall_model_start")], "", 0, bar(0, 0, low, high, ""), "end"),
        ...lines.map((one) => line([both(one.words), one.value ? ` = ${one.value}` : "", one.shap ? el("small", {}, say("shap_part", { n: times(Math.exp(one.shap)) })) : ""], times(Math.exp(one.log)), one.to, bar(one.from, one.to, low, high, one.kind ?? ""), "")),
        line([say("fall_end")], "", reached, bar(reached, reached, low, high, ""), "end"))));
  };

  const volume = (row) => {
    if (status(row) === "stopped") return "";
    const low = data.low[row], title = el("h4", {}, say("volume_title"));
    if (!low) return el("div", {}, title, el("p", {}, say("volume_fine")));
    const [expected, usual, usualTarget, causes] = low;
    const what = core.words[data.targetNames[data.volume] === "later_spend_cny" ? "card_volume_spend" : "card_volume_impressions"];
    const line = ([kind, name, factor]) => {
      const n = factor === null ? "" : kind === "fading" ? share(factor) : times(factor), place = kind === "group" ? data.groupNames.indexOf(name) : -1, value = kind === "group" ? valueOf(name, row) : "";
      if (name === "roi_target" && usualTarget !== null) return say("cause_roi_target", { value, usual: number(usualTarget), n });
      if (kind === "group") return both(core.words.card_cause_group.map((words, k) => words.replace("{group}", data.groups[place][k]).replace("{value}", value ? ` = ${value}` : "").replace("{n}", n)));
      return say(`cause_${kind}`, { n, name: kind === "idea" ? core.names[data.ideaGroups[data.idea[row]][0]] : name });
    };
    return el("div", {}, title, el("p", {}, both(core.words.card_volume_low.map((words, k) => words.replace("{what}", what[k]).replace("{n}", whole(expected)).replace("{usual}", whole(usual))))),
      causes.length ? el("ul", {}, ...causes.map((cause) => el("li", {}, line(cause)))) : el("p", { class: "lead-line" }, say("volume_unknown")),
      causes.length ? el("p", { class: "note-small" }, say("volume_rest")) : "", el("p", { class: "note-small" }, say("how_volume")));
  };

  const idea = (row) => {
    const made = [el("h4", {}, say("idea_title"))], near = data.nearCopy[row];
    if (ideaSize(row)) {
      const group = data.ideaGroups[data.idea[row]];
      made.push(el("p", {}, say("idea_group", { n: group.length })));
      made.push(el("ul", {}, ...group.slice(0, 8).map((other) => {
        const [likeness, ...tags] = data.ideaLikeness[other] ?? [null];
        const shared = tags.length ? say("idea_shared", { names: tags.map((tag) => inLanguage(data.ideaTags[tag])).join(language() === "en" ? ", " : "、") }) : "";
        return el("li", {}, other === row ? el("b", {}, core.names[row]) : link(other), shared ? " · " : "", shared, likeness === null ? "" : " · ", likeness === null ? "" : say("idea_copy", { n: `${likeness}%` }));
      }), ...(group.length > 8 ? [el("li", {}, `+${group.length - 8}`)] : [])));
    } else made.push(el("p", {}, say("idea_alone")));
    if (near && (data.idea[row] < 0 || data.idea[near[0]] !== data.idea[row])) made.push(el("p", {}, say("idea_near", { n: `${near[1]}%` }), " ", link(near[0])));
    return el("div", {}, ...made, el("p", { class: "note-small" }, say("how_ideas")));
  };

  const nearest = (row) => {
    const pairs = data.near[row], lines = [];
    for (let n = 0; n < pairs.length; n += 2) {
      const other = pairs[n], [name, ...outcome] = other >= 0 ? [null, ...data.outcomes[other]] : data.past[-1 - other];
      lines.push(el("tr", {}, el("td", {}, other >= 0 ? link(other) : name), el("td", {}, `${pairs[n + 1]}%`), ...outcome.map((value, k) => el("td", {}, (k === 2 ? whole : number)(value)))));
    }
    const labels = [data.roiLabel, data.gpmLabel, data.targets[data.volume]];
    return el("div", {}, el("h4", {}, say("near_title")), lines.length ? el("div", {}, el("p", { class: "note-small" }, say("first_window", { days: data.windowDays })),
      el("table", { class: "near" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, report.text("column_name")), el("th", { scope: "col" }, say("similarity")), el("th", { scope: "col" }, both(labels[0])), el("th", { scope: "col" }, both(labels[1])), el("th", { scope: "col" }, both(core.words[data.targetNames[data.volume] === "later_spend_cny" ? "column_spend_cny" : "column_impressions"])))), el("tbody", {}, ...lines))) : el("p", {}, say("no_past")));
  };

  const facts = (row) => {
    const fact = (words, ...shown) => el("div", {}, el("dt", {}, words), el("dd", {}, ...shown));
    const [impressions, clicks, orders, spend, gmv] = ["impressions", "clicks", "orders", "spend_cny", "gmv_cny"].map((name) => whole(creatives.counted(name)(row)));
    const stopped = status(row) === "stopped", again = (words) => stopped ? core.words.card_if_again.map((line, n) => line.replace("{n}", words[n])) : words;
    // Of a stopped creative what it made comes first; a prediction is about running it again.
    return el("dl", { class: "facts" },
      ...(stopped ? data.actual.map((values, place) => fact(both(core.words.column_actual.map((line, n) => line.replace("{n}", data.targets[place][n]))), el("b", {}, number(values[row])))) : []),
      ...data.targets.map((words, place) => fact(both(again(words)), el("b", {}, likely(place, row)), el("small", {}, mean(place, row), place < data.launch.length && status(row) !== "waiting" ? " · " : "", place < data.launch.length && status(row) !== "waiting" ? say("before_launch", { n: shown(place)(data.launch[place][row]) }) : ""))),
      ...(stopped ? [] : [fact(report.text("column_chance"), el("b", {}, share(data.chance[row])), el("small", {}, report.text("target_line", { n: number(data.asked[row]) }))), fact(report.text("column_hit"), el("b", {}, share(data.hit[row])))]),
      el("div", { class: "two" }, el("dt", {}, say("counted")), el("dd", {}, status(row) === "waiting" ? say("not_counted") : say("counts", { impressions, clicks, orders, spend, gmv }))));
  };
  const tags = (row) => el("div", { class: "chips" }, ...data.tagNames.map((name, place) => [data.tagLabels[place], tagText(name, row)]).filter(([, value]) => value).map(([words, value]) => el("span", { class: "chip" }, both(words), ` ${value}`)));
  const decision = (row) => {
    const stake = data.stake[row], test = data.verdicts[data.verdict[row]] === "skip" ? null : data.test[row];
    return el("p", { class: "lead-line" }, badge(row), both(reason(row)), missing(stake) ? "" : el("b", {}, " ", say(stake >= 0 ? "stake_gain" : "stake_loss", { n: whole(Math.abs(stake)), days: data.windowDays })), missing(test) ? "" : el("b", {}, " ", say("test_line", { n: whole(Number(test.toPrecision(2))) })));
  };
  const owner = (row) => [core.ids[row], report.value("account_id", row), named("product_id", row), named("creator_id", row)].filter(Boolean).join(" · ");
  const halves = (...parts) => el("div", { class: "halves" }, ...parts);
  const falls = (row) => halves(...data.falls.flatMap((column, place) => column[row] ? [fall(place, row)] : []));
  const body = (row) => [decision(row), facts(row), tags(row), halves(steps(row), life(row)), falls(row), el("p", { class: "note-small" }, say("how_fall")), halves(volume(row), idea(row)), nearest(row)];
  // On paper the rules stand once, and what does not apply is left out.
  const sheet = (row) => [decision(row), facts(row), tags(row), halves(steps(row), life(row)), falls(row), halves(data.low[row] ? volume(row) : "", ideaSize(row) ? idea(row) : ""), nearest(row)];
  const rules = ["how_steps", "how_life", "how_fall", "how_volume", "how_ideas"];
  const title = (row, name) => [el("h3", name ? { id: name } : {}, core.names[row]), el("small", {}, both(data.statusLabels[data.statuses.indexOf(status(row))]), " · ", both(kindOf(row)), ` · ${owner(row)}`)];

  const card = document.getElementById("card");
  let opened = -1;
  const draw = () => {
    card.replaceChildren(el("div", { class: "card" }, el("div", { class: "top" }, el("div", {}, ...title(opened, "card-name")), el("button", { type: "button", class: "close", "aria-label": told("close"), click: () => card.close() }, "✕")), ...body(opened)));
    if (!card.open) card.showModal();
    card.scrollTop = 0;
  };
  creatives.open = (row) => { opened = row; if (location.hash !== `#c=${row}`) history.replaceState(null, "", `#c=${row}`); draw(); };
  const addressed = () => { const [, row] = /^#c=(\d+)$/.exec(location.hash) ?? []; if (row !== undefined && Number(row) < core.ids.length) creatives.open(Number(row)); };
  card.addEventListener("close", () => { opened = -1; if (location.hash.startsWith("#c=")) history.replaceState(null, "", location.pathname + location.search); });
  card.addEventListener("click", (event) => { if (event.target === card) card.close(); });
  window.addEventListener("hashchange", addressed);
  report.subscribe(() => { if (opened >= 0) draw(); });
  addressed();

  // On paper: the cards of the creatives that matter most.
  const paper = document.getElementById("printed-cards");
  const print = () => {
    const rows = data.printed.filter(report.passes);
    paper.replaceChildren(el("h3", {}, report.text("cards_printed", { n: rows.length })), ...rules.map((name) => el("p", { class: "small" }, say(name))), ...rows.map((row) => el("div", { class: "card" }, ...title(row), ...sheet(row))));
    paper.hidden = !rows.length;
  };
  window.addEventListener("beforeprint", print);
  window.addEventListener("afterprint", () => { paper.replaceChildren(); paper.hidden = true; });
})();
