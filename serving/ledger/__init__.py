"""The record of every answer: `LedgerRecord`s in, rows of a SQL database out. Open `writer.py` first.

`writer.py` has the queue and the writing thread, `spool.py` the files that survive a killed process, `tables.py` the
record, the two tables, and reading.
"""
