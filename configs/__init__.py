"""Settings of gpmcast and its version.

YAML files go in; frozen, validated models come out (`Settings`, `ExportLayout`, `FileNamePatterns`). Open `settings.py`
first: it documents every key of a run.
"""

__version__ = "0.1.0"
