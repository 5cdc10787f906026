"""Training: metrics of creatives in; a registered model, its evaluation, predictions and backtests out.

Start with `run.py`: the steps of `make train` in their order. `__main__.py` has the commands.
"""
