"""`make serve`: one supervisor that accepts connections, and workers that answer.

`supervisor.py` first. The service itself is `serving.service`; `bentoml serve` runs it without this folder.
"""
