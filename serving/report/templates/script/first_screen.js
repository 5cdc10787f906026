// Tiles, what to do today and what to shoot next, for the creatives that pass the filters.
(() => {
  const { el, text, both, number, whole, signed, filters, core, status, verdict, reason, badge } = report;
  const { stake: stakes, asked: targets } = report.data.creatives;
  const data = report.data.first_screen;
  const DAYS = data.days.length;
  const place = new Map(data.of.map((index, row) => [index, row]));
  const ran = Object.fromEntries(Object.entries(data.ran).map(([days, all]) => [days, new Set(all)]));

  // Sum of a measure of one creative over days [from, to).
  const sum = (measure, index, from, to) => {
    const packed = data.series[measure]?.[place.get(index)] ?? [];
    let total = 0;
    for (let day = Math.max(from, packed[0] ?? to); day < Math.min(to, packed[0] + packed.length - 1); day += 1) total += packed[1 + day - packed[0]];
    return total;
  };
  const total = (measure, chosen, from, to) => measure in data.series ? chosen.reduce((all, index) => all + sum(measure, index, from, to), 0) : null;
  const earning = "earning_spend" in data.series ? "earning_spend" : "spend";
  const roi = (chosen, from, to) => {
    const [earned, spend] = [total("earned", chosen, from, to), total(earning, chosen, from, to)];
    return earned !== null && spend ? earned / spend : null;
  };
  // Part of the money that the creative with most of it brought; one that brings most of it is named.
  const largestShare = (chosen, from) => {
    const earned = chosen.map((index) => sum("earned", index, from, DAYS)), all = earned.reduce((one, other) => one + other, 0);
    return all > 0 ? Math.max(...earned) / all : 0;
  };
  const target = (running, from) => {
    let [weight, asked] = [0, 0];
    for (const index of running) {
      if (targets[index] === null) continue;
      const spend = sum("spend", index, from, DAYS);
      weight += spend;
      asked += spend * targets[index];
    }
    return weight ? asked / weight : null;
  };
  const change = (now, before) => { if (now >= 5 * before) return `×${(now / before).toFixed(0)}`; const percent = Math.round(100 * (now / before - 1)); return `${percent < 0 ? "−" : "+"}${Math.abs(percent)}%`; };

  const tile = (name, heading, lines) => {
    const box = document.querySelector(`[data-tile=${name}]`);
    box.replaceChildren(el("dt", {}, heading), ...lines.map(([figure, below]) => el("dd", {}, el("b", {}, figure), el("small", {}, below))));
  };
  const compared = (shown, now, before, days) => [shown, before ? text("than_before", { days, change: change(now, before) }) : text("not_before")];
  const showTiles = (chosen, running, days) => {
    const [from, first] = [DAYS - days, DAYS - 2 * days];
    const before = chosen.filter((index) => ran[days].has(index)).length;
    tile("running", text("tile_running"), [compared(String(running.length), running.length, before, days)]);
    const [spend, spent] = [total("spend", chosen, from, DAYS), total("spend", chosen, first, from)];
    tile("spend", text("tile_spend", { days }), [spend === null ? ["–", text("no_spend")] : compared(whole(spend), spend, spent, days)]);
    const types = [...new Set(chosen.map((index) => core.of.promotion_type[index]))];
    tile("roi", text("tile_roi", { days, roi: data.roi ?? "ROI" }), types.map((type) => {
      const mine = chosen.filter((index) => core.of.promotion_type[index] === type);
      const named = types.length > 1 ? core.promotionTypes[type].map((words) => `${words} `) : ["", ""];
      const now = roi(mine, from, DAYS), asked = target(mine.filter((index) => running.includes(index)), from);
      const shown = both(named.map((words) => words + (data.roi ? number(now) + (asked === null ? "" : ` / ${number(asked)}`) : "–")));
      const one = largestShare(mine, from), was = { value: number(roi(mine, first, from)), share: `${Math.round(100 * one)}%` };
      return [shown, !data.roi ? text("no_money") : now === null ? text("none_spent") : text(one >= data.oneCreative ? "was_one" : "was", was)];
    }));
    const stake = (code) => running.filter((index) => verdict(index) === code);
    const worth = (rows) => rows.reduce((all, index) => all + (stakes[index] ?? 0), 0);
    const [more, less] = [stake("scale"), stake("stop")];
    // The same a period ago, by today's model: what had been reported by then decides.
    const within = new Set(chosen);
    const then = (code) => data.earlier[days][code].reduce((all, [index, stake]) => all + (within.has(index) ? stake : 0), 0);
    const filled = (name, given) => core.words[name].map((words) => words.replace(/{(\w+)}/g, (_, key) => given[key]));
    const was = data.earlier[days] ? filled("stakes_before", { days, was: `${signed(then("scale"))} / ${whole(-then("stop"))}` }) : core.words.not_before;
    tile("stake", text("tile_stake"), [running.some((index) => verdict(index)) ? [`${signed(worth(more))} / ${whole(-worth(less))}`, text("stakes", { was, more: more.length, less: less.length, ahead: data.ahead })] : ["–", text("no_stakes")]]);
  };

  const list = document.getElementById("to-do");
  const line = (index) => el("li", { "data-index": index },
    badge(index),
    el("span", { class: "what" }, el("button", { type: "button", class: "link", click: () => creatives.open(index) }, core.names[index]),
      ...(core.address[index] ? [" ", el("a", { href: core.address[index], rel: "noreferrer noopener", target: "_blank" }, text("video_link"))] : []),
      el("small", {}, both(reason(index)))),
    el("span", { class: "number" }, signed(stakes[index])));
  const showList = (running) => {
    const found = running.filter((index) => verdict(index) && stakes[index]);
    found.sort((a, b) => Math.abs(stakes[b]) - Math.abs(stakes[a]) || a - b);
    list.replaceChildren(...(found.length ? found.slice(0, 10).map(line) : [el("li", { class: "empty" }, text(running.length ? "nothing_to_do" : "nobody_runs"))]));
  };

  // Every decision with its number and money; a click leads to the rows.
  const counts = document.getElementById("counts");
  const showCounts = (chosen, running) => {
    const groups = report.watched(chosen);
    const parts = [
      ...["scale", "hold", "bid_less", "stop"].map((code) => [code, "", report.data.creatives.verdictLabels[report.data.creatives.verdicts.indexOf(code)], running.filter((index) => verdict(index) === code)]),
      ...["first", "soon", "rest"].map((name) => [report.data.creatives.watching.code, name, core.words[`watch_${name}`], groups[name]]),
    ].filter(([, , , rows]) => rows.length);
    const worth = (rows) => rows.reduce((all, index) => all + Math.abs(stakes[index] ?? 0), 0);
    counts.hidden = !parts.length;
    counts.replaceChildren(counts.firstElementChild, ...parts.map(([code, group, label, rows]) => el("button", { type: "button", "data-count": `${code}${group}`, click: () => creatives.look(code, group) }, el("span", { class: `badge ${code}` }, both(label)), " ", text("count_cny", { n: whole(rows.length), cny: whole(worth(rows)) }))));
  };

  // Of the chosen product, else of the chosen KOC, else by account.
  const briefs = document.getElementById("briefs");
  const showBriefs = () => {
    const here = (name, value) => filters[name] < 0 || core.values[name][filters[name]] === value;
    const of = (by) => data.briefs.filter((one) => one.by === by && here("promotion_type", one.type) && here(by, one.of)).slice(0, data.shown);
    const asked = ["product_id", "creator_id"].find((name) => filters[name] >= 0);
    const own = asked ? of(asked) : [], found = own.length ? own : of("account_id");
    const type = (one) => both(core.promotionTypes[core.values.promotion_type.indexOf(one.type)]);
    const name = (one) => core.named[one.by]?.[core.values[one.by].indexOf(one.of)] || one.of;
    document.getElementById("briefs-of").replaceChildren(text(asked && !own.length ? "briefs_too_few" : `briefs_of_${own.length ? asked : "account_id"}`, { least: data.least }));
    briefs.replaceChildren(...found.map((one) => {
      const [what, unlike, gain, proof] = one.lines;
      return el("li", {}, el("b", {}, both(what)), el("small", {}, type(one), ` · ${name(one)}`), el("p", {}, both(gain)), el("small", {}, both(unlike)), el("small", {}, both(proof)));
    }), ...(found.length ? [] : [el("li", { class: "empty" }, both(data.noBriefs))]));
  };

  report.subscribe(({ days }) => {
    const chosen = report.chosen(), running = chosen.filter((index) => status(index) === "running");
    showTiles(chosen, running, days);
    showList(running);
    showCounts(chosen, running);
    showBriefs();
    document.getElementById("few").hidden = chosen.filter((index) => core.known[index]).length >= data.least;
  });
})();
