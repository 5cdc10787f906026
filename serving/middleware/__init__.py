"""ASGI middleware around BentoML's application: what every request passes. Open `door.py` first.

`door.py` is outermost: host, path, request id, safe headers, one shape of errors. `keys.py` authenticates, `limits.py`
reads the body within its limits and admits requests, `call.py` is what they know of one request.
"""
