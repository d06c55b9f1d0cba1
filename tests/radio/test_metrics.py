import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from radio.metrics import Metrics

NAMES = {
    "frames_broadcast": "station", "bars_broadcast": "station", "lead_seconds": "station",
    "engine_restarts": "station", "underrun_frames": "station", "repeated_frames": "station",
    "composer_fallback": "station",
    "mood_changes": "station", "listeners": "station mount", "listener_drops": "station mount reason",
    "icecast_connected": "output", "icecast_reconnects": "output", "last_audio_timestamp_seconds": "station",
    "clock_skew_seconds": "station", "render_ratio": "station", "hls_last_segment_timestamp_seconds": "station",
    "silence_seconds": "station", "output_loudness_lufs": "station", "clock_skips": "station",
    "config_reloads": "result", "config_reload_success_timestamp_seconds": "", "journal_errors": "",
    "journal_rows": "", "journal_lost_rows": "", "event_loop_lag_seconds": "", "keepalive_restarts": "output",
    "hls_segments": "station", "hls_write_errors": "station where", "refusals": "reason", "control_requests": "result",
    "decoded_level_dbfs": "station format", "decoded_faults": "station format",
    "output_connected": "output", "output_connects": "output", "output_bytes": "output",
    "output_dropped_seconds": "output",
    "engine_loudness_lufs": "station", "engine_true_peak_dbtp": "station", "engine_silence_seconds": "station",
    "engine_brightness_db": "station", "engine_part_loudness_lufs": "station part", "engine_hand_db": "station hand",
    "replay_state_bytes": "", "replay_errors": "", "clips": "result",
    "events": "station event", "event_clients": "way", "event_drops": "reason", "piece_skips": "station",
    "event_clients_max": "",
    "webhook_messages": "output result",
}  # fmt: skip


def test_every_metric_of_the_contract_is_there_under_its_name():
    metrics = Metrics()
    for name, labels in NAMES.items():
        metric = getattr(metrics, name)
        (metric.labels(*labels.split()) if labels else metric)
    found = text_string_to_metric_families(metrics.text().decode())
    families = {family.name: family for family in found if not family.name.endswith("_created")}
    assert {f"lofi_{name}" for name in NAMES} == set(families)
    for name in NAMES:
        assert families[f"lofi_{name}"].documentation.endswith(".")


def test_a_label_that_is_forgotten_is_an_error():
    with pytest.raises(ValueError, match="label"):
        Metrics().listeners.labels("lofi")


def test_two_radios_in_one_process_count_apart():
    one, two = Metrics(), Metrics()
    one.journal_rows.inc()
    assert two.registry.get_sample_value("lofi_journal_rows_total") == 0


def test_a_registry_of_ones_own_is_used():
    registry = CollectorRegistry()
    Metrics(registry).journal_rows.inc(3)
    assert registry.get_sample_value("lofi_journal_rows_total") == 3


def test_the_processs_own_numbers_can_be_added():
    assert b"process_resident_memory_bytes" in Metrics().with_process().text()


def test_a_station_and_an_output_begin_at_zero_before_anything_happens():
    metrics = Metrics()
    metrics.expect_station("lofi")
    metrics.expect_icecast("main")
    value = metrics.registry.get_sample_value
    assert value("lofi_engine_restarts_total", {"station": "lofi"}) == 0
    assert value("lofi_underrun_frames_total", {"station": "lofi"}) == 0
    assert value("lofi_icecast_connected", {"output": "main"}) == 0
