"""One worker: the service's ASGI application under uvicorn, on connections that the supervisor accepted.

    python -m serving.server.worker DESCRIPTOR

The descriptor is that of the socket to the supervisor (`serving.server.channel`).
"""

import asyncio
import logging
import socket
import sys
from types import FrameType

import uvicorn

from features.garbage_collector import no_collection
from serving.server.channel import CLOSED, DRAIN, READY, SECONDS_TO_END
from serving.server.http_protocol import BoundedHttp

log = logging.getLogger("gpmcast.server")

STARTUP_FAILED = 3
KEEP_ALIVE_SECONDS = 30
"""After these a connection without a request is closed."""


class WorkerServer(uvicorn.Server):
    """uvicorn's server, which gets accepted connections in place of a listening socket."""

    def __init__(self, config: uvicorn.Config, channel: socket.socket) -> None:
        """Start nothing yet.

        Args:
            config: Of uvicorn.
            channel: To the supervisor.
        """
        super().__init__(config)
        self._channel = channel
        self._closed = 0  # connections not yet reported as closed
        self._opening: set[asyncio.Task[None]] = set()
        channel.setblocking(False)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application; then tell the supervisor."""
        with no_collection():  # it imports most of what a worker needs, and loads the model
            await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILED)
        self.servers = []
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._channel, self._hear)
        self._loop.add_signal_handler(DRAIN, self.drain)
        self._channel.send(READY)
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer the requests that are there or on their way, and end the application."""
        if self._opening:
            await asyncio.wait(self._opening)
        self.drain()
        await super().shutdown(sockets)

    def drain(self) -> None:
        """From now on `/readyz` is 503 and connections are closed after their next answer."""
        self.lifespan.state["ending"] = True  # part of the state of every request

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ignore SIGTERM and SIGINT: connections may be on their way here until the supervisor closes the channel."""

    def connection_closed(self) -> None:
        """Tell the supervisor that a connection was closed."""
        self._closed += 1
        try:
            self._closed -= self._channel.send(CLOSED * self._closed)
        except BlockingIOError:
            pass  # reported with the next one
        except OSError:
            self._closed = 0

    def _hear(self) -> None:
        try:
            while True:
                word, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
                if not word:
                    break
                if descriptors:
                    self._open(socket.socket(fileno=descriptors[0]))
                else:
                    log.error("a connection is lost: this process has too many open files")
                    self.connection_closed()
        except BlockingIOError:
            return
        except OSError:  # the supervisor is gone
            pass
        self._loop.remove_reader(self._channel)
        self.should_exit = True

    def _open(self, connection: socket.socket) -> None:
        task = self._loop.create_task(self._connect(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(lambda: BoundedHttp(self), connection)
        except OSError:  # its client is gone
            connection.close()
            self.connection_closed()


def main() -> None:
    """Answer requests until the supervisor closes the channel, or is gone."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with no_collection():  # searching what is imported for cycles would take a sixth of the start
        from serving.service import PredictionService

        app = PredictionService.to_asgi()  # type: ignore[attr-defined]
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # below that it warns of every request that is no HTTP, which we log ourselves
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    WorkerServer(config, socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
