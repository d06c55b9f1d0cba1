"""Every edge that a configuration asks for: what is kept alive and may fail without harm to the station.

Knows nothing about when they are started again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from radio.config import Config
from radio.outputs import bucket, device, icecast, push, record
from radio.runtime import House, StationRuntime


@dataclass(frozen=True, slots=True)
class Edge:
    """One output, ready to run."""

    name: str
    station: str
    run: Callable[[], Awaitable[None]]
    errors: tuple[type[Exception], ...]


def edges(config: Config, stations: Mapping[str, StationRuntime], house: House) -> Iterator[Edge]:
    """Make the outputs of a configuration."""
    for mount in config.icecast:
        source = icecast.IcecastOutput(mount, stations[mount.station].feed(mount.format), house.metrics)
        yield Edge(source.name, mount.station, source.run, icecast.ERRORS)
    ports = device.Ports()
    for card in config.device:
        player = device.DeviceOutput(card, stations[card.station].feed("pcm").hub, house.metrics, ports.open)
        yield Edge(player.name, card.station, player.run, device.ERRORS)
    for platform in config.push:
        pusher = push.PushOutput(platform, stations[platform.station].feed("aac"), house.metrics)
        yield Edge(pusher.name, platform.station, pusher.run, push.ERRORS)
    for archive in config.record:
        ending = "pcm" if archive.format == "flac" else archive.format
        recorder = record.RecordOutput(archive, stations[archive.station].feed(ending).hub, house.metrics, house.clock)
        yield Edge(recorder.name, archive.station, recorder.run, record.ERRORS)
    for name, station in stations.items():
        if config.hls.bucket is not None and station.hls is not None:
            ledger = config.state.folder / f"{name}.bucket.json"
            copier = bucket.BucketOutput(config.hls.bucket, station.hls, house.metrics, ledger)
            yield Edge(copier.name, name, copier.run, bucket.ERRORS)
