"""Predictions before the budget is spent: the service, its ledger, its client."""
