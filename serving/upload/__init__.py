"""Files that a person drops on the page: bytes in, creatives in the form of a request and problems out.

`read_creatives.py` is the entry; `safe_tables.py` opens CSV and XLSX within bounds.
"""
