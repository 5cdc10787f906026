// Problems of files and requests: where they stand, and in Chinese what the service says in English.

import { el, put } from "./dom.js";
import { colon, language, say } from "./words.js";

const ZH = [
  [/^Field required$/, "必填"],
  [/^Input should be greater than or equal to (.+)$/, "不能小于 $1"],
  [/^Input should be greater than (.+)$/, "要大于 $1"],
  [/^Input should be less than or equal to (.+)$/, "不能大于 $1"],
  [/^Input should be less than (.+)$/, "要小于 $1"],
  [/^Input should be a valid number.*$/, "应为数字"],
  [/^Input should be a valid integer.*$/, "应为整数"],
  [/^Input should be a valid string$/, "应为文字"],
  [/^Input should be a valid datetime.*$/, "应为日期时间"],
  [/^String should have at most (\d+) characters?$/, "最多 $1 个字"],
  [/^String should have at least (\d+) characters?$/, "至少 $1 个字"],
  [/^the model knows no tag of this name$/, "模型没有这个标签"],
  [/^several values of a tag that takes one$/, "这个标签只能有一个取值"],
  [/^is after the first period with delivery$/, "晚于第一段有投放的数据"],
  [/^say when it was first delivered$/, "请填首次投放的时间"],
  [/^overlaps another period$/, "与另一段时间重叠"],
  [/^named twice$/, "重复出现"],
  [/^more (\w+) than (\w+)$/, "$1 大于 $2"],
  [/^(\w+) without any (\w+)$/, "有 $1 却没有 $2"],
  [/^check (\w+)$/, "请核对 $1"],
  [/^see GET \/v1\/schema\/predict.*$/, "请改正后再放入"],
  [/^this field is needed$/, "此项必填"],
  [/^(\d+) rows? of totals or aggregates$/, "$1 行合计或汇总行"],
  [/^They were left out; their money belongs to no creative\.$/, "已略过，不属于任何一条素材。"],
  [/^one creative per row$/, "每行一条素材"],
  [/^one row per creative, or rows that agree$/, "每条素材一行，或各行一致"],
  [/^rows of one creative \((.+?)\) that differ in (.+?): (.+)$/, "素材 $1 的各行在“$2”上不一致：$3"],
  [/^Keep the row that is right; .*$/, "保留正确的一行；不同账户或推广方式请写明。"],
  [/^no known layout; the headers are (.+)$/, "认不出的表头：$1"],
  [/^Export one of these, or describe this layout.*$/, "请用千川的素材导出或带“素材ID”列的标签表。"],
  [/^ids that lost digits, such as (.+)$/, "丢了尾数的 ID，例如 $1"],
  [/^the whole id as text$/, "完整的 ID（文本格式）"],
  [/^The digits are gone for good in this file\..*$/, "这份文件里的尾数已经找不回来：请重新导出且不要用表格软件打开，或把这一列按文本导入。"],
  [/^one of (.+)$/, "$1 之一"],
  [/^Correct the cell, or name this value under .*$/, "请改正这个单元格。"],
  [/^no id$/, "没有素材 ID"],
  [/^the creative's id in every row$/, "每行都要有素材 ID"],
  [/^Fill it in, or delete the row\.$/, "补上，或删掉这一行。"],
  [/^a number, or `-` where there is none$/, "数字；没有就写 -"],
  [/^Correct the cells, or export the file again\.$/, "请改正这些单元格，或重新导出。"],
  [/^Correct the cells\.$/, "请改正这些单元格。"],
  [/^(\d+) cells? that cannot be read, such as (.+); they were taken as missing$/, "$1 个单元格读不懂，例如 $2；按缺失处理"],
  [/^a control character in a cell, which was not taken$/, "单元格里有控制字符，没有采用"],
  [/^text; tabs and line ends are its only control characters$/, "除制表符和换行外没有控制字符的文本"],
  [/^Type the cell anew\.$/, "请重新输入这个单元格。"],
  [/^a number$/, "数字"],
  [/^a time such as (.+)$/, "时间，例如 $1"],
  [/^a day such as (.+)$/, "日期，例如 $1"],
  [/^no account$/, "没有账户 ID"],
  [/^an account id in a column, .*$/, "列里或文件夹名里有账户 ID"],
  [/^Each creative gets the account that .*$/, "标签表里有同一条素材的账户时用它；没有就在上面填一次。"],
  [/^no sign of the promotion type$/, "看不出是推直播还是推商品"],
  [/^neither a date column nor a range of days in the file's name$/, "既没有日期列，文件名里也没有起止日期"],
  [/^columns that the model has no tag for: (.+)$/, "模型没有用到的列：$1"],
  [/^tags: (.*)$/, "模型的标签：$1"],
  [/^They were not taken; train with them.*$/, "这些列没有用上；带着它们重新训练后才会计入。"],
  [/^columns that are not read: (.+)$/, "没有读取的列：$1"],
  [/^headers that the source config \S+ names$/, "已知的列名"],
  [/^If one of them is needed, name it in a source config.*$/, "如果需要，请在数据源配置里写明。"],
  [/^columns that state an outcome: (.+)$/, "结果类的列：$1"],
  [/^what the creative is, not how it did$/, "描述素材本身的列"],
  [/^They were not taken as tags; nothing needs to be done\.$/, "没有当作标签，无需处理。"],
  [/^an empty file$/, "空文件"],
  [/^JSON, a web page or XML$/, "JSON、网页或 XML"],
  [/^bytes that are no text.*$/, "不是文本，也不是表格"],
  [/^an? \.xlsx file that is (?:cut off or )?damaged.*$/, "损坏或不完整的 XLSX"],
  [/^CSV or TSV, or XLSX$/, "CSV、TSV 或 XLSX"],
  [/^a whole \.xlsx file.*$/, "完整、没有密码的 XLSX"],
  [/^(?:Open it in a spreadsheet and save it again as \.xlsx|Download or copy it again)\.$/, "请用表格软件打开后另存为 .xlsx，或重新下载。"],
  [/^Export (?:it again|the report as CSV or XLSX|the report again as CSV or XLSX|the file again)\.$/, "请重新导出为 CSV 或 XLSX。"],
  [/^an old Excel file.*|a packed file, Parquet, or an old or locked Excel file$/, "压缩包、Parquet，或旧版/加密的 Excel"],
  [/^Unpack it, or open it and save it as \.xlsx.*$/, "解压，或打开后另存为没有密码的 .xlsx。"],
  [/^Export fewer rows or days per file\.$/, "请减少天数或行数，分开导出。"],
  [/^a period that has not ended, until (.+)$/, "还没结束的时段，到 $1"],
  [/^periods that ended by (.+)$/, "$1 之前结束的时段"],
];

export function inWords(text) {
  if (language() !== "zh") return text;
  for (const [pattern, words] of ZH) if (pattern.test(text)) return text.replace(pattern, words);
  return text.includes("; ") ? text.split("; ").map((part) => (part === text ? part : inWords(part))).join("；") : text;
}

export function drawProblems(section, title, list, problems, fieldLabel, refusalWords) {
  section.hidden = !problems.length;
  title.textContent = say("problems_title", { n: problems.length });
  const weight = (problem) => ["file", "row", "note"].indexOf(problem.severity);
  const sorted = [...problems].sort((one, other) => weight(one) - weight(other));
  put(list, sorted.map((problem) => el("li", { class: problem.severity }, el("span", { class: "badge plain" }, say(`sev_${problem.severity}`)), " ", lineOf(problem, fieldLabel, refusalWords))));
}

function lineOf(problem, fieldLabel, refusalWords) {
  if (problem.refusal) return [problem.file, refusalWords(problem.refusal)].filter(Boolean).join(" · ");
  const { rows = [], count = 0 } = problem;
  const where = [
    problem.file,
    rows.length ? say("rows_of", { rows: rows.join(", ") }) + (count > rows.length ? say("rows_more", { n: count }) : "") : "",
    problem.creative_id ? say("creative_of", { id: problem.creative_id }) : "",
    problem.column ? say("column", { name: problem.column }) : "",
    problem.field ? fieldLabel(problem.field) : "",
  ].filter(Boolean);
  if (problem.found === "more") return `${problem.file} · ${say("more", { n: count })}`;
  const expected = language() === "zh" ? problem.expected?.replace(/^tags: (.*)$/, (_, names) => `tags: ${names.split(", ").map((name) => fieldLabel(`tags.${name}`)).join("、")}`) : problem.expected;
  const found = problem.found === "no creatives" ? say("no_creatives") : inWords(problem.found);
  const right = [expected && `${say("expected")}${colon()}${inWords(expected)}`, problem.cure && inWords(problem.cure)];
  return [el("strong", {}, el("bdi", {}, where.join(" · "))), " ", el("bdi", {}, found), " ", el("span", { class: "hint" }, right.filter(Boolean).join(language() === "zh" ? "。" : ". "))];
}
