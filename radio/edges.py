"""Every edge that a configuration asks for: what is kept alive and may fail without harm to the station.

Knows nothing about when they are started again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from radio.config import Config
from radio.outputs import bucket, device, icecast, push, record, text_file, webhook
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
        feeder = icecast.IcecastOutput(mount, stations[mount.station].feed(mount.format), house.metrics)
        yield Edge(feeder.name, mount.station, feeder.run, icecast.ERRORS)
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
    for hook in config.webhooks:
        station = stations[hook.station]
        source = webhook.Source(station.title, station.now, station.wishes, station.healthy)
        teller = webhook.WebhookOutput(hook, source, house.metrics, house.clock)
        yield Edge(teller.name, hook.station, teller.run, webhook.ERRORS)
    for name, station in stations.items():
        if station.settings.text_file is not None:
            shown = text_file.Shown(name, station.title, station.now)
            writer = text_file.TextFileOutput(shown, station.settings.text_file, house.clock)
            yield Edge(writer.name, name, writer.run, text_file.ERRORS)
        if config.hls.bucket is not None and station.hls is not None:
            ledger = config.state.folder / f"{name}.bucket.json"
            copier = bucket.BucketOutput(config.hls.bucket, station.hls, house.metrics, ledger)
            yield Edge(copier.name, name, copier.run, bucket.ERRORS)
