"""Every block of sound with a memory: the same for any way of cutting it, and after a snapshot."""

import numpy as np
import pytest
from any_noise import noise
from scipy import signal

from engine.colour import Chorus, Crush
from engine.dynamics import Limiter, Rider
from engine.effects import Duck, Pan, Room, Wave, Wow, saturate
from engine.filters import Filter, LowPass, high_pass, low_pass, shelf
from engine.loudness import KWeighting, PeakDetector
from engine.master import Master
from engine.snapshot import pack, unpack
from engine.strip import TONES, Setting, Strip
from engine.treble import Treble
from engine.types import SAMPLE_RATE_HZ, Part
from tests.fakes import StillHand

FRAMES = 30_000

SIZES = (64, 65, 128, 8191)


def gliding_low_pass():
    effect = LowPass(5000.0)
    effect.aim(900.0)
    return effect


def gliding_wow():
    effect = Wow(2.0, 0.5)
    effect.aim(11.0, 3.0)
    return effect


def gliding_chorus():
    effect = Chorus(0.2)
    effect.aim(1.0)
    return effect


def gliding_crush():
    effect = Crush(12.0, 26_000)
    effect.process(noise(5000))
    effect.aim(7.0, 9_000)
    return effect


def gliding_pan():
    effect = Pan(1.3, 0.4)
    effect.aim(0.1)
    return effect


def gliding_strip():
    effect = Strip(TONES[Part.KEYS], Setting(1.0, 1.0, 4000.0))
    effect._leveller = StillHand()  # the real one hears whole bars (test_leveller)
    effect.aim(Setting(0.3, 0.7, 1000.0))
    return effect


class Mono:
    """Feeds a room with the left channel."""

    def __init__(self):
        self.room = Room()
        self.snapshot, self.restore = self.room.snapshot, self.room.restore

    def process(self, sound):
        return self.room.process(sound[0])


class Peaks:
    """A peak detector as an effect."""

    def __init__(self):
        self.detector = PeakDetector()
        self.snapshot, self.restore = self.detector.snapshot, self.detector.restore

    def process(self, sound):
        return self.detector.process(sound)[None]


EFFECTS = {
    "filter": lambda: Filter(high_pass(100.0), shelf(800.0, 6.0, high=True)),
    "low-pass": gliding_low_pass,
    "wow": gliding_wow,
    "room": Mono,
    "pan": gliding_pan,
    "chorus": gliding_chorus,
    "crush": gliding_crush,
    "treble": lambda: Treble(-10.0),
    "strip": gliding_strip,
    "peaks": Peaks,
    "rider": lambda: Rider(-16.0, -20.0),
    "limiter": lambda: Limiter(-12.0),
    "master": lambda: Master(-16.0, -20.0),
}


def cut(effect, sound, size):
    return np.concatenate([effect.process(sound[:, i : i + size]) for i in range(0, sound.shape[1], size)], axis=1)


@pytest.fixture(params=EFFECTS, ids=str)
def make(request):
    return EFFECTS[request.param]


@pytest.mark.parametrize("size", SIZES)
def test_an_effect_sounds_the_same_for_any_block_size(make, size):
    sound = noise()
    np.testing.assert_allclose(cut(make(), sound, size), make().process(sound), atol=2e-6)


def test_an_effect_goes_on_from_a_snapshot_bit_for_bit(make):
    sound = noise()
    one, other = make(), make()
    one.process(sound[:, :12_345])
    other.process(noise(seed=9))
    other.restore(unpack(pack(one.snapshot())))
    np.testing.assert_array_equal(one.process(sound[:, 12_345:]), other.process(sound[:, 12_345:]))


def test_an_effect_leaves_its_input_alone_and_takes_an_empty_block(make):
    sound = noise(4000)
    sound.setflags(write=False)
    effect = make()
    assert effect.process(sound[:, :0]).shape[1] == 0
    assert effect.process(sound).shape[1] == 4000


