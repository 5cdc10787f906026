"use strict";
// What the scripts of all sections share. report.data.<section> is what the section embedded; report.rows(n) tells of creative n.
const report = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const core = data.core;
  const SVG = "http://www.w3.org/2000/svg";

  // Every word of the data becomes a text node: names are never read as markup.
  const fill = (made, set, children) => {
    for (const [key, value] of Object.entries(set)) typeof value === "function" ? made.addEventListener(key, value) : made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const el = (name, set = {}, ...children) => fill(document.createElement(name), set, children);
  const svg = (name, set = {}, ...children) => fill(document.createElementNS(SVG, name), set, children);

  // Both languages stand in the page; the style sheet hides one.
  const both = ([zh, en]) => { const part = document.createDocumentFragment(); part.append(el("span", { class: "zh" }, zh), el("span", { class: "en", lang: "en" }, en)); return part; };
  const filled = (name, given) => core.words[name].map((words, lang) => words.replace(/{(\w+)}/g, (_, key) => Array.isArray(given[key]) ? given[key][lang] : given[key]));
  const text = (name, given = {}) => both(filled(name, given));
  const language = () => document.getElementById("en").checked ? "en" : "zh";
  const plain = (name, given = {}) => filled(name, given)[language() === "en" ? 1 : 0];
  const setLanguage = () => { document.documentElement.lang = language() === "en" ? "en" : "zh-CN"; };
  for (const name of ["zh", "en"]) document.getElementById(name).addEventListener("change", () => { setLanguage(); notify(); });

  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  const grouped = new Intl.NumberFormat("en-US").format;  // much faster than toLocaleString
  const whole = (value) => missing(value) ? "–" : grouped(Math.round(value) + 0);
  const number = (value) => missing(value) ? "–" : value === 0 ? "0" : Math.abs(value) >= 1000 ? whole(value) : value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
  const share = (value) => missing(value) ? "–" : (100 * value).toFixed(value < 0.1 ? 1 : 0) + "%";
  const signed = (value) => missing(value) ? "–" : Math.round(value) === 0 ? "0" : `${value < 0 ? "−" : "+"}${whole(Math.abs(value))}`;

  // Filters: index of the value in core.values, or -1 for all. Sections subscribe, and read `chosen()`.
  const FILTERS = ["account_id", "promotion_type", "product_id", "creator_id"];
  const filters = { days: 7, account_id: -1, promotion_type: -1, product_id: -1, creator_id: -1 };
  const listeners = [];
  let kept = null;
  const passes = (index) => FILTERS.every((name) => filters[name] < 0 || core.of[name][index] === filters[name]);
  const chosen = () => kept ?? (kept = core.ids.map((_, index) => index).filter(passes));
  const notify = () => { for (const one of listeners) one(filters); };
  const subscribe = (one) => { listeners.push(one); one(filters); };
  const setFilter = (name, value) => { filters[name] = value; kept = null; notify(); };
  // The decision on creative n, as the section of creatives embeds it. A reason is a template with gaps and the numbers in them.
  const decided = data.creatives;
  const status = (row) => value("status", row);
  const verdict = (row) => decided.verdicts[decided.verdict[row]];
  const reason = (row) => { const [zh, en, ...numbers] = decided.reason[row]; return [decided.reasons[0][zh], decided.reasons[1][en]].map((words) => words.split("{#}").map((part, n, parts) => n < parts.length - 1 ? part + numbers[n] : part).join("")); };
  const badge = (row) => verdict(row) === "" ? "" : el("span", { class: `badge ${verdict(row)}` }, both(decided.verdictLabels[decided.verdict[row]]));
  // Watched creatives of some rows by what a reader does with them, as serving/report/first_screen.py groups them.
  const watched = (rows) => {
    const stake = (row) => Math.abs(decided.stake[row] ?? 0), { code, share, days } = decided.watching;
    const found = rows.filter((row) => status(row) === "running" && verdict(row) === code).sort((a, b) => stake(b) - stake(a) || a - b);
    let left = share * found.reduce((sum, row) => sum + stake(row), 0), enough = 0;
    if (left > 0) do left -= stake(found[enough++]); while (left > 0);
    const isSoon = (row) => !missing(decided.decideDays[row]) && decided.decideDays[row] <= days, others = found.slice(enough);
    return { first: found.slice(0, enough), soon: others.filter(isSoon), rest: others.filter((row) => !isSoon(row)) };
  };
  const value = (name, index) => core.of[name][index] < 0 ? "" : core.values[name][core.of[name][index]];

  const bar = document.getElementById("filters");
  const choose = (name, entries) => {
    const made = el("select", { "data-filter": name, change: (event) => { setFilter(name, Number(event.target.value)); event.target.classList.toggle("on", name !== "days" && filters[name] >= 0); } });
    const write = () => {
      const at = made.value || String(filters[name]);
      made.setAttribute("aria-label", plain(`filter_${name}`));
      made.replaceChildren(...entries().map(([key, shown]) => el("option", { value: key }, shown)));
      made.value = at;
    };
    listeners.push(write);
    write();
    bar.append(made);
  };
  choose("days", () => [7, 14].map((days) => [days, plain("last_days", { days })]));
  for (const name of FILTERS) if (core.values[name].length > 1) choose(name, () => [[-1, plain(`all_${name}`)], ...core.values[name].map((one, index) => [index, name === "promotion_type" ? core.promotionTypes[index][language() === "en" ? 1 : 0] : core.named[name]?.[index] || one])]);

  // The menu marks the section that is being read.
  const links = new Map([...document.querySelectorAll(".side a")].map((link) => [link.hash.slice(1), link]));
  const reading = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) for (const [id, link] of links) id === target.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }, { rootMargin: "-30% 0px -60% 0px" });
  for (const id of links.keys()) reading.observe(document.getElementById(id));

  for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
  setLanguage();
  return { data, core, el, svg, both, text, plain, language, whole, number, share, signed, missing, filters, subscribe, setFilter, passes, chosen, value, status, verdict, reason, badge, watched };
})();
