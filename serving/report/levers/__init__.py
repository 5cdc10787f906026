"""Levers: what a team can choose (a tag, the KOC, the price, the duration), and what each value does at every step.

In: `ReportContext`. Out: the section's numbers, and `lever_grades`, which other sections ask before they recommend
anything. Open `section.py` first; `slice_effects.py` has the estimates, `details.py` what an opened row shows.
"""
