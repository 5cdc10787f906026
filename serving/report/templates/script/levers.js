// Levers: one table of values, for the promotion type, account, product or KOC that is filtered by.
(() => {
  const { el, svg, both, text, plain, core, filters, number, whole, passes } = report;
  const data = report.data.levers;
  const live = document.getElementById("levers-live");
  if (!data.slices.length) return;
  live.className = "lever-live";
  document.getElementById("levers-static").hidden = true;

  const BY = ["product_id", "creator_id", "account_id"];
  const words = (name, given = {}) => core.words[name].map((one, n) => one.replace(/{(\w+)}/g, (_, key) => Array.isArray(given[key]) ? given[key][n] : given[key]));
  const say = (name, given) => both(words(name, given));
  const joined = (...parts) => [0, 1].map((n) => parts.map((part) => part[n]).join(""));
  const steps = data.stages.length;
  const unit = data.stages.map((_, place) => data.stages.map((_, other) => Number(place === other)));
  const state = { type: 0, tab: -1, metric: 0, unclear: false, open: -1, asked: "" };

  // Effects of a slice: lever → creatives, log factors and deviations of the stages; none with too few creatives.
  const places = new Map(data.slices.map((one, place) => [`${one.type} ${one.by} ${one.of}`, place]));
  const opened = new Map();
  const cellsOf = (one) => {
    if (!opened.has(one)) {
      const cells = new Map();
      one.levers.forEach((lever, row) => {
        const from = row * 2 * steps;
        const part = (start) => one.effects.slice(start, start + steps).map((value) => value / 10000);
        cells.set(lever, { lever, n: one.counts[row], logs: part(from), sds: part(from + steps) });
      });
      for (let n = 0; n < one.few.length; n += 2) cells.set(one.few[n], { lever: one.few[n], n: one.few[n + 1], logs: null });
      opened.set(one, cells);
    }
    return opened.get(one);
  };
  const effect = (cell, signs) => {
    let log = 0, variance = 0;
    signs.forEach((sign, place) => { log += sign * cell.logs[place]; variance += sign * sign * cell.sds[place] ** 2; });
    return { x: log, sd: Math.sqrt(variance) };
  };
  // Beyond the mean creative: what 1 000 impressions bring, less what they cost.
  const margin = (cell, base) => {
    let x = 0, variance = 0;
    data.money.forEach(([, signs, sign], place) => {
      const { x: log, sd } = effect(cell, signs);
      x += sign * base[place] * (Math.exp(log) - 1);
      variance += (base[place] * Math.exp(log) * sd) ** 2;
    });
    return { x, sd: Math.sqrt(variance) };
  };
  const grade = ({ x, sd }, n) => {
    const apart = sd > 0 ? Math.abs(x) / sd : 0;
    return apart > data.apart[0] ? (n < data.least ? 1 : 0) : apart >= data.apart[1] ? 1 : 2;
  };
  const GRADE = ["certain", "likely", "unclear"];

  // What is looked at: the promotion type, and the slice of it that the filters ask for.
  const view = () => {
    const chosen = filters.promotion_type < 0 ? -1 : data.types.findIndex(([name]) => name === core.values.promotion_type[filters.promotion_type]);
    const set = BY.filter((name) => filters[name] >= 0), asked = set.map((name) => `${name} ${filters[name]}`).join();
    if (asked !== state.asked) {  // another account, product or KOC: begin with the promotion type that has most of it
      Object.assign(state, { asked, unclear: false, open: -1 });
      const sizes = data.types.map(([name]) => report.chosen().filter((index) => report.value("promotion_type", index) === name).length);
      if (asked && sizes[state.type] < Math.max(...sizes)) state.type = sizes.indexOf(Math.max(...sizes));
    }
    const type = filters.promotion_type < 0 ? state.type : chosen;
    const base = type < 0 ? undefined : data.slices[places.get(`${type}  `)];
    if (!base) return { type, set, base: null };
    const of = set.length ? core.values[set[0]][filters[set[0]]] : "";
    const part = set.length ? data.slices[places.get(`${type} ${set[0]} ${of}`)] : undefined;
    return { type, set, of, base, part, one: part ?? base };
  };
  const shownName = (by, of) => core.named[by]?.[core.values[by].indexOf(of)] || of;
  const metrics = [...data.targets.map(([zh, en]) => [zh, en]), ...(data.money.length === 2 ? [core.words.lever_margin] : [])];
  const valueOf = (cell, type) => state.metric < data.targets.length ? effect(cell, data.targets[state.metric][2]) : margin(cell, data.baselines[type]);
  const isMoney = () => state.metric >= data.targets.length;
  const worth = (x) => isMoney() ? `${x < 0 ? "−" : "+"}${number(Math.abs(x))}` : `×${Math.exp(x).toFixed(2)}`;

  const rowsOf = ({ type, base, part }) => {
    const whole = cellsOf(base), own = part ? cellsOf(part) : whole, rows = [];
    for (const [lever, mine] of own) {
      if (state.tab >= 0 && data.levers[lever][0] !== state.tab) continue;
      const all = whole.get(lever);
      const row = { lever, mine, n: mine.n, own: mine.logs ? valueOf(mine, type) : null, all: part && all?.logs ? valueOf(all, type) : null };
      row.ownGrade = row.own ? grade(row.own, mine.n) : 2;
      row.allGrade = row.all ? grade(row.all, all.n) : 2;
      row.pooled = Boolean(part) && row.ownGrade === 2;
      row.grade = row.pooled ? row.allGrade : row.ownGrade;
      row.shown = row.pooled && row.all ? row.all : row.own;
      if (row.shown) rows.push({ ...row, strip: row.pooled && all?.logs ? all : mine });
    }
    return rows.sort((a, b) => b.shown.x - a.shown.x);
  };

  const stepCell = (cell, place) => {
    const one = effect(cell, unit[place]), given = grade(one, cell.n);
    const better = data.reversed[place] ? one.x < 0 : one.x > 0;
    const shown = given === 2 ? "·" : `${better ? "▲" : "▼"}${Math.abs(100 * (Math.exp(one.x) - 1)).toFixed(0)}`;
    return el("td", { class: `step ${given === 2 ? "" : better ? "good" : "bad"} ${GRADE[given]}` }, shown);
  };
  // What a cell of the strip says in full, when it is pointed at.
  const stepTitle = (cell, place) => {
    const one = effect(cell, unit[place]), z = data.apart[0];
    const percent = (x) => `${x < 0 ? "−" : "+"}${Math.abs(100 * (Math.exp(x) - 1)).toFixed(0)}%`;
    return plain("lever_step", { step: inLanguage(data.stages[place].slice(1)), change: percent(one.x), level: `${100 * data.level}%`, low: percent(one.x - z * one.sd), high: percent(one.x + z * one.sd), grade: inLanguage(data.grades[grade(one, cell.n)]) });
  };
  live.addEventListener("pointerover", (event) => {
    const cell = event.target.closest("td.step"), row = cell && strips.get(Number(cell.parentNode.dataset.lever));
    if (row && !cell.title) cell.title = stepTitle(row, [...cell.parentNode.querySelectorAll(".step")].indexOf(cell));
  });
  const strips = new Map();
  const inLanguage = (pair) => pair[report.language() === "en" ? 1 : 0];

  const WIDTH = 220, MIDDLE = 13;
  const axis = (rows) => {
    const z = data.apart[0], ends = rows.flatMap(({ shown }) => [Math.abs(shown.x - z * shown.sd), Math.abs(shown.x + z * shown.sd)]).sort((a, b) => a - b);
    const most = isMoney() ? ends[Math.floor(ends.length * 0.8)] ?? 1 : Math.min(Math.max(Math.log(1.1), ends[ends.length - 1] ?? 0), Math.log(2.5));
    const reach = (most || 1) * 1.05;
    return { reach, x: (value) => WIDTH / 2 + Math.max(-1, Math.min(1, value / reach)) * (WIDTH / 2 - 8) };
  };
  const picture = (...marks) => svg("svg", { viewBox: `0 0 ${WIDTH} 26`, "aria-hidden": "true" }, ...marks);
  // A dot for the chosen creatives, below it a ring for all of the promotion type where both are known.
  const forest = (row, { x, reach }) => {
    const z = data.apart[0], both = row.own && row.all;
    const line = (one, given, y, ring) => {
      const tone = given === 2 ? "pale" : one.x > 0 ? "up" : "down";
      const marks = [svg("path", { class: `int ${tone}`, d: `M${x(one.x - z * one.sd)} ${y}H${x(one.x + z * one.sd)}` })];
      if (Math.abs(one.x) <= reach) marks.push(svg("circle", { class: ring ? "all" : tone, cx: x(one.x), cy: y, r: 4 }));
      else marks.push(svg("path", { class: tone, d: `M${x(one.x) + Math.sign(one.x) * 7} ${y}l${-Math.sign(one.x) * 6} -5v10z` }));
      return marks;
    };
    return picture(svg("path", { class: "one", d: `M${x(0)} 0V26` }), ...(row.own ? line(row.own, row.ownGrade, both ? 7 : MIDDLE, false) : []), ...(row.all ? line(row.all, row.allGrade, both ? 19 : MIDDLE, true) : []));
  };
  const ticks = ({ reach, x }) => {
    const at = isMoney() ? [-reach * 0.7, 0, reach * 0.7] : [0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2].map(Math.log).filter((value) => Math.abs(value) < reach * 0.95);
    const kept = [0];
    for (const value of at.sort((a, b) => Math.abs(a) - Math.abs(b))) if (kept.every((other) => Math.abs(x(other) - x(value)) > 46)) kept.push(value);
    return picture(...kept.map((value) => svg("text", { x: x(value), y: 19 }, isMoney() ? (value ? worth(value) : "0") : `×${Number(Math.exp(value).toFixed(2))}`)));
  };

  const effectCell = (row) => {
    const z = data.apart[0], { shown } = row, range = [shown.x - z * shown.sd, shown.x + z * shown.sd].map((end) => isMoney() ? number(end).replace("-", "−") : Math.exp(end).toFixed(2));
    return el("td", { class: "effect" }, el("b", {}, worth(shown.x)), " ", el("small", {}, isMoney() ? range.join(report.language() === "en" ? " to " : " 到 ") : range.join("–")));
  };
  const sureCell = (row, type) => {
    const pooled = row.pooled ? plain("lever_pooled", { type: data.types[type].slice(1) }) : "";
    return el("td", { class: "sure" }, el("span", { class: `grade ${GRADE[row.grade]}` }, pooled + inLanguage(data.grades[row.grade])));
  };

  const detail = (row, at) => {
    const [tab, value] = data.levers[row.lever], key = `${at.type}-${tab}`, main = data.targets[0].slice(0, 2);
    const drawn = document.querySelector(`template[data-lever="${key}"]`)?.content.cloneNode(true);
    const pictures = drawn ? [...drawn.children] : [];
    const figures = pictures.map((one, n) => el("figure", {}, el("figcaption", {}, n ? say("lever_curve", { tag: data.tabs[tab].slice(0, 2), main, level: `${100 * data.level}%` }) : say("lever_swarm", { tag: data.tabs[tab].slice(0, 2), main })), one));
    const letter = String.fromCharCode(65 + row.lever - data.levers.findIndex(([other]) => other === tab)), codes = data.codes[tab];
    const its = core.ids.map((_, index) => index).filter((index) => codes[index].includes(letter) && data.predicted[index] !== null && passes(index) && report.value("promotion_type", index) === data.types[at.type][0]);
    its.sort((a, b) => data.predicted[b] - data.predicted[a]);
    const list = (some) => el("ol", {}, ...some.map((index) => el("li", {}, el("a", { href: `#c=${index}` }, core.names[index]), ` ${inLanguage(main)} ${number(data.predicted[index])}`)));
    const found = data.pairs.find(([type, lever]) => type === at.type && lever === row.lever);
    const pair = () => {
      if (!found) return say("lever_no_pair");
      const [, , zh, en, other, n, log, sd, clear] = found, z = data.apart[0];
      return say("lever_pair", { tag: [zh, en], value: other, times: `×${Math.exp(log).toFixed(2)}`, low: Math.exp(log - z * sd).toFixed(2), high: Math.exp(log + z * sd).toFixed(2), n: whole(n), sure: words(clear ? "lever_pair_clear" : "lever_pair_unclear", { examined: whole(data.examined[at.type]) }) });
    };
    const three = its.length ? [el("b", {}, say("lever_best_three")), list(its.slice(0, 3)), ...(its.length > 3 ? [el("b", {}, say("lever_worst_three")), list(its.slice(Math.max(3, its.length - 3)).reverse())] : [])] : [el("p", {}, say("lever_none_running"))];
    return el("tr", { class: "detail" }, el("td", { colspan: steps + 5 }, el("div", { class: "lever-detail" }, ...figures, el("div", {}, el("p", {}, pair()), ...three))));
  };

  const press = (name, set) => () => { Object.assign(state, { [name]: set, open: -1 }); show(); };
  const segments = (label, entries, at, name) => el("span", { class: "segments", role: "group", "aria-label": label }, ...entries.map((pair, n) => el("button", { type: "button", "aria-pressed": String(n === at), click: press(name, n) }, both(pair))));
  const scopeOf = (at) => at.part ? words("lever_one", { type: data.types[at.type].slice(1), what: words(`filter_${at.set[0]}`), name: shownName(at.set[0], at.of) }) : words("lever_everyone", { type: data.types[at.type].slice(1) });

  const notes = (at) => {
    const found = [];
    if (at.set.length > 1) found.push(say("lever_one_filter", { what: words(`filter_${at.set[0]}`) }));
    if (at.set.length && !at.part) {
      const n = core.ids.filter((_, index) => core.of[at.set[0]][index] === filters[at.set[0]] && report.value("promotion_type", index) === data.types[at.type][0]).length;
      found.push(say("lever_too_few", { name: shownName(at.set[0], at.of), type: data.types[at.type].slice(1), n, least: data.least }));
    }
    return found.map((one) => el("p", { class: "note" }, one));
  };
  const answerOf = (at) => {
    if (state.tab < 0) return [];
    const own = at.one.answers[state.tab], phrase = data.phrases[at.type], [, , zh, en] = data.tabs[state.tab];
    const line = own ?? joined(words("lever_pooled_answer", { type: data.types[at.type].slice(1) }), at.base.answers[state.tab]);
    return [...(zh ? [el("p", { class: "lever-asked" }, both([zh, en]))] : []), el("p", { class: "lever-answer" }, both(line)), ...(phrase && state.tab === data.copy ? [el("p", { class: "soft" }, both(phrase))] : [])];
  };

  const table = (at) => {
    const rows = rowsOf(at), told = rows.filter((row) => row.grade < 2), all = state.tab >= 0 || state.unclear;
    const shown = all ? rows : told, scale = axis(shown);
    const head = el("tr", {}, el("th", { scope: "col", class: "name" }, say("lever_value")), el("th", { scope: "col", class: "count" }, say("lever_creatives")), ...data.stages.map(([, zh, en]) => el("th", { scope: "col", class: "step" }, both([zh, en]))), el("th", { scope: "col", class: "forest" }, ticks(scale)), el("th", { scope: "col", class: "effect" }, both(metrics[state.metric])), el("th", { class: "sure" }));
    strips.clear();
    const lines = shown.flatMap((row) => {
      if (row.strip.logs) strips.set(row.lever, row.strip);
      const [tab, value] = data.levers[row.lever], is = state.open === row.lever;
      const name = el("button", { type: "button", "aria-expanded": String(is), click: () => { state.open = is ? -1 : row.lever; show(); } }, ...(state.tab < 0 ? [el("small", {}, inLanguage(data.tabs[tab])), " "] : []), value);
      const strip = row.strip.logs ? data.stages.map((_, place) => stepCell(row.strip, place)) : data.stages.map(() => el("td", { class: "step unclear" }, "·"));
      const line = el("tr", { class: `row ${GRADE[row.grade]}`, "data-lever": row.lever }, el("th", { scope: "row" }, name), el("td", { class: "count" }, whole(row.n)), ...strip, el("td", { class: "forest" }, forest(row, scale)), effectCell(row), sureCell(row, at.type));
      return is ? [line, detail(row, at)] : [line];
    });
    const hidden = rows.length - told.length;
    const toggle = state.tab < 0 && hidden ? [el("button", { type: "button", class: "more", click: press("unclear", !state.unclear) }, say(state.unclear ? "lever_hide_unclear" : "lever_show_unclear", { n: hidden }))] : [];
    const body = lines.length ? el("div", { class: "scroll" }, el("table", { class: "lever-table full" }, el("thead", {}, head), el("tbody", {}, ...lines))) : el("p", {}, both(data.nothing));
    return [body, ...toggle];
  };

  const show = () => {
    const at = view();
    live.style.setProperty("--steps", steps);
    const types = filters.promotion_type < 0 && data.types.length > 1 ? [segments(plain("filter_promotion_type"), data.types.map((one) => one.slice(1)), state.type, "type")] : [];
    const tools = el("div", { class: "lever-tools" }, ...types, segments(plain("lever_all"), metrics, state.metric, "metric"));
    if (!at.base) { live.replaceChildren(tools, el("p", {}, both(data.nothing))); return; }
    const tabs = el("div", { class: "tabs", role: "tablist" }, ...[core.words.lever_all, ...data.tabs.map((one) => one.slice(0, 2))].map((pair, n) => el("button", { type: "button", role: "tab", "aria-selected": String(n - 1 === state.tab), click: press("tab", n - 1) }, both(pair))));
    live.replaceChildren(
      el("h3", { class: "lever-title" }, both(at.one.title)), tools, tabs, ...notes(at),
      el("p", { class: "soft" }, say("lever_scope", { scope: scopeOf(at), n: whole(at.one.n) })), ...answerOf(at), ...table(at));
  };
  report.subscribe(show);
})();
