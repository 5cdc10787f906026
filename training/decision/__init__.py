"""Decisions: predictions and intervals in; verdicts, warnings and one row per creative out.

Start with `predict.py` (the batch); `rules.py` evaluates the table of rules, `prediction_warnings.py` warns.
"""
