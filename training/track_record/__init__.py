"""The track record: past answers against the outcomes that came, by the model version that gave them.

In: past answers (of the service's ledger, or of a backtest), metrics and creatives. Out: `TrackRecord`. Open
`record.py` first: it has the steps in their order.

`answers.py` has the table of answers and which of them count, `matured.py` joins them with outcomes, `settlement.py`
estimates net money that is not settled yet, `resampling.py` gives every figure its interval; `quality.py`,
`decisions.py`, `top_lists.py` and `rankings.py` are what is said; `daily.py` and `drift.py` watch for changes,
`refresh.py` says whether a refit pays.
"""
