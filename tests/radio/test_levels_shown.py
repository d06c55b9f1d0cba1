"""What the engine's meters read becomes metrics."""

from engine import Levels, Part
from radio.metrics import Metrics


def test_the_engine_s_readings_are_shown_for_each_station_and_part():
    metrics = Metrics()
    metrics.show_levels("lofi", Levels(-16.2, -2.0, 0.5, -11.0, 3.0, -1.0, {Part.KEYS: -23.0}))
    text = metrics.text().decode()
    assert 'lofi_engine_loudness_lufs{station="lofi"} -16.2' in text
    assert 'lofi_engine_part_loudness_lufs{part="keys",station="lofi"} -23.0' in text
    assert 'lofi_engine_hand_db{hand="treble",station="lofi"} -1.0' in text
    assert 'lofi_engine_silence_seconds{station="lofi"} 0.5' in text
