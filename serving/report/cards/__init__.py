"""Cards: all that the report tells of one creative.

In: `ReportContext`. Out: one `Card` for each chosen creative. Open `card.py` first; the other modules are its parts:
where it leaks, its life, the waterfall, why it gets little traffic, its nearest past creatives, what it really made.
"""
