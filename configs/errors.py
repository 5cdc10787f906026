"""Base class of every error that gpmcast raises on purpose.

GpmcastError
├── ConfigError            a settings file cannot be used            (here)
└── features.errors        input, store                              (there)
    training.errors        too little data, a bundle that is refused (there)
"""


class GpmcastError(Exception):
    """A user can fix the cause; the message states what was found, what was expected and what to do.

    Attributes:
        zh: The message in Chinese; empty where there is only the English one.
    """

    def __init__(self, message: str = "", *, zh: str = "") -> None:
        super().__init__(message)
        self.zh = zh

    def in_language(self, language: str) -> str:
        """Return the message in Chinese for `zh`, where there is one, else in English."""
        return self.zh if language == "zh" and self.zh else str(self)


class ConfigError(GpmcastError):
    """A settings file is absent, or has an unknown key or a wrong value."""
