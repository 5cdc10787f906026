"""Base class of every error that gpmcast raises on purpose.

GpmcastError
├── ConfigError            a settings file cannot be used            (here)
└── features.errors        input, store                              (there)
    training.errors        too little data, a bundle that is refused (there)
"""


class GpmcastError(Exception):
    """A user can fix the cause; the message states what was found, what was expected and what to do."""


class ConfigError(GpmcastError):
    """A settings file is absent, or has an unknown key or a wrong value."""
