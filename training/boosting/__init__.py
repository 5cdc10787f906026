"""The model: funnel posteriors corrected by LightGBM, stage by stage, and its tuning.

In: features and outcomes of training rows. Out: a `CreativeModel` that predicts stage rates, volume and targets. Open
`model.py` first, then `recipe.py` for how one is made.
"""
