"""What supervisor and worker tell each other: single bytes over the socket pair between them."""

CONNECTION = b"c"
"""Supervisor to worker: an accepted connection comes with this byte."""
SHED = b"s"
"""Supervisor to worker: close one kept connection after its next answer; another worker has fewer."""
END = b"e"
"""Supervisor to worker: no connection comes any more; answer what is there and end."""
READY = b"r"
"""Worker to supervisor: it can take connections."""
CLOSED = b"x"
"""Worker to supervisor: a connection was closed."""
LEAVE = b"l"
"""Worker to supervisor: it got SIGTERM; it takes no more connections and waits for END."""

SECONDS_TO_END = 30
"""Grace period of requests under way after SIGTERM."""
