"""Registry: models as folders of plain data (`bundle.py`), runs and versions in MLflow, and the champion.

Start with `bundle.py`; `champion.py` decides which version predicts.
"""
