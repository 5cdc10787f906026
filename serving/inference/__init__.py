"""Prediction: checked creatives and a model bundle in, the parts of an answer out. Open `predict.py` first.

`model_watcher.py` finds the bundle and replaces the model, `loaded_model.py` holds it, `creative_input.py` turns a
creative into counts, `explain.py` formats contributions, `rank.py` orders candidates.
"""
