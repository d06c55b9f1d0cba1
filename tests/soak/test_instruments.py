"""What the soaks measure with must itself find what it looks for."""

import io

import av
import numpy as np
import pytest

from tests.soak.faults import schedule
from tests.soak.listen import HlsWatcher, holes
from tests.soak.report import slope

SEGMENT = "#EXTINF:4.032,\n{}\n"


def playlist(first, *uris, breaks=0):
    body = "".join(uri if uri.startswith("#") else SEGMENT.format(uri) for uri in uris)
    return f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{breaks}\n{body}"


BREAK = "#EXT-X-DISCONTINUITY\n"


@pytest.mark.parametrize(
    ("texts", "broken"),
    [
        ([playlist(0, "a", "b"), playlist(1, "b", "c"), playlist(2, "c", BREAK, "d")], []),
        ([playlist(0, BREAK, "a", "b"), playlist(1, "b", "c", breaks=1)], []),
        ([playlist(5, "a", "b"), playlist(4, "a", "b")], ["went back"]),
        ([playlist(0, "a", "b"), playlist(0, "a", "x")], ["segment 1 was b, is x"]),
        ([playlist(0, "a", "b"), playlist(1, "b", "a")], ["a names a second segment"]),
        ([playlist(0, "a"), playlist(3, "d")], ["1 to 2 were never listed"]),
        ([playlist(0, BREAK, "a", "b"), playlist(1, "b", "c", breaks=0)], ["segment 1 had discontinuity 1, has 0"]),
    ],
)
def test_the_watcher_sees_rules_broken_from_one_poll_to_the_next(texts, broken):
    watcher = HlsWatcher("")
    for text in texts:
        watcher.check(text)
    assert bool(watcher.broken) == bool(broken)
    assert all(part in "; ".join(watcher.broken) for part in broken)


def test_a_hole_in_a_recording_is_found_and_quiet_sound_is_none(tmp_path):
    rng = np.random.default_rng(1)
    sound = (0.01 * rng.standard_normal((2, 5 * 48_000))).astype(np.float32)  # as quiet as the noise bed
    sound[:, 96_000 : 96_000 + 14_400] = 0
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path = tmp_path / "heard.mp3"
    path.write_bytes(buffer.getvalue())
    seconds, found = holes(path)
    assert seconds == pytest.approx(5.0, abs=0.1)
    (hole,) = found
    assert hole.at_s == pytest.approx(2.0, abs=0.06)
    assert hole.seconds == pytest.approx(0.3, abs=0.06)


def test_a_slope_is_told_an_hour_and_one_peak_does_not_move_it():
    series = [(float(at), 100.0 + at / 3600) for at in range(0, 7200, 60)]
    series[40] = (2400.0, 900.0)
    assert slope(series).per_hour == pytest.approx(1.0, abs=0.01)
    assert slope(series).highest == 900.0


def test_a_schedule_is_the_same_for_the_same_seed_and_every_fault_comes_before_any_comes_twice():
    one, other = schedule(5), schedule(5)
    names = [next(one).name for _ in range(40)]
    assert names == [next(other).name for _ in range(40)]
    kinds = len(set(names))
    assert len(set(names[:kinds])) == kinds
