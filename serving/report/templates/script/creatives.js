// Table of creatives and their cards.
(() => {
  const { el, text, number, whole, share } = report;
  const both = (zh, en) => report.both([zh, en]);
  const draw = report.svg;
  const data = report.data.creatives, texts = report.core.words;
  const [ID, NAME, ACCOUNT, KIND, AGE, VERDICT, ZH, EN, ASKED, CHANCE, HIT, TARGETS, LAUNCH, COUNTS, FALLS, NEAR, TAGS] = Array(17).keys();
  const later = data.targets.length;
  const age = (hours) => hours === 0 ? text("not_launched") : hours < 72 ? text("hours", { n: Math.round(hours) }) : text("days", { n: Math.round(hours / 24) });
  const range = ([, low, high]) => low === null ? text("no_interval") : high <= 0 ? text("no_order") : `${number(low)}–${number(high)}`;

  const wide = ([, low, high]) => low === null ? text("no_interval") : `${whole(low)}–${whole(high)}`;

  const keys = {
    name: (row) => row[NAME], verdict: (row) => Object.keys(data.verdicts).indexOf(row[VERDICT]),
    target0: (row) => row[TARGETS][0][0], chance: (row) => row[CHANCE], later: (row) => row[TARGETS][later][0],
    orders: (row) => row[COUNTS][2], spend: (row) => row[COUNTS][3], age: (row) => row[AGE],
  };
  const body = document.getElementById("rows");
  const state = { sort: "", down: true, text: "", verdict: "*", page: 0 };

  const shown = () => {
    const wanted = state.text.trim().toLowerCase();
    const found = data.rows.map((row, place) => [row, place]).filter(([row, place]) => report.passes(place) &&
      (state.verdict === "*" || row[VERDICT] === state.verdict) &&
      (!wanted || row[NAME].toLowerCase().includes(wanted) || row[ID].includes(wanted) || row[ACCOUNT].includes(wanted) ||
        row[TAGS].some(([, value]) => data.values[value].toLowerCase().includes(wanted))));
    const key = keys[state.sort];
    if (key) {
      const sign = state.down ? -1 : 1;
      found.sort(([a], [b]) => {
        const [x, y] = [key(a), key(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (typeof x === "string" ? x.localeCompare(y, "zh") : x - y);
      });
    }
    return found;
  };
  const line = ([row, place]) => el("tr", { "data-id": row[ID] },
    el("td", { class: "name" }, el("button", { type: "button", title: row[NAME], click: () => open(place) }, row[NAME]), el("small", {}, row[ID])),
    el("td", {}, el("span", { class: `badge ${row[VERDICT]}` }, both(...data.verdicts[row[VERDICT]]))),
    el("td", {}, number(row[TARGETS][0][0]), el("small", {}, range(row[TARGETS][0]))),
    el("td", {}, share(row[CHANCE]), el("small", {}, `≥ ${number(row[ASKED])}`)),
    el("td", {}, whole(row[TARGETS][later][0]), el("small", {}, wide(row[TARGETS][later]))),
    el("td", {}, whole(row[COUNTS][2])), el("td", {}, whole(row[COUNTS][3])), el("td", {}, age(row[AGE])));
  const show = () => {
    const found = shown();
    const pages = Math.max(1, Math.ceil(found.length / data.perPage));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    body.replaceChildren(...found.slice(state.page * data.perPage, (state.page + 1) * data.perPage).map(line));
    document.getElementById("place").replaceChildren(text("page", { page: state.page + 1, pages, n: found.length }));
    for (const head of document.querySelectorAll("th[data-sort]")) head.setAttribute("aria-sort", head.dataset.sort !== state.sort ? "none" : state.down ? "descending" : "ascending");
  };

  const factor = (log, base, money) => `×${Math.exp(log).toFixed(2)}` + (money ? ` (${log < 0 ? "−" : "+"}${number(Math.abs(base * (Math.exp(log) - 1)))})` : "");
  const fall = (place, row) => {
    const [start, bars, others, own] = row[FALLS][place];
    const base = Math.exp(start), money = data.money[place];
    const steps = [...bars.map(([group, log]) => [data.groups[group], log, ""])];
    if (Math.abs(others) > 5e-4) steps.push([texts.others, others, ""]);
    steps.push([data.own, own, " own"]);
    const logs = [start];
    for (const [, log] of steps) logs.push(logs[logs.length - 1] + log);
    const [low, high] = [Math.min(...logs), Math.max(...logs)], pad = Math.max((high - low) * 0.06, 0.03);
    const x = (log) => 150 + 290 * (log - low + pad) / (high - low + 2 * pad);
    const picture = draw("svg", { viewBox: `0 0 560 ${22 * (steps.length + 2) + 6}`, class: "fall", role: "img", "aria-label": data.targets[place].join(" ") });
    const label = (y, named) => ["zh", "en"].forEach((lang, n) => picture.append(draw("text", { x: 142, y: y + 13, class: `right ${lang}` }, named[n])));
    const end = (y, named, log) => { label(y, named); picture.append(draw("rect", { x: x(log) - 1.5, y: y + 2, width: 3, height: 15, class: "end" }), draw("text", { x: x(log) + 6, y: y + 13 }, number(Math.exp(log)))); };
    end(0, texts.account_baseline, start);
    steps.forEach(([named, log, extra], n) => {
      const y = 22 * (n + 1), [from, to] = [x(logs[n]), x(logs[n + 1])];
      label(y, named);
      picture.append(draw("line", { x1: from, x2: from, y1: y - 5, y2: y + 3 }));
      picture.append(draw("rect", { x: Math.min(from, to), y: y + 3, width: Math.max(Math.abs(to - from), 1), height: 14, class: (log < 0 ? "less" : "more") + extra }));
      picture.append(draw("text", { x: Math.max(from, to) + 5, y: y + 13, class: "soft" }, factor(log, base, money)));
    });
    end(22 * (steps.length + 1), texts.prediction, logs[logs.length - 1]);
    return picture;
  };

  const card = document.getElementById("card");
  const open = (place) => {
    const row = data.rows[place];
    const [impressions, clicks, orders, spend, gmv] = row[COUNTS];
    const figures = data.targets.map((words, n) => el("div", {}, el("dt", {}, both(...words)), el("dd", {}, el("b", {}, number(row[TARGETS][n][0])), " [", range(row[TARGETS][n]), "]", el("small", {}, text("before_launch", { n: number(row[LAUNCH][n]) })))));
    figures.push(
      el("div", {}, el("dt", {}, text("chances")), el("dd", {}, `${share(row[CHANCE])} (≥ ${number(row[ASKED])}) / ${share(row[HIT])}`)),
      el("div", {}, el("dt", {}, text("later")), el("dd", {}, whole(row[TARGETS][later][0]), " [", wide(row[TARGETS][later]), "]")),
      el("div", { class: "two" }, el("dt", {}, text("evidence")), el("dd", {}, text("counts", { impressions: whole(impressions), clicks: whole(clicks), orders: whole(orders), spend: whole(spend), gmv: whole(gmv) }), " · ", age(row[AGE]))));
    const near = row[NEAR].map(([other, name, similarity, roi, gpm, delivered]) => {
      const title = other >= 0 ? data.rows[other][NAME] : name;
      const first = other >= 0 ? el("button", { type: "button", title, click: () => open(other) }, title) : el("span", { title }, title);
      return el("tr", {}, el("td", { class: "name" }, first), el("td", {}, share(similarity)), el("td", {}, number(roi)), el("td", {}, number(gpm)), el("td", {}, whole(delivered)));
    });
    const head = (name) => el("th", {}, text(name));
    card.replaceChildren(
      el("button", { type: "button", class: "close", "aria-label": "关闭 close", click: () => card.close() }, "✕"),
      el("h3", {}, row[NAME]), el("small", {}, `${row[ID]} · ${row[ACCOUNT]} · ${row[KIND]}`),
      el("p", {}, el("span", { class: `badge ${row[VERDICT]}` }, both(...data.verdicts[row[VERDICT]])), " ", both(row[ZH], row[EN])),
      el("dl", { class: "facts" }, ...figures),
      el("div", { class: "chips" }, ...row[TAGS].map(([tag, value]) => el("span", {}, both(...data.tags[tag]), ` ${data.values[value]}`))),
      el("div", { class: "cols" }, ...data.targets.map((words, n) => el("figure", {}, el("figcaption", {}, both(`${words[0]}${texts.fall[0]}`, `${words[1]}${texts.fall[1]}`)), fall(n, row)))),
      el("h3", {}, text("nearest")),
      near.length ? el("div", { class: "scroll" }, el("table", { class: "creatives" }, el("thead", {}, el("tr", {}, head("creative"), head("similarity"), head("roi"), head("gpm"), head("impressions"))), el("tbody", {}, ...near))) : el("p", {}, text("no_past")));
    if (!card.open) card.showModal();
    card.scrollTop = 0;
  };

  for (const head of document.querySelectorAll("th[data-sort]")) head.querySelector("button").addEventListener("click", () => {
    state.down = state.sort === head.dataset.sort ? !state.down : head.dataset.sort !== "name" && head.dataset.sort !== "verdict";
    state.sort = head.dataset.sort; state.page = 0; show();
  });
  document.getElementById("search").addEventListener("input", (event) => { state.text = event.target.value; state.page = 0; show(); });
  document.getElementById("only").addEventListener("change", (event) => { state.verdict = event.target.value; state.page = 0; show(); });
  document.getElementById("before").addEventListener("click", () => { state.page -= 1; show(); });
  document.getElementById("after").addEventListener("click", () => { state.page += 1; show(); });
  card.addEventListener("click", (event) => { if (event.target === card) card.close(); });
  report.subscribe(() => { state.page = 0; show(); });
})();
