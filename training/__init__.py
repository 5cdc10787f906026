"""From feature rows to a registered model: outcomes, splits, stage models, tuning, evaluation, tracking."""
