"""Comparisons with other methods, with the sample's truth and between checkouts, and measurements of speed and growth.

Input: export files or a trained bundle; output: tables on the console and files under `var`. Start with `peers`. The
product needs none of it.
"""
