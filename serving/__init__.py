"""The prediction service: creatives in; forecasts, a ledger of them, and the strategist's report out.

Open `service.py` for the API, `__main__.py` for the commands and `api/` for what goes over the wire. `middleware/` is
what every request passes, `mounts/` what is served beside the API, `compute/` where answers are computed, `inference/`
predicts, `ledger/` records, `upload/` reads files, `report/` writes the report, `client.py` is for callers.
"""
