"""Decisions: predictions and intervals in; verdicts, warnings and one row per creative out.

Start with `predict.py` (the batch); `verdict.py` has the rule and `warnings.py` every warning.
"""
