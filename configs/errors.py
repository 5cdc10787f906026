"""The root of every error that gpmcast raises on purpose.

GpmcastError
├── ConfigError            a settings file cannot be used            (here)
└── features.errors        input, store                              (there)
    training.errors        too little data, a bundle that is refused (there)
"""


class GpmcastError(Exception):
    """Something a person can put right; the message says what was expected, what was found and what to do."""


class ConfigError(GpmcastError):
    """A settings file has an unknown key, a wrong value, or is not there."""
