"""Additive explanations of predictions on the log scale.

In: a fitted `CreativeModel` and a feature matrix. Out: `LogContributions` of every stage and target, whose sum is the
log prediction; the same as `shap.Explanation`; points of the heads' SHAP values. Open `contributions.py` first.
"""
