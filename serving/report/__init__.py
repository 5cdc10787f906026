"""The strategist's report: one offline HTML file.

In: exports, the champion and which creatives. Out: `ReportData` (plain numbers) and the page rendered from it. Open
`run.py` first, then `data.py`: one module per section; sentences are in `wording.py`, pictures in `charts.py`.
"""
