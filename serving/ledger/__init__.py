"""The record of every answer: `LedgerRecord`s in, rows of a SQL database out. Open `writer.py` first.

`record.py` has what is recorded, `writer.py` the queue and the writing thread, `tables.py` the two tables;
`database.py` writes them, `reading.py` reads them.
"""
