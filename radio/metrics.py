"""What the station counts about itself, for Prometheus. Knows nothing about how the numbers come about."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from engine import Levels

CONTENT_TYPE = CONTENT_TYPE_LATEST
_LAG_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Every metric of the station; an attribute is the metric's name without `lofi_` and `_total`."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry if registry is not None else CollectorRegistry()
        self._register_sound()
        self._register_levels()
        self._register_outputs()
        self._register_house()

    def with_process(self) -> Metrics:
        """Add the process_*, python_* metrics of this very process; once per process."""
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        return self

    def expect_station(self, station: str) -> None:
        """Begin a station's counters at 0: a rate needs the value before the first event."""
        for metric in (
            self.frames_broadcast, self.bars_broadcast, self.engine_restarts, self.underrun_frames,
            self.repeated_frames, self.composer_fallback, self.mood_changes, self.piece_skips, self.clock_skips,
        ):  # fmt: skip
            metric.labels(station)

    def expect_icecast(self, output: str) -> None:
        """Begin an Icecast output's numbers at 0: one that never connects must show, too."""
        self.icecast_connected.labels(output)
        self.icecast_reconnects.labels(output)

    def expect_hls(self, station: str) -> None:
        """Begin the numbers of a station's HLS at 0."""
        self.hls_segments.labels(station)
        for where in ("state", "folder"):
            self.hls_write_errors.labels(station, where)

    def expect_webhook(self, output: str) -> None:
        """Begin the messages of a webhook at 0."""
        for result in ("sent", "retried", "failed", "dropped"):
            self.webhook_messages.labels(output, result)

    def expect_formats(self, station: str, endings: Sequence[str]) -> None:
        """Begin the faults of every format at 0."""
        for ending in endings:
            self.decoded_faults.labels(station, ending)

    def show_levels(self, station: str, levels: Levels) -> None:
        """Show what the engine's meters read at the end of its newest bar, some seconds before it goes on air."""
        self.engine_loudness_lufs.labels(station).set(levels.loudness_lufs)
        self.engine_true_peak_dbtp.labels(station).set(levels.true_peak_dbtp)
        self.engine_silence_seconds.labels(station).set(levels.silence_s)
        self.engine_brightness_db.labels(station).set(levels.brightness_db)
        for part, lufs in levels.parts_lufs.items():
            self.engine_part_loudness_lufs.labels(station, part.value).set(lufs)
        for hand, db in (("rider", levels.rider_db), ("treble", levels.treble_db)):
            self.engine_hand_db.labels(station, hand).set(db)

    def text(self) -> bytes:
        """Everything in Prometheus' text format; serve it as `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def _register_sound(self) -> None:
        self.frames_broadcast = self._counter("frames_broadcast_total", "Audio frames sent on air.", "station")
        self.bars_broadcast = self._counter("bars_broadcast_total", "Bars of music sent on air.", "station")
        self.lead_seconds = self._gauge("lead_seconds", "Music composed ahead of the broadcast.", "station")
        self.engine_restarts = self._counter(
            "engine_restarts_total", "Engine processes that had to be replaced.", "station"
        )
        self.underrun_frames = self._counter(
            "underrun_frames_total", "Frames of filler sent because no music was ready.", "station"
        )
        self.repeated_frames = self._counter(
            "repeated_frames_total", "Frames of bars played again because no new one was ready.", "station"
        )
        self.composer_fallback = self._gauge(
            "composer_fallback", "1 while the rule-based composer stands in for the models.", "station"
        )
        self.mood_changes = self._counter("mood_changes_total", "Moods applied while on air.", "station")
        self.piece_skips = self._counter("piece_skips_total", "Pieces that were ended early.", "station")
        self.last_audio_timestamp_seconds = self._gauge(
            "last_audio_timestamp_seconds", "Unix time at which audio last went out.", "station"
        )
        self.silence_seconds = self._gauge("silence_seconds", "Length of the silence on air right now.", "station")
        self.output_loudness_lufs = self._gauge("output_loudness_lufs", "Loudness of what went out.", "station")
        self.decoded_level_dbfs = self._gauge(
            "decoded_level_dbfs", "Level of the newest second of a format, after decoding it.", "station", "format"
        )
        self.decoded_faults = self._counter(
            "decoded_faults_total", "Times a format was silent or could not be decoded.", "station", "format"
        )
        self.clock_skew_seconds = self._gauge(
            "clock_skew_seconds", "How late the newest block went on air, by the monotonic clock.", "station"
        )
        self.render_ratio = self._gauge(
            "render_ratio",
            "Time the engine took for the newest bar, by the bar's length; above 1 is too slow.",
            "station",
        )
        self.clock_skips = self._counter("clock_skips_total", "Times the broadcast clock had to skip ahead.", "station")

    def _register_levels(self) -> None:
        self.engine_loudness_lufs = self._gauge("engine_loudness_lufs", "Short-term loudness, newest bar.", "station")
        self.engine_true_peak_dbtp = self._gauge("engine_true_peak_dbtp", "Highest peak of the newest bar.", "station")
        self.engine_silence_seconds = self._gauge(
            "engine_silence_seconds", "Silence that the newest bar ends with.", "station"
        )
        self.engine_brightness_db = self._gauge(
            "engine_brightness_db", "Share of the music's energy above 2 kHz, half a minute.", "station"
        )
        self.engine_part_loudness_lufs = self._gauge(
            "engine_part_loudness_lufs", "Short-term loudness of a part before the master.", "station", "part"
        )
        self.engine_hand_db = self._gauge(
            "engine_hand_db", "Where the slow hands on loudness and treble are.", "station", "hand"
        )

    def _register_outputs(self) -> None:
        self.listeners = self._gauge("listeners", "Listeners connected now.", "station", "mount")
        self.listener_drops = self._counter(
            "listener_drops_total", "Listeners that were let go.", "station", "mount", "reason"
        )
        self.icecast_connected = self._gauge("icecast_connected", "1 while the source is connected.", "output")
        self.icecast_reconnects = self._counter(
            "icecast_reconnects_total", "Times a source had to reconnect.", "output"
        )
        self.output_connected = self._gauge("output_connected", "1 while the output works.", "output")
        self.output_connects = self._counter("output_connects_total", "Times the output began to work.", "output")
        self.output_bytes = self._counter("output_bytes_total", "Bytes that the output handed over.", "output")
        self.output_dropped_seconds = self._counter(
            "output_dropped_seconds_total", "Sound that the output lost.", "output"
        )
        self.hls_segments = self._counter("hls_segments_total", "HLS segments made.", "station")
        self.hls_last_segment_timestamp_seconds = self._gauge(
            "hls_last_segment_timestamp_seconds", "Unix time at which the newest HLS segment was shown.", "station"
        )
        self.hls_write_errors = self._counter(
            "hls_write_errors_total", "Times HLS could not be written to the disk.", "station", "where"
        )
        self.refusals = self._counter("refusals_total", "Connections that were not let in or were cut.", "reason")
        for reason in ("full", "address", "slow"):
            self.refusals.labels(reason)
        self.control_requests = self._counter("control_requests_total", "Requests for a control route.", "result")
        for result in ("admitted", "refused", "locked"):
            self.control_requests.labels(result)
        self.events = self._counter("events_total", "Events told to those who follow.", "station", "event")
        self.event_clients = self._gauge("event_clients", "Clients that follow the events now.", "way")
        self.event_clients_max = self._gauge("event_clients_max", "Clients that may follow the events at once.")
        self.event_drops = self._counter("event_drops_total", "Event clients let go or not let in.", "reason")
        for way in ("sse", "ws"):
            self.event_clients.labels(way)
        for reason in ("full", "lagged", "stuck"):
            self.event_drops.labels(reason)
        self.webhook_messages = self._counter(
            "webhook_messages_total", "Messages to webhooks, by what came of them.", "output", "result"
        )
        self.keepalive_restarts = self._counter(
            "keepalive_restarts_total", "Times an output was started again.", "output"
        )

    def _register_house(self) -> None:
        self.config_reloads = self._counter("config_reloads_total", "Edits of config.yaml seen.", "result")
        for result in ("applied", "rejected", "unchanged"):
            self.config_reloads.labels(result)
        self.config_reload_success_timestamp_seconds = self._gauge(
            "config_reload_success_timestamp_seconds", "Unix time of the last configuration that was accepted."
        )
        self.journal_errors = self._counter("journal_errors_total", "Failed writes to the journal.")
        self.journal_rows = self._counter("journal_rows_total", "Bars written to the journal.")
        self.journal_lost_rows = self._counter("journal_lost_rows_total", "Bars the journal could not keep.")
        self.replay_state_bytes = self._counter("replay_state_bytes_total", "States of the sound kept for replays.")
        self.replay_errors = self._counter("replay_errors_total", "States of the sound that could not be kept.")
        self.clips = self._counter("clips_total", "Clips asked for.", "result")
        for result in ("made", "kept", "refused", "failed"):
            self.clips.labels(result)
        self.event_loop_lag_seconds = Histogram(
            "lofi_event_loop_lag_seconds",
            "How late the event loop came back to us.",
            buckets=_LAG_BUCKETS_S,
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"lofi_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"lofi_{name}", text, labels, registry=self.registry)
