"""Settings of gpmcast, and the one place its version stands."""

__version__ = "0.1.0"
