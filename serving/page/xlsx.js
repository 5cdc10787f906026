// The smallest workbook: one sheet, texts inline (never a formula), numbers as numbers, parts stored unpacked.

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const OPEN = "http://schemas.openxmlformats.org";
const PARTS = {
  "[Content_Types].xml":
    `<Types xmlns="${OPEN}/package/2006/content-types">` +
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    '<Default Extension="xml" ContentType="application/xml"/>' +
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>' +
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>' +
    "</Types>",
  "_rels/.rels":
    `<Relationships xmlns="${OPEN}/package/2006/relationships"><Relationship Id="rId1" Target="xl/workbook.xml" ` +
    `Type="${OPEN}/officeDocument/2006/relationships/officeDocument"/></Relationships>`,
  "xl/workbook.xml":
    `<workbook xmlns="${OPEN}/spreadsheetml/2006/main" xmlns:r="${OPEN}/officeDocument/2006/relationships">` +
    '<sheets><sheet name="gpmcast" sheetId="1" r:id="rId1"/></sheets></workbook>',
  "xl/_rels/workbook.xml.rels":
    `<Relationships xmlns="${OPEN}/package/2006/relationships"><Relationship Id="rId1" Target="worksheets/sheet1.xml" ` +
    `Type="${OPEN}/officeDocument/2006/relationships/worksheet"/></Relationships>`,
};

export function workbook(table) {
  const rows = table.map((cells, row) => `<row r="${row + 1}">${cells.map((cell, at) => cellOf(cell, at, row)).join("")}</row>`);
  const sheet =
    `<worksheet xmlns="${OPEN}/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">` +
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>' +
    `<sheetData>${rows.join("")}</sheetData></worksheet>`;
  const utf8 = new TextEncoder();
  const parts = Object.entries({ ...PARTS, "xl/worksheets/sheet1.xml": sheet });
  return zip(parts.map(([name, xml]) => [utf8.encode(name), utf8.encode(HEAD + xml)]));
}

function cellOf(cell, column, row) {
  if (cell === null || cell === undefined || cell === "") return "";
  const place = `${letters(column)}${row + 1}`;
  if (typeof cell === "number") return Number.isFinite(cell) ? `<c r="${place}"><v>${cell}</v></c>` : "";
  return `<c r="${place}" t="inlineStr"><is><t xml:space="preserve">${escaped(String(cell))}</t></is></c>`;
}

function letters(column) {
  let text = "";
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    text = String.fromCharCode(65 + ((rest - 1) % 26)) + text;
  return text;
}

// What XML cannot hold is left out.
const escaped = (text) =>
  text
    .slice(0, 32_000)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ TABLE[(value ^ byte) & 255];
  return (value ^ 0xffffffff) >>> 0;
}

const DAY_ONE = 0x5c21; // 2026-01-01

function zip(parts) {
  const pieces = [];
  const list = [];
  let at = 0;
  for (const [name, content] of parts) {
    const shared = [20, 0x800, 0, 0, DAY_ONE];
    const sizes = [crc32(content), content.length, content.length];
    const head = packed([[4, 0x04034b50], ...shared.map((n) => [2, n]), ...sizes.map((n) => [4, n]), [2, name.length], [2, 0]]);
    list.push(
      packed([[4, 0x02014b50], [2, 20], ...shared.map((n) => [2, n]), ...sizes.map((n) => [4, n]), [2, name.length],
        [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]), name);
    pieces.push(head, name, content);
    at += head.length + name.length + content.length;
  }
  const size = list.reduce((sum, piece) => sum + piece.length, 0);
  const end = packed([[4, 0x06054b50], [2, 0], [2, 0], [2, parts.length], [2, parts.length], [4, size], [4, at], [2, 0]]);
  return new Blob([...pieces, ...list, end], { type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" });
}

function packed(fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 4) view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += width;
  }
  return bytes;
}
