"""Partitioned datasets: the store goes in, Parquet files per promotion type, account and month come out, and back.

A dataset is a folder on this machine or behind a URL; its manifest names every file by its content. Open `manifest.py`
first, then `writer.py` and `reader.py`; `folder.py` and `object_store.py` move bytes.
"""
