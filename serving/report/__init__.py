"""The strategist's report: one offline HTML file.

In: exports, the champion and which creatives. Out: `ReportData` (plain numbers) and the page rendered from it. Open
`run.py` first, then `context.py` (what every section reads), `data.py` and `render.py`. `levers/` and `cards/` are the
two large sections; each other one is a module or two here.

To add a section `x`: numbers in `x.py` (`ReportPart` classes and a function of `ReportContext`: no sentence, no markup)
with a field and a line in `data.py`; sentences in `wording/x.py` (`TITLE`, `TEXTS`, `SCRIPT_TEXTS`, listed in
`wording.SECTIONS`); `templates/sections/x.html.j2` (given `data` and `part`), and where needed `templates/style/x.css`,
`templates/script/x.js` (uses `report` of `core.js`) and `blocks/x.py` (`values`: what the block is given as `part`;
`embedded`: the JSON that the script finds in `report.data.x`); one line in `render.SECTIONS`.
Creatives are told by their index in `ReportData.creatives`, which is that of `context.order`.
Colours and components: `training/charts/theme.css`.
"""
