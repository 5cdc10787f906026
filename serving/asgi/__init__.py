"""The HTTP layer: ASGI requests in; responses, metrics and ledger records out. Open `app.py` first.

`app.py` has paths, limits and errors; `handlers.py` what each endpoint does; `api_keys.py` authentication;
`openapi.py` the documents; `prometheus.py` the metrics; `static_files.py` the page and its policies.
"""
