"""Additive explanations of predictions on the log scale.

In: a fitted `CreativeModel` and a feature matrix. Out: `LogContributions` of every stage and target, whose sum is the
log prediction. Open `contributions.py` first; `treeshap_tables.py` computes SHAP values of trees faster than LightGBM.
"""
