"""`make score`: past answers of the service, from its ledger, to `training.track_record`. Open `run.py` first."""
