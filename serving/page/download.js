// The table as a file, CSV or XLSX.

import { el } from "./dom.js";
import { workbook } from "./xlsx.js";

const ACTS = /^[\s\u0000-\u001f\u200b-\u200f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

// A text that a spreadsheet would take for a formula begins with an apostrophe; numbers stay numbers.
export const harmless = (cell) => (typeof cell === "string" && (ACTS.test(cell) || /^[\t\r\n]/.test(cell)) ? `'${cell}` : cell);

const LONG_ID = /^\d{16,}$/;

// A spreadsheet keeps 15 digits of a number: a tab behind a longer id makes it a text, as in the platform's own exports.
export function csv(table) {
  const quoted = (cell) => {
    if (typeof cell === "string" && LONG_ID.test(cell)) return `${cell}\t`;
    const text = cell === null || cell === undefined ? "" : String(harmless(cell));
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\ufeff${table.map((cells) => cells.map(quoted).join(",")).join("\r\n")}\r\n`;
}

export const xlsx = (table) => workbook(table.map((cells) => cells.map(harmless)));

export function save(content, name, kind) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: kind }));
  const link = el("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
