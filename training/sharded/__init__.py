"""Runs whose metrics are read part by part (an account a part), by this process, several, or Dask workers.

In: a store or a partitioned dataset. Out: a `MetricsSource` whose tables equal those of one process to the last bit.
Only `training.data.open_source` imports it; open `session.py` first, then `source.py`.
"""
