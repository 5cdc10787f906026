"""The rows of a run: every snapshot with its counts and its outcome.

In: exports or a partitioned dataset. Out: a `MetricsSource`, and a `Dataset` of rows with the priors and encoders of a
training period. Open `dataset.py` first.
"""
