"""Rows of metrics and creatives in, counts of snapshots as they were known at their cutoffs out; nothing is fitted.

`counts.observe` computes all of them: own counts, and sums over other creatives from one of three sources (rows in
memory, partial sums of parts, the as-of table of a bundle). Open `counts.py` first, then `entity_history.py`.
"""
