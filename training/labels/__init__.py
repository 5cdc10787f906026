"""Labels and splits: outcomes after a cutoff, their maturity, holdout and folds by time.

In: snapshots and metrics. Out: one outcome per snapshot, and masks of training, validation and holdout rows. Open
`outcomes.py` first.
"""
