"""Computing answers off the event loop.

`compute.py` first: which requests are computed together in a thread, and which in a process of their own.
"""
