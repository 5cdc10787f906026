"""The store: export files go in (DuckDB, one file), metrics and creatives come out as checked frames (`Loaded`).

Later imports win value by value and nothing is lost: replaced values are kept as revisions. Open `ingest.py` first for
the way in, `load.py` for the way out.
"""
