"""Evaluation on holdout rows: models and outcomes in; metrics, calibration, coverage, checks and a page out.

Start with `holdout.py` (what is evaluated) and `metrics.py` (the figures); `acceptance.py` has every threshold.
"""
