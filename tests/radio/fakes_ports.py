"""Ports that nobody holds and that the system gives to no outgoing connection meanwhile."""

import random
import socket


def free_port():
    """Find a port below the range that outgoing connections are given (32768 and up on Linux)."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
