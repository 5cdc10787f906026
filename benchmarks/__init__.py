"""Benchmarks: against known marks, against the sample's truth, and of speed. Never needed to run the product."""
