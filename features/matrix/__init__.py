"""Counts of snapshots and what was fitted on the training period in, the feature matrix out.

`feature_matrix.build_features` builds it for training, batch prediction and the service; `catalogue` declares every
feature once, `encoders` turns categories and texts into numbers. Open `feature_matrix.py` first.
"""
