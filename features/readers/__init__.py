"""Read export files: one file of any known layout goes in, canonical metrics and attributes come out (`ExportRead`).

What cannot be used is reported as problems that state what was found, what was expected and the cure. Open
`export_file.py` first: it calls every step in order.
"""
