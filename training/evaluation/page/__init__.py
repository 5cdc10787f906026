"""Page of an evaluation: its tables in; one HTML file and a model card out.

Start with `render.py`; sentences are in `text.py`, charts in `charts.py`.
"""
