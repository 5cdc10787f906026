"""The prediction service: creatives in; forecasts, a ledger of them, and the strategist's report out.

Open `__main__.py` for the commands and `api/` for what goes over the wire. `inference/` predicts, `asgi/` is the HTTP
layer, `ledger/` records, `upload/` reads files, `report/` writes the report, `client.py` is for callers.
"""
