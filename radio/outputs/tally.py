"""What every output counts about itself in the same way. Knows nothing about what kinds of outputs there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from radio.metrics import Metrics


class Tally:
    """The numbers of one output, from 0 on: one that never connects must show, too."""

    def __init__(self, metrics: Metrics, output: str) -> None:
        self._connected = metrics.output_connected.labels(output)
        self._connects = metrics.output_connects.labels(output)
        self._bytes = metrics.output_bytes.labels(output)
        self._dropped = metrics.output_dropped_seconds.labels(output)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Count as connected until the block ends."""
        self._connects.inc()
        self._connected.set(1)
        try:
            yield
        finally:
            self._connected.set(0)

    def sent(self, size_bytes: int) -> None:
        """Count bytes that were handed over."""
        self._bytes.inc(size_bytes)

    def dropped(self, seconds: float) -> None:
        """Count sound that was lost."""
        self._dropped.inc(seconds)
