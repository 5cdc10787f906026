// Diversity: hits from N more, the map of what was shot, creatives that are the same idea.
(() => {
  const view = document.getElementById("diversity-view");
  if (!view) return;
  const { el, svg, both, share } = report;
  const data = report.data.diversity;
  const types = [...new Set(data.slices.map((one) => one.type))];
  if (!types.length) return;
  const chosen = { type: types[0], rows: 0, columns: 1, n: 20, groups: 8 };
  for (const part of document.querySelectorAll("#diversity .static")) part.hidden = true; // it is what is printed
  const [RUNNING, WAITING] = [0, 1], UNCLEAR = 2, MOST_GAPS = 5;

  const named = new Map(report.data.kocs.products); // id → name
  const words = (name, given = {}) => data.words[name].map((text, language) => text.replace(/{(\w+)}/g, (_, key) => Array.isArray(given[key]) ? given[key][language] : given[key]));
  const say = (name, given) => both(words(name, given));
  const title = (name) => both(data.texts[name]);
  const finding = (...said) => el("p", { class: "finding" }, ...said);

  // Chance of at least one hit: beta-binomial, as in the numbers of the report.
  const chance = (one, count, likeness) => {
    if (likeness <= 0) return 1 - (1 - one) ** count;
    const total = 1 / likeness - 1;
    let miss = 1;
    for (let step = 0; step < count; step += 1) miss *= ((1 - one) * total + step) / (total + step);
    return 1 - miss;
  };
  const curve = ({ one, likeness }) => {
    const [width, height, left, bottom, most] = [380, 210, 46, 30, 120];
    const x = (count) => left + (width - left - 12) * Math.log(count) / Math.log(most), y = (value) => (height - bottom) - (height - bottom - 10) * value;
    const counts = Array.from({ length: most }, (_, at) => at + 1);
    const line = (rho, name) => svg("path", { class: `curve ${name}`, d: counts.map((count, at) => `${at ? "L" : "M"}${x(count).toFixed(1)} ${y(chance(one, Math.round(count), rho)).toFixed(1)}`).join("") });
    return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" },
      ...[0, 0.5, 0.8, 1].flatMap((value) => [svg("line", { class: "axis", x1: left, x2: width - 12, y1: y(value), y2: y(value) }), svg("text", { class: "tick up", x: left - 6, y: y(value) + 5 }, `${100 * value}%`)]),
      ...[1, 3, 10, 30, 100].map((count) => svg("text", { class: "tick", x: x(count), y: height - 8 }, String(count))),
      line(likeness[0], "alike"), line(likeness[1], ""), line(likeness[2], "apart"));
  };
  const hits = (slice) => {
    if (!slice.hit) return [el("div", { class: "panel" }, el("h3", {}, title("one_hit")), el("p", {}, title("no_hits")))];
    const given = el("output", {});
    const write = () => { const [alike, now, apart] = slice.likeness.map((rho) => share(chance(slice.one, chosen.n, rho))); given.replaceChildren(say("then", { alike, now, apart })); };
    const input = el("input", { type: "number", min: 1, max: 500, value: chosen.n, input: (event) => { chosen.n = Math.max(1, Math.min(500, Number(event.target.value) || 1)); write(); } });
    write();
    return [el("div", { class: "panel" }, el("h3", {}, title("one_hit")), finding(both(slice.hit)),
      el("div", { class: "columns" },
        el("div", { class: "span6" },
          el("label", { class: "tools" }, say("if_you_shoot"), input, say("creatives")), el("p", {}, given),
          el("div", { class: "scroll fit" }, el("table", {}, el("thead", {}, el("tr", {}, el("th", {}, title("certainty")), ...["alike", "as_now", "apart"].map((name) => el("th", {}, title(name))))),
            el("tbody", {}, ...data.certainties.map((certainty, at) => el("tr", {}, el("th", { scope: "row" }, `${100 * certainty}%`), ...slice.needed[at].map((count) => el("td", {}, String(count ?? "500+")))))))),
          el("p", { class: "soft" }, both(data.what))),
        el("figure", { class: "span6 hit" }, curve(slice),
          el("div", { class: "keys" }, ...["alike", "as_now", "apart"].map((name) => el("span", {}, el("i", { class: name }), title(name)))))))];
  };

  const rating = ([, log, grade]) => grade === UNCLEAR || !log ? 0 : Math.sign(log);
  const marked = (value) => `${value[0]}${["▼", "", "▲"][rating(value) + 1] && " "}${["▼", "", "▲"][rating(value) + 1]}`;
  const pick = (name) => {
    const made = el("select", { change: (event) => { const other = name === "rows" ? "columns" : "rows"; const before = chosen[name]; chosen[name] = Number(event.target.value); if (chosen[other] === chosen[name]) chosen[other] = before; show(); } },
      ...data.tags.map((tag, at) => el("option", { value: at }, tag[report.language() === "en" ? 1 : 0])));
    made.value = String(chosen[name]);
    return el("label", {}, say(name), " ", made);
  };
  const coverage = (mine) => {
    if (data.tags.length < 2) return [];
    const [rows, columns] = [data.values[chosen.type][chosen.rows], data.values[chosen.type][chosen.columns]];
    const counts = rows.map(() => columns.map(() => 0));
    for (const index of mine) { const codes = data.codes[index], [row, column] = [codes[chosen.rows], codes[chosen.columns]]; if (row >= 0 && column >= 0) counts[row][column] += 1; }
    const gaps = [];
    rows.forEach((row, r) => columns.forEach((column, c) => { if (!counts[r][c] && rating(row) > 0 && rating(column) > 0) gaps.push([r, c, row[1] + column[1]]); }));
    gaps.sort((a, b) => b[2] - a[2]);
    const rated = rows.some((row) => rating(row) > 0) && columns.some((column) => rating(column) > 0);
    const isGap = new Set(gaps.map(([r, c]) => `${r} ${c}`));
    const shot = counts.flat().filter(Boolean).length;
    const td = (r, c) => isGap.has(`${r} ${c}`) ? el("td", { class: "gap" }, "★") : counts[r][c] ? el("td", { class: `up${counts[r][c] < 3 ? 1 : counts[r][c] < 8 ? 2 : counts[r][c] < 20 ? 3 : 4}` }, String(counts[r][c])) : el("td", {}, "");
    const line = (row, r) => {
      const used = columns.map((column, c) => [column[0], counts[r][c]]).filter(([, count]) => count).sort((a, b) => b[1] - a[1]);
      const never = columns.filter((_, c) => !counts[r][c]).map((column) => column[0]);
      return el("li", {}, el("b", {}, marked(row)), " ", used.map(([name, count]) => `${name} ${count}`).join(" · "), ...(never.length && used.length ? [el("small", {}, " ", say("never", { names: never.join("、") }))] : []));
    };
    return [el("div", { class: "panel" }, el("h3", {}, title("shot_before")),
      finding(say("covered", { rows: data.tags[chosen.rows], columns: data.tags[chosen.columns], possible: rows.length * columns.length, shot }), " ", gaps.length ? say("gaps") : say(rated ? "no_gaps" : "none_rated")),
      ...(gaps.length ? [el("p", { class: "chips" }, ...gaps.slice(0, MOST_GAPS).map(([r, c]) => el("span", { class: "badge first" }, `${rows[r][0]} × ${columns[c][0]}`)))] : []),
      el("div", { class: "tools" }, pick("rows"), pick("columns")),
      el("div", { class: "scroll fit wide" }, el("table", { class: "map" }, el("thead", {}, el("tr", {}, el("th", {}, ""), ...columns.map((column) => el("th", {}, marked(column))))),
        el("tbody", {}, ...rows.map((row, r) => el("tr", {}, el("th", { scope: "row" }, marked(row)), ...columns.map((_, c) => td(r, c))))))),
      el("ul", { class: "narrow" }, ...rows.map(line)),
      el("p", { class: "soft" }, title("how_coverage")))];
  };

  const ideas = (mine) => {
    const inside = new Set(mine), running = mine.filter((index) => data.status[index] === RUNNING).length;
    const found = data.ideas.map(([members, tags, near]) => [members.filter((index) => inside.has(index)), tags, near]).filter(([members]) => members.length > 1)
      .map(([members, tags, near]) => ({ members, tags, near, now: members.filter((index) => data.status[index] === RUNNING).length }))
      .sort((a, b) => b.now - a.now || b.members.length - a.members.length);
    const alike = found.map((one) => one.now).filter((now) => now > 1), same = alike.reduce((sum, now) => sum + now, 0);
    const group = ({ members, tags, near, now }) => {
      const waiting = members.filter((index) => data.status[index] === WAITING).length, inGroup = new Set(members);
      const copies = new Map();
      for (const [one, other, similarity] of near) if (inGroup.has(one) && inGroup.has(other)) copies.set(one, similarity).set(other, similarity);
      const product = report.value("product_id", members[0]), label = named.get(product) ?? product;
      return el("details", { class: "idea" },
        el("summary", {}, el("b", {}, [label, ...tags].filter(Boolean).join(" · ")), " ", el("small", {}, say("group", { n: members.length, running: now, waiting, stopped: members.length - now - waiting }))),
        el("ul", {}, ...members.map((index) => el("li", {}, el("button", { type: "button", class: "link", click: () => creatives.open(index) }, report.core.names[index]),
          ...(copies.has(index) ? [" ", el("small", {}, say("near", { share: share(copies.get(index)) }))] : [])))));
    };
    const left = found.length - chosen.groups;
    return [el("div", { class: "panel" }, el("h3", {}, title("same_ideas")),
      finding(same ? say("repeat", { running, same, share: share(same / running), largest: Math.max(...alike) }) : say("no_repeat", { running })),
      ...found.slice(0, chosen.groups).map(group),
      ...(left > 0 ? [el("button", { type: "button", class: "link", click: () => { chosen.groups += 20; show(); } }, say("more_groups", { n: left }))] : []),
      el("p", { class: "soft" }, title("how_ideas")))];
  };

  const show = () => {
    const { account_id: account, product_id: product, creator_id: creator } = report.filters;
    const kinds = new Set(report.chosen().map((index) => report.value("promotion_type", index))), offered = types.filter((one) => kinds.has(one));
    if (!kinds.has(chosen.type) && offered.length) chosen.type = offered[0];
    const kind = report.core.values.promotion_type.indexOf(chosen.type);
    const mine = report.chosen().filter((index) => report.core.of.promotion_type[index] === kind);
    const name = account < 0 ? "" : report.core.values.account_id[account];
    const slice = data.slices.find((one) => one.type === chosen.type && one.account === name);
    view.replaceChildren(
      el("div", { class: "tools" }, ...(offered.length < 2 ? [] : offered.map((one) => el("button", { type: "button", "aria-pressed": one === chosen.type, click: () => { chosen.type = one; show(); } }, both(data.types[one]))))),
      ...(slice ? [finding(both(slice.direction)), ...(product < 0 && creator < 0 ? [] : [el("p", { class: "soft" }, say("only_account"))]), ...hits(slice)] : []),
      ...coverage(mine), ...ideas(mine));
  };
  report.subscribe(show);
})();
