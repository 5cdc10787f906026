// KOC × product × price: whom to give a product, what a KOC does best, which price.
(() => {
  const view = document.getElementById("koc-view");
  if (!view) return;
  const { el, svg, both } = report;
  const data = report.data.kocs;
  const [UNCLEAR, MOST] = [2, 10];
  const chosen = { type: data.types[0].type, product: -1, koc: -1, all: false, sort: -1 };
  for (const part of document.querySelectorAll("#kocs .static")) part.hidden = true; // it is what is printed

  const words = (name, given = {}) => data.words[name].map((text, language) => text.replace(/{(\w+)}/g, (_, key) => Array.isArray(given[key]) ? given[key][language] : given[key]));
  const say = (name, given) => both(words(name, given));
  const times = (log) => Math.exp(log).toFixed(2);
  const told = ([, n, log, sd, grade]) => ({ factor: times(log), low: times(log - data.z * sd), high: times(log + data.z * sd), sure: data.grades[grade].slice(1), n: n.toLocaleString("en-US") });
  const better = (one) => one[4] < UNCLEAR && one[2] > 0;
  const best = (effects) => effects.filter(better).sort((a, b) => b[2] - a[2])[0];
  const product = (of) => data.products[of][1], koc = (of) => data.kocs[of][1];
  const type = () => data.types.find((one) => one.type === chosen.type);

  // The filters of the page stand in where nothing is chosen here.
  const filtered = (name, list) => { const at = report.filters[name]; return at < 0 ? -1 : list.findIndex(([id]) => id === report.core.values[name][at]); };
  const picked = () => ({
    product: chosen.product >= 0 ? chosen.product : filtered("product_id", data.products),
    koc: chosen.koc >= 0 ? chosen.koc : filtered("creator_id", data.kocs),
  });
  const ofAccount = (name, list) => {
    const account = report.filters.account_id;
    if (account < 0) return () => true;
    const { of, values } = report.core, found = new Set();
    of.account_id.forEach((one, index) => { if (one === account && of[name][index] >= 0) found.add(values[name][of[name][index]]); });
    return (at) => found.has(list[at][0]);
  };

  // One scale for all strips of a list: as far as the farthest interval, but not beyond ×1/6 to ×6.
  const reachOf = (effects) => Math.min(Math.log(6), Math.max(Math.log(1.3), ...effects.map(([, , log, sd]) => Math.abs(log) + data.z * sd)));
  const bar = ([, , log, sd], reach) => {
    const x = (value) => `${(50 + 48 * Math.max(-1, Math.min(1, value / reach))).toFixed(1)}%`;
    return svg("svg", { class: "strip", height: 18, "aria-hidden": "true" },
      svg("line", { class: "one", x1: "50%", x2: "50%", y1: 0, y2: 18 }),
      svg("line", { class: "int", x1: x(log - data.z * sd), x2: x(log + data.z * sd), y1: 9, y2: 9 }),
      svg("circle", { class: "dot", cx: x(log), cy: 9, r: 4.5 }));
  };
  const strip = (reach) => ([name, effect, act]) => {
    const found = told(effect), [grade, ...sure] = data.grades[effect[4]];
    return el("li", { class: `effect ${grade}` },
      act ? el("button", { type: "button", class: "link who", click: act }, name) : el("span", { class: "who" }, name),
      bar(effect, reach), el("b", {}, `×${found.factor}`), el("span", { class: "sure" }, both(sure)),
      el("small", {}, `${found.low}–${found.high} · `, say("few", { n: found.n })));
  };
  const list = (entries) => el("ul", { class: "effects" }, ...entries.map(strip(reachOf(entries.map((entry) => entry[1])))));
  const strips = (entries) => {
    const shown = chosen.all ? entries : entries.slice(0, MOST), left = entries.length - shown.length;
    return [list(shown),
      ...(left ? [el("button", { type: "button", class: "link", click: () => { chosen.all = true; show(); } }, say("more", { n: left }))] : [])];
  };
  const byLog = (a, b) => b[1][2] - a[1][2];
  const choose = (name, value) => { chosen[name] = value; chosen.all = false; show(); };

  const whoShoots = (of, mine) => {
    const tried = of.pairs.filter((pair) => pair[1] === mine).map(([who, ...effect]) => [koc(who), effect, () => choose("koc", who)]);
    const known = new Set(of.pairs.filter((pair) => pair[1] === mine).map(([who]) => who));
    const untried = of.kocs.filter((one) => !known.has(one[0])).map((one) => [koc(one[0]), one, () => choose("koc", one[0])]);
    tried.sort(byLog);
    untried.sort(byLog);
    const first = tried.find(([, effect]) => better(effect)), worth = untried.filter(([, effect]) => better(effect)).slice(0, 3);
    const given = { product: product(mine) };
    return {
      findings: [first ? say("koc_for", { ...given, who: first[0], ...told(first[1]) }) : say("koc_for_unclear", { ...given, kocs: tried.length }),
        ...(worth.length ? [say("koc_untried", { who: worth.map(([name, effect]) => `${name} ×${times(effect[2])}`).join("、") })] : [])],
      part: [el("h4", {}, say("who_shoots_it", given)), ...strips(tried),
        ...(untried.length ? [el("details", {}, el("summary", {}, say("untried")), list(untried.slice(0, 2 * MOST)))] : [])],
    };
  };
  const whatFor = (of, mine) => {
    const shot = of.pairs.filter((pair) => pair[0] === mine).map(([, ...effect]) => [product(effect[0]), effect, () => choose("product", effect[0])]);
    shot.sort(byLog);
    const first = shot.find(([, effect]) => better(effect)), who = koc(mine);
    return {
      findings: [first ? say("product_for", { who, product: first[0], ...told(first[1]) }) : say("product_for_unclear", { who, products: shot.length })],
      part: [el("h4", {}, say("what_for", { who })), ...strips(shot)],
    };
  };
  const everyone = (of) => {
    const inAccount = ofAccount("creator_id", data.kocs);
    const all = of.kocs.filter((one) => inAccount(one[0])).map((one) => [koc(one[0]), one, () => choose("koc", one[0])]);
    const first = best(all.map((entry) => entry[1]));
    return {
      findings: [all.length ? first ? say("koc_best", { who: koc(first[0]), ...told(first) }) : say("koc_unclear") : say("nobody")],
      part: [el("h4", {}, say("who_shoots")), ...strips(all)],
    };
  };
  const pair = (of, mine, who) => {
    const found = of.pairs.find((one) => one[0] === who && one[1] === mine), alone = of.kocs.find((one) => one[0] === who);
    const given = { who: koc(who), product: product(mine) };
    const said = found ? [say("pair", { ...given, ...told(found.slice(1)) })] : alone ? [say("pair_untried", { ...given, ...told(alone) })] : [];
    return { findings: said, part: whoShoots(of, mine).part };
  };
  const prices = (of, mine, who) => {
    const own = who >= 0 ? of.prices.filter((one) => one[0] === who).map(([, ...effect]) => effect) : [];
    const bands = own.length ? own : of.bands;
    const sells = mine >= 0 ? (of.products.find((one) => one[0] === mine) ?? [0, 0, []])[2].map(([band]) => band) : [];
    const findings = [];
    for (const band of sells) {
      const effect = of.bands.find((one) => one[0] === band);
      if (effect) findings.push(say("price_of", { band: data.bands[band], ...told(effect) }));
    }
    const first = best(bands);
    if (!sells.length && bands.length) findings.push(first ? say(own.length ? "price_for" : "price_best", { who: who >= 0 ? koc(who) : "", band: data.bands[first[0]], ...told(first) }) : say(own.length ? "price_for_unclear" : "price_unclear", { who: who >= 0 ? koc(who) : "" }));
    return { findings, part: bands.length ? [el("h4", {}, say(own.length ? "his_prices" : "which_price", { who: who >= 0 ? koc(who) : "" })), list([...bands].sort((a, b) => a[0] - b[0]).map((effect) => [data.bands[effect[0]], effect])), ...(own.length ? [] : [el("small", {}, say("price_comes_with"))])] : [] };
  };

  const matrix = (of) => {
    const inAccount = ofAccount("creator_id", data.kocs), sold = ofAccount("product_id", data.products);
    const products = of.products.filter((one) => sold(one[0])).slice(0, 24), rows = of.kocs.filter((one) => inAccount(one[0]));
    const cell = new Map(of.pairs.map((one) => [`${one[0]} ${one[1]}`, one.slice(1)]));
    if (chosen.sort >= 0) rows.sort((a, b) => (cell.get(`${b[0]} ${chosen.sort}`)?.[2] ?? -9) - (cell.get(`${a[0]} ${chosen.sort}`)?.[2] ?? -9));
    const tone = (effect) => { const size = [0.02, 0.06, 0.12, 0.22].filter((step) => Math.abs(effect[2]) >= step).length; return effect[4] === UNCLEAR ? "unsure" : size ? `${effect[2] > 0 ? "good" : "bad"}${size}` : ""; };
    const td = (effect) => effect ? el("td", { class: tone(effect), title: `${told(effect).low}–${told(effect).high}` }, times(effect[2]), el("small", {}, String(effect[1]))) : el("td", {}, "");
    const head = (of, name) => el("th", { "aria-sort": chosen.sort === of ? "descending" : "none" }, el("button", { type: "button", title: name, click: () => { chosen.sort = of; show(); } }, name));
    return el("div", { class: "scroll" }, el("table", { class: "matrix" },
      el("thead", {}, el("tr", {}, el("th", {}, both(data.names[0])), head(-1, words("all_products")[report.language() === "en" ? 1 : 0]), ...products.map((one) => head(one[0], product(one[0]))))),
      el("tbody", {}, ...rows.map((one) => el("tr", {}, el("th", { scope: "row" }, koc(one[0])), td(one), ...products.map((other) => td(cell.get(`${one[0]} ${other[0]}`))))))));
  };

  const select = (name, list, entries, all) => {
    const made = el("select", { "aria-label": report.language() === "en" ? data.names[name === "koc" ? 0 : 1][1] : data.names[name === "koc" ? 0 : 1][0], change: (event) => choose(name, Number(event.target.value)) },
      el("option", { value: -1 }, words(all)[report.language() === "en" ? 1 : 0]), ...entries.map((of) => el("option", { value: of }, list[of][1])));
    made.value = String(picked()[name]);
    return made;
  };
  let open = false;
  const show = () => {
    const kinds = new Set(report.chosen().map((index) => report.value("promotion_type", index)));
    const offered = data.types.filter((one) => kinds.has(one.type));
    if (!kinds.has(chosen.type) && offered.length) chosen.type = offered[0].type; // what is filtered may be of one type alone
    const of = type(), { product: mine, koc: who } = picked(), sold = ofAccount("product_id", data.products), inAccount = ofAccount("creator_id", data.kocs);
    const main = mine >= 0 && who >= 0 ? pair(of, mine, who) : mine >= 0 ? whoShoots(of, mine) : who >= 0 ? whatFor(of, who) : everyone(of);
    const price = prices(of, mine, who);
    const table = el("details", { class: "whole", toggle: (event) => { if (event.target.open !== open) { open = event.target.open; show(); } } }, el("summary", {}, both(data.whole)), ...(open ? [matrix(of)] : []));
    table.open = open;
    view.replaceChildren(
      el("div", { class: "tools" },
        ...(offered.length < 2 ? [] : offered.map((one) => el("button", { type: "button", "aria-pressed": one.type === chosen.type, click: () => { chosen.sort = -1; choose("type", one.type); } }, both(one.name)))),
        select("product", data.products, of.products.filter((one) => sold(one[0])).map((one) => one[0]), "all_products"),
        select("koc", data.kocs, of.kocs.filter((one) => inAccount(one[0])).map((one) => one[0]).sort((a, b) => koc(a).localeCompare(koc(b), "zh")), "all_kocs")),
      ...[...main.findings, ...price.findings].map((finding) => el("p", { class: "finding" }, finding)),
      el("div", { class: "columns" }, el("div", { class: "span7 panel" }, ...main.part), el("div", { class: "span5 panel" }, ...price.part)),
      table);
  };
  report.subscribe(show);
})();
