"""A proxy in front of a real service that fails on demand."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class FaultyProxy:
    """Passes bytes on between clients and `target`. Each connection takes the next of the planned faults; with none left,
    it is passed on as it is."""

    def __init__(self, target: str):
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._faults: list[tuple[str, int]] = []
        # Heads of the requests that passed.
        self.requests: list[str] = []

    def refuse(self, times: int) -> None:
        """Connections that end before they answer."""
        self._faults += [("refuse", 0)] * times

    def cut_after(self, size: int) -> None:
        """A connection that ends after so many bytes of its answers."""
        self._faults.append(("cut", size))

    def answer(self, status: str, times: int, headers: str = "") -> None:
        """Connections that get this answer and nothing else."""
        self._answer = f"HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        self._faults += [("answer", 0)] * times

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                fault, size = self._faults.pop(0) if self._faults else ("none", 0)
                threading.Thread(target=self._serve, args=(client, fault, size), daemon=True).start()

    def _serve(self, client: socket.socket, fault: str, size: int) -> None:
        with client, contextlib.suppress(OSError):
            if fault == "refuse":
                client.recv(1 << 16)
                return
            if fault == "answer":
                client.recv(1 << 16)
                client.sendall(self._answer)
                return
            with socket.create_connection(self._target) as server:
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                left = size if fault == "cut" else None
                while data := server.recv(1 << 12):
                    client.sendall(data[:left])
                    if left is not None:
                        left -= len(data)
                        if left <= 0:
                            client.shutdown(socket.SHUT_RDWR)
                            return

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                self.requests.append(data.decode("latin-1"))
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
