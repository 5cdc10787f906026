"""What is mounted beside BentoML's API methods: the page, the report, the model's card, schemas and docs.

`pages.py` has the routes, `static_files.py` the page's files and their policies, `model_card.py` the answer of
`GET /v1/model`, `openapi.py` completes BentoML's OpenAPI document, `docs.html` renders it.
"""
