// Table of creatives: tabs by status, sort, search, columns, pages, download. A column is `value` (to sort, search and save) and `cell` (to show).
const creatives = (() => {
  const { core, el, svg, text, plain, number, whole, share, missing, language, status, reason, badge } = report;
  const data = report.data.creatives;
  const both = (words) => report.both(words);
  const count = core.ids.length, ALL = [...Array(count).keys()];
  const DAY = 86_400_000, SINCE = Date.UTC(2020, 0, 1);
  const date = (days) => new Date(SINCE + days * DAY).toISOString().slice(0, 10);
  const at = (name) => data.counted.indexOf(name);
  const counted = (name) => (row) => data.counts[at(name)]?.[row] ?? null;
  const named = (name, row) => report.value(name, row) && (core.named[name]?.[core.of[name][row]] || report.value(name, row));
  const kindOf = (row) => core.promotionTypes[core.of.promotion_type[row]];
  const verdictWords = (row) => data.verdictLabels[data.verdict[row]];
  const estimate = (place, row) => data.predicted[place].map((column) => column[row]);
  const shown = (place) => place === data.volume ? whole : number;
  const likely = (place, row) => {
    const [, low, high] = estimate(place, row);
    return missing(low) ? text("no_interval") : high <= 0 ? text(place === data.volume ? "likely_no_volume" : "likely_none") : text("likely", { low: shown(place)(low), high: shown(place)(high) });
  };
  const mean = (place, row) => text("mean", { n: shown(place)(estimate(place, row)[0]) });
  const tagOf = (name) => data.tagNames.indexOf(name);
  // A column of tags is a string of codes where its values are few, else a list of places.
  const tagAt = (place, row) => { const code = data.tags[place][row]; return data.tagTexts[place][typeof code === "string" ? data.letters.indexOf(code) : code] ?? ""; };
  const tagText = (name, row) => tagOf(name) < 0 ? "" : tagAt(tagOf(name), row);
  const inLanguage = (words) => words[language() === "en" ? 1 : 0];
  const ideaSize = (row) => data.idea[row] < 0 ? 0 : data.ideaGroups[data.idea[row]].length;

  // Sums of days; −n stands for n days without any.
  const daysOf = (row) => data.daily[row].flatMap((value) => value < 0 ? Array(-value).fill(0) : [value]);
  const spark = (row) => {
    const days = daysOf(row);
    if (days.length < 2) return "";
    const most = Math.max(...days) || 1, x = (n) => (n * 104) / (days.length - 1) + 2, y = (value) => 24 - (value / most) * 21;
    const line = days.map((value, n) => `${x(n).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
    return svg("svg", { class: "spark", viewBox: "0 0 108 26", role: "img", "aria-label": `${whole(most)}` },
      svg("path", { class: "area", d: `M2 24L${line}L106 24Z` }), svg("path", { d: `M${line}` }), svg("circle", { cx: x(days.length - 1), cy: y(days.at(-1)), r: 2 }));
  };

  const whose = (row) => { const known = ["product_id", "creator_id"].map((name) => named(name, row)).filter(Boolean); return known.length ? el("small", {}, known.join(" · ")) : ""; };
  const cells = {
    name: (row) => el("th", { scope: "row", class: "name" }, el("button", { type: "button", class: "link", click: () => creatives.open(row) }, core.names[row]), core.names[row] === core.ids[row] ? "" : el("small", {}, core.ids[row]), whose(row), ideaSize(row) ? el("small", { class: "idea" }, text("same_idea_line", { n: ideaSize(row) })) : ""),
    verdict: (row) => el("td", { class: "why" }, badge(row), el("small", {}, both(reason(row)))),
    prediction: (place) => (row) => el("td", {}, likely(place, row), el("small", {}, mean(place, row))),
    chance: (row) => el("td", {}, share(data.chance[row]), missing(data.asked[row]) ? "" : el("small", {}, text("target_line", { n: number(data.asked[row]) }))),
    stake: (row) => { const n = data.stake[row]; return el("td", { class: missing(n) || n === 0 ? "" : n > 0 ? "good" : "bad" }, report.signed(n)); },
    decide: (row) => { const cny = data.decideCny[row], days = data.decideDays[row]; return el("td", {}, missing(cny) ? "–" : cny === 0 ? text("decide_now") : whole(cny), missing(days) || cny === 0 ? "" : el("small", {}, days <= data.watching.days ? text("decide_days", { n: Math.max(1, Math.round(days)) }) : text("decide_late", { n: data.watching.days }))); },
    spark: (row) => el("td", {}, spark(row)),
    named: (name) => (row) => { const id = report.value(name, row), own = named(name, row); return el("td", { class: "text" }, own || "–", own !== id ? el("small", {}, id) : ""); },
    day: (row) => el("td", {}, missing(data.firstDay[row]) ? "–" : date(data.firstDay[row])),
    phase: (row) => el("td", { class: "text" }, text(`phase_${data.phases[data.phase[row]]}`)),
    leak: (row) => el("td", { class: "text" }, data.leak[row] < 0 ? "–" : both(data.stages[data.leak[row]].slice(2).map((words) => words.replace(/（元）| \(CNY\)/, "")))),
    idea: (row) => el("td", { class: "text" }, ideaSize(row) ? data.ideaGroups[data.idea[row]][0] === row ? text("first_of_idea") : core.names[data.ideaGroups[data.idea[row]][0]] : "–"),
    words: (value) => (row) => el("td", { class: "text" }, value(row) || "–"),
    number: (value, show = whole) => (row) => el("td", {}, show(value(row))),
  };
  const word = (name) => core.words[`column_${name}`];
  const column = (key, label, value, cell, more = {}) => ({ key, label, value, cell, ...more });
  const figure = (name, value, show) => column(name, word(name), value, cells.number(value, show));
  const columns = [
    column("name", word("name"), (row) => core.names[row], cells.name, { always: true, words: true }),
    column("verdict", word("verdict"), (row) => -data.verdict[row], cells.verdict, { saved: (row) => [inLanguage(verdictWords(row)), inLanguage(reason(row))], heads: () => [word("verdict"), word("reason")] }),
    column("stake", word("stake"), (row) => data.stake[row], cells.stake, { order: (row) => missing(data.stake[row]) ? null : Math.abs(data.stake[row]) }),
    column("decide", word("decide"), (row) => data.decideCny[row], cells.decide),
    figure("test", (row) => data.verdicts[data.verdict[row]] === "skip" ? null : data.test[row]), // nothing to spend on what is not tried
    // Predictions are sorted by their typical value, which is what ranking is judged by.
    ...data.targets.map((label, place) => column(`target${place}`, label, (row) => data.typical[place][row] ?? estimate(place, row)[0], cells.prediction(place), { saved: (row) => [data.typical[place][row], ...estimate(place, row)], heads: () => ["typical", "mean", "low", "high"].map((end) => core.words[`column_${end}`].map((one, n) => one.replace("{n}", label[n]))) })),
    column("chance", word("chance"), (row) => data.chance[row], cells.chance),
    figure("rate", (row) => data.rateChance[row], share),
    figure("hit", (row) => data.hit[row], share),
    figure("asked", (row) => data.asked[row], number),
    ...data.actual.map((values, place) => column(`actual${place}`, word("actual").map((words, n) => words.replace("{n}", data.targets[place][n])), (row) => values[row], cells.number((row) => values[row], number))),
    ...data.counted.map((name) => figure(name, counted(name))),
    column("spark", data.dailyColumn === "spend_cny" ? word("spark") : word("spark_volume"), (row) => data.recent[row], cells.spark, { saved: null }),
    column("phase", word("phase"), (row) => data.phase[row], cells.phase, { saved: (row) => [plain(`phase_${data.phases[data.phase[row]]}`)] }),
    figure("days", (row) => data.days[row] || null),
    column("first_day", word("first_day"), (row) => data.firstDay[row], cells.day, { saved: (row) => [missing(data.firstDay[row]) ? null : date(data.firstDay[row])] }),
    column("leak", word("leak"), (row) => data.leak[row] < 0 ? null : data.leak[row], cells.leak, { saved: (row) => [data.leak[row] < 0 ? null : data.stages[data.leak[row]][language() === "en" ? 3 : 2]] }),
    column("idea", word("idea"), (row) => ideaSize(row) || null, cells.idea, { saved: (row) => [ideaSize(row) ? core.names[data.ideaGroups[data.idea[row]][0]] : null] }),
    column("account", word("account"), (row) => report.value("account_id", row), cells.words((row) => report.value("account_id", row)), { words: true }),
    column("kind", word("kind"), (row) => core.of.promotion_type[row], (row) => el("td", { class: "text" }, both(kindOf(row))), { saved: (row) => [inLanguage(kindOf(row))] }),
    ...[["product", "product_id"], ["creator", "creator_id"]].map(([key, name]) => column(key, word(key), (row) => named(name, row) || null, cells.named(name), { words: true, saved: (row) => [named(name, row) || null, report.value(name, row) || null], heads: () => [word(key), word(name)] })),
    // The ROI target has a column of its own: also of creatives that state none.
    ...data.tagNames.filter((name) => name !== "roi_target").map((name) => column(`tag_${name}`, data.tagLabels[tagOf(name)], (row) => tagText(name, row) || null, cells.words((row) => tagText(name, row)), { words: true })),
  ];
  const usual = {
    running: ["verdict", "stake", "target0", `target${data.volume}`, "spend_cny", "spark", "phase", "leak"],
    waiting: ["verdict", "test", "target0", "chance", "hit", `target${data.volume}`, "product", "creator", "tag_hook", "tag_price_cny"],
    stopped: ["actual0", "actual1", "spend_cny", "orders", "impressions", "spark", "days", "first_day", "leak"],
  };
  const usualSort = { running: "stake", waiting: "verdict", stopped: "spend_cny" };
  // A column without a single value is not offered.
  const offered = columns.filter((one) => one.always || (one.key === "spark" ? ALL.some((row) => daysOf(row).length > 1) : ALL.some((row) => !missing(one.value(row)) && one.value(row) !== "")));
  const GROUPS = ["first", "soon", "rest"]; // of the watched ones
  const state = { words: [], verdict: -1, group: "", page: 0, shown: Object.fromEntries(data.statuses.map((one) => [one, new Set(usual[one])])) };
  const visible = () => offered.filter((one) => one.always || state.shown[state.tab].has(one.key));

  const haystacks = [];
  const haystack = (row) => haystacks[row] ?? (haystacks[row] = [core.names[row], core.ids[row], ...["account_id", "product_id", "creator_id"].flatMap((name) => [report.value(name, row), named(name, row)]), ...kindOf(row), ...data.tagNames.map((_, place) => tagAt(place, row))].join("\n").toLowerCase());
  const compare = (one, sign) => {
    const keys = ALL.map(one.order ?? one.value);
    const texts = keys.some((key) => typeof key === "string");
    // Texts are put in order once; comparing their places is fast.
    const places = texts ? new Map([...new Set(keys.filter((key) => key !== null))].sort((a, b) => a.localeCompare(b, "zh")).map((key, n) => [key, n])) : null;
    const values = texts ? keys.map((key) => key === null ? null : places.get(key)) : keys;
    return (a, b) => values[a] === null || values[b] === null ? (values[a] === null) - (values[b] === null) || a - b : sign * (values[a] - values[b]) || a - b;
  };
  const compared = new Map();
  const comparison = (key, down) => { const name = `${key} ${down}`; if (!compared.has(name)) compared.set(name, compare(columns.find((one) => one.key === key), down ? -1 : 1)); return compared.get(name); };
  const found = () => {
    const rows = (state.group ? report.watched(report.chosen())[state.group] : report.chosen()).filter((row) => status(row) === state.tab && (state.verdict < 0 || data.verdict[row] === state.verdict) && state.words.every((word) => haystack(row).includes(word)));
    return state.sort ? rows.sort(comparison(state.sort, state.down)) : rows;
  };

  const id = (name) => document.getElementById(name);
  const table = document.querySelector("#creative-table table"), body = id("rows");
  const sortBy = (one) => { state.down = state.sort === one.key ? !state.down : !one.words; state.sort = one.key; state.page = 0; show(); };
  const heads = () => el("tr", {}, ...visible().map((one) => {
    const sorted = state.sort === one.key ? (state.down ? "descending" : "ascending") : "none";
    return el("th", { scope: "col", "data-sort": one.key, "aria-sort": sorted, class: one.key === "name" || one.key === "verdict" || one.words ? "left" : "" }, el("button", { type: "button", click: () => sortBy(one) }, both(one.label)));
  }));
  const tabs = () => {
    const sizes = new Map(data.statuses.map((one) => [one, 0]));
    for (const row of report.chosen()) sizes.set(status(row), sizes.get(status(row)) + 1);
    id("creative-tabs").replaceChildren(...data.statuses.map((one, n) => el("button", { type: "button", role: "tab", "data-status": one, "aria-selected": String(one === state.tab), click: () => choose(one) }, both(data.statusLabels[n]), ` ${whole(sizes.get(one))}`)));
  };
  const sorted = (tab) => ({ tab, sort: offered.some((one) => one.key === usualSort[tab]) ? usualSort[tab] : "", down: true });
  const choose = (tab, more = {}) => { Object.assign(state, sorted(tab), { verdict: -1, group: "", page: 0 }, more); tools(); show(); };
  const tools = () => {
    id("search").placeholder = plain("search");
    id("search").setAttribute("aria-label", plain("search"));
    const used = [...new Set(ALL.filter((row) => status(row) === state.tab).map((row) => data.verdict[row]))].sort((a, b) => a - b);
    if (!used.includes(state.verdict)) Object.assign(state, { verdict: -1, group: "" });
    id("only").hidden = used.length < 2;
    id("only").setAttribute("aria-label", plain("column_verdict"));
    const option = (value, words) => el("option", { value, ...(value === `${state.verdict}${state.group}` ? { selected: "" } : {}) }, words);
    const groups = (one) => data.verdicts[one] === data.watching.code ? GROUPS.map((group) => option(`${one}${group}`, plain(`watch_${group}`))) : [];
    id("only").replaceChildren(el("option", { value: -1 }, plain("all_verdicts")), ...used.flatMap((one) => [option(`${one}`, inLanguage(data.verdictLabels[one])), ...groups(one)]));
    const box = id("chooser");
    box.querySelector("summary").replaceChildren(plain("choose_columns"));
    box.querySelector(".panel").replaceChildren(
      ...offered.filter((one) => !one.always).map((one) => el("label", {}, el("input", { type: "checkbox", "data-column": one.key, ...(state.shown[state.tab].has(one.key) ? { checked: "" } : {}), change: (event) => { state.shown[state.tab][event.target.checked ? "add" : "delete"](one.key); show(); } }), both(one.label))),
      el("button", { type: "button", click: () => { state.shown[state.tab] = new Set(usual[state.tab]); tools(); show(); } }, text("usual_columns")));
    for (const kind of ["csv", "xlsx"]) id(`download-${kind}`).replaceChildren(plain(`download_${kind}`));
    for (const [name, key] of [["before", "previous"], ["after", "next"]]) id(name).setAttribute("aria-label", plain(key));
  };
  const show = () => {
    tabs();
    const rows = found(), pages = Math.max(1, Math.ceil(rows.length / data.perPage));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const part = rows.slice(state.page * data.perPage, (state.page + 1) * data.perPage), used = visible();
    table.tHead.replaceChildren(heads());
    body.replaceChildren(...part.map((row) => el("tr", { "data-row": row }, ...used.map((one) => one.cell(row)))), ...(part.length ? [] : [el("tr", {}, el("td", { class: "left", colspan: used.length }, text("nothing")))]));
    id("place").replaceChildren(text("page", { page: state.page + 1, pages, n: whole(rows.length) }));
    id("before").disabled = state.page === 0;
    id("after").disabled = state.page === pages - 1;
  };

  // What is saved: the rows found, all pages, in their order; ids and both ends of intervals too.
  const saved = () => {
    const parts = visible().filter((one) => one.saved !== null);
    const heads = [word("id"), ...parts.flatMap((one) => one.heads ? one.heads() : [one.label]), word("status")].map(inLanguage);
    const statusText = inLanguage(data.statusLabels[data.statuses.indexOf(state.tab)]);
    return [heads, ...found().map((row) => [core.ids[row], ...parts.flatMap((one) => one.saved ? one.saved(row) : [one.value(row)]), statusText])];
  };
  const fileName = (ending) => `${plain("file_name", { status: inLanguage(data.statusLabels[data.statuses.indexOf(state.tab)]) })}.${ending}`;

  let waiting = 0;
  id("search").addEventListener("input", (event) => { state.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean); state.page = 0; cancelAnimationFrame(waiting); waiting = requestAnimationFrame(show); });
  id("only").addEventListener("change", (event) => { state.verdict = parseInt(event.target.value, 10); state.group = event.target.value.replace(/^-?\d+/, ""); state.page = 0; show(); });
  // The first screen leads to the rows that it counts.
  const look = (verdict, group = "") => {
    choose("running", { verdict: data.verdicts.indexOf(verdict), group, words: [] });
    id("search").value = "";
    document.getElementById("creatives").scrollIntoView();
  };
  id("before").addEventListener("click", () => { state.page -= 1; show(); });
  id("after").addEventListener("click", () => { state.page += 1; show(); });
  id("download-csv").addEventListener("click", () => sharedFiles.save(sharedFiles.csv(saved()), fileName("csv"), "text/csv"));
  id("download-xlsx").addEventListener("click", () => sharedFiles.save(sharedFiles.xlsx(saved()), fileName("xlsx")));
  id("creatives-plain").remove();
  Object.assign(state, sorted(data.statuses.find((one) => ALL.some((row) => status(row) === one)) ?? data.statuses[0]));
  report.subscribe(() => { state.page = 0; tools(); show(); });
  return { data, both, date, estimate, likely, mean, shown, daysOf, tagText, named, kindOf, status, reason, badge, counted, inLanguage, ideaSize, look, open: () => {} };
})();
