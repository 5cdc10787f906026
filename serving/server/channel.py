"""What supervisor and worker tell each other: single bytes over the socket pair between them, and one signal.

The supervisor ends a worker by closing its direction of the pair.
"""

import signal

CONNECTION = b"c"
"""Supervisor to worker: an accepted connection comes with this byte."""
READY = b"r"
"""Worker to supervisor: it can take connections."""
CLOSED = b"x"
"""Worker to supervisor: a connection was closed."""

DRAIN = signal.SIGUSR1
"""Supervisor to worker: `/readyz` is 503 and each connection is closed after its next answer."""
SECONDS_TO_END = 30
"""Grace period of requests under way when a worker is told to end."""
