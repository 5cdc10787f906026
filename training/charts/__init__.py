"""Charts as SVG text, for the evaluation's page and the strategist's report.

In: numbers. Out: `Markup` that takes its colours and fonts from the CSS of the page around it, without scripts or
inline styles. Open `scales.py` first (numbers → places, ticks), then `marks.py` (SVG elements) and `axes.py` (a plot
with two labelled axes). Each page defines its own charts.
"""
