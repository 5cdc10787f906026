"""Runs whose metrics are read part by part, by this process or by many workers."""