def test_wow_bends_the_pitch_by_its_cents_and_no_more():
    time_s = np.arange(SAMPLE_RATE_HZ * 12) / SAMPLE_RATE_HZ
    tone = np.tile(np.sin(2 * np.pi * 1000 * time_s), (2, 1)).astype(np.float32)
    out = Wow(8.0, 0.0).process(tone)[0, 4800:]
    phase = np.unwrap(np.angle(signal.hilbert(out)))
    hz = np.diff(phase[:: SAMPLE_RATE_HZ // 100]) * 100 / (2 * np.pi)
    cents = 1200 * np.log2(hz[5:-5] / 1000)
    assert 4.0 < np.abs(cents).max() < 9.0
    assert abs(cents.mean()) < 0.5


def test_wow_of_no_depth_is_a_plain_delay():
    sound = noise()
    out = Wow(0.0, 0.0).process(sound)
    np.testing.assert_allclose(out[:, Wow.CENTRE_FRAMES :], sound[:, : -Wow.CENTRE_FRAMES], atol=1e-6)


def test_chorus_moves_the_sides_apart_and_keeps_the_level():
    mono = np.tile(noise(96_000)[:1], (2, 1))
    out = Chorus(1.0).process(mono)[:, 4800:]
    assert np.corrcoef(out)[0, 1] < 0.9
    assert 20 * np.log10(out.std() / mono.std()) == pytest.approx(-1.5, abs=1.5)
    np.testing.assert_array_equal(Chorus(0.0).process(mono), mono)


def test_crush_holds_samples_at_its_rate_and_rounds_them_to_its_bits():
    ramp = np.tile(np.linspace(-0.4, 0.4, 48_000, dtype=np.float32), (2, 1))
    out = Crush(16.0, 12_000).process(ramp)[0]
    np.testing.assert_array_equal(out, np.repeat(ramp[0, ::4], 4))
    steps = np.unique(Crush(5.0, 48_000).process(ramp)[0])
    assert np.diff(steps) == pytest.approx(Crush.FULL_SCALE / 2**4, rel=1e-4)
    np.testing.assert_array_equal(Crush(16.0, 48_000).process(ramp), ramp)


def test_crush_is_in_step_months_away():
    sound = noise(4000)
    one, other = Crush(16.0, 26_000), Crush(16.0, 26_000)
    one.process(sound[:, :1200])
    state = one.snapshot()
    other.restore(state | {"frame": 1200 + 24_000 * 10**9})  # a whole number of both periods
    np.testing.assert_array_equal(one.process(sound), other.process(sound))


@pytest.mark.parametrize("slope_hz", [1150.0, 1700.0], ids=["dark", "bright"])
def test_the_treble_comes_to_the_share_that_is_asked_for(slope_hz):
    sound = Filter(low_pass(slope_hz)).process(noise(48_000 * 90))
    effect = Treble(-10.0)
    out = effect.process(sound)[:, -48_000 * 15 :]
    hz, power = signal.welch(out.mean(axis=0), SAMPLE_RATE_HZ, nperseg=4096)
    share_db = 10 * np.log10(power[hz >= 2000].sum() / power.sum())
    assert share_db == pytest.approx(-10.0, abs=1.0)
    assert effect.share_db == pytest.approx(share_db, abs=1.0)
    assert abs(effect.gain_db) < Treble.RANGE_DB


def test_a_wave_months_away_is_still_in_tune():
    wave = Wave(0.37)
    period = round(SAMPLE_RATE_HZ / 0.37)
    np.testing.assert_array_equal(wave.at(period * 10**9 + 5, 100), wave.at(5, 100))


def test_saturation_rounds_peaks_and_leaves_quiet_sound():
    loud = np.linspace(-1, 1, 201, dtype=np.float32)[None]
    assert np.abs(saturate(loud, 0.5)).max() < 0.5
    np.testing.assert_allclose(saturate(loud * 0.001, 0.5), loud * 0.001, rtol=1e-4)


def test_the_room_answers_an_impulse_wide_short_and_with_unit_energy():
    impulse = np.zeros(48_000, np.float32)
    impulse[0] = 1.0
    answer = Room().process(impulse)
    assert (answer**2).sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-3)
    assert abs(np.corrcoef(answer)[0, 1]) < 0.2
    assert np.abs(answer[:, Room.TAIL_FRAMES :]).max() < 1e-6


@pytest.mark.parametrize("size", SIZES)
def test_the_side_chain_is_the_same_for_any_block_size(size):
    kicks = [(0, 100), (7000, 60), (9000, 127), (29_990, 90)]
    whole = Duck().process(kicks, FRAMES)
    duck = Duck()
    pieces = []
    for start in range(0, FRAMES, size):
        frames = min(size, FRAMES - start)
        pieces.append(duck.process([(at - start, v) for at, v in kicks if start <= at < start + frames], frames))
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert whole.max() == pytest.approx(1.0)
    assert np.abs(np.diff(whole)).max() < 0.01


def test_the_side_chain_survives_a_snapshot():
    duck, other = Duck(), Duck()
    duck.process([(50, 100)], 1000)
    other.restore(unpack(pack(duck.snapshot())))
    np.testing.assert_array_equal(duck.process([], 5000), other.process([], 5000))


def test_a_strip_replaces_what_is_no_number_by_silence_and_counts_it():
    strip = Strip(TONES[Part.BASS], Setting(1.0, 1.0, 1000.0))
    for poison in (np.nan, np.inf):
        broken = noise(2000)
        broken[0, 700] = poison
        assert np.isfinite(strip.process(broken)).all()
    assert strip.mended == 2
    assert np.abs(strip.process(noise(2000))).max() > 0.001


def test_k_weighting_gives_one_power_for_each_whole_tenth_of_a_second():
    weighting = KWeighting()
    assert len(weighting.powers(noise(4799))) == 0
    assert len(weighting.powers(noise(1))) == 1
    assert len(weighting.powers(noise(48_000))) == 10
