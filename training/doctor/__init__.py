"""The doctor: what export files hold, what is wrong with them, and whether they suffice to train.

Open `examine.py` first.
"""
