"""From export files to features and the funnel model: no LightGBM here, nothing that depends on trained trees.

Export files go in (`readers`, `store`, `partitions`); counts and history as of a cutoff (`point_in_time`), the funnel
model (`funnel_model`) and the feature matrix (`matrix`) come out. Open `schema.py` first: it names every column.
"""
