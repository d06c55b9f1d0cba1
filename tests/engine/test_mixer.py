"""The desk: balance, glides, side-chain, bed, fills."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import sleep

import numpy as np
import pytest

from engine.balance import ORDINARY_LUFS, Balance
from engine.banks import find_bank
from engine.bed import Bed
from engine.errors import SoundBankError
from engine.loudness import integrated_lufs
from engine.mixer import MIX_LUFS, PHRASE_LUFS, Mixer, kicks_in
from engine.moods import MOODS, find_mood
from engine.snapshot import pack, unpack
from engine.synth import PARTS, FluidSynth
from engine.types import SAMPLE_RATE_HZ, Part, Section, SynthEvent
from tests.fakes import RecordingSynth, StillHand

NATURES = dict.fromkeys(PARTS, -24.0)

QUIET_BED = replace(
    find_mood("study"), vinyl_db=-90.0, ambience=(), hiss_db=-90.0, room=0.0, wow_cents=0.0, flutter_cents=0.0,
    saturation=0.0, tremolo=0.0, drums_bits=16.0, drums_rate_hz=48_000.0, tape_lowpass_hz=20_000.0,
)  # fmt: skip

FRAMES = 24_000


def sound_of(part, frames=FRAMES, hz=220.0, level=0.05):
    parts = np.zeros((len(PARTS), 2, frames), np.float32)
    parts[PARTS.index(part)] = level * np.sin(2 * np.pi * hz * np.arange(frames) / SAMPLE_RATE_HZ)
    return parts


def rms_db(sound):
    return 20 * np.log10(np.sqrt(np.square(sound).mean()))


def still_desk(mood, library, natures=NATURES):
    """A desk whose hands leave all faders alone; those hear whole bars and bring each to one loudness."""
    mixer = Mixer(mood, library, natures)
    mixer._evener = StillHand()
    for strip in mixer._strips.values():
        strip._leveller = StillHand()
    return mixer


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_a_part_is_mixed_at_its_own_level(library, part):
    levels = {}
    for db in (0.0, -12.0):
        mood = replace(QUIET_BED, **{f"{part}_db": db})
        mixer = still_desk(mood, library)
        mixer.process(sound_of(part, level=0.005), [])
        levels[db] = rms_db(mixer.process(sound_of(part, level=0.005), []))
    assert levels[0.0] - levels[-12.0] == pytest.approx(12.0, abs=1.0)


def test_a_loud_instrument_is_turned_down_by_as_much_as_it_is_louder(library):
    plain = still_desk(QUIET_BED, library).process(sound_of(Part.KEYS, level=0.005), [])
    loud = still_desk(QUIET_BED, library, NATURES | {Part.KEYS: -14.0}).process(sound_of(Part.KEYS, level=0.005), [])
    assert rms_db(plain) - rms_db(loud) == pytest.approx(10.0, abs=0.5)


@pytest.mark.parametrize("size", [64, 65, 128, 8191])
def test_the_mix_is_the_same_for_any_block_size_even_while_it_glides(library, size):
    rng = np.random.default_rng(1)
    parts = (rng.standard_normal((len(PARTS), 2, 20_000)) * 0.1).astype(np.float32)
    kicks = [(100, 100), (9000, 80)]

    def play(step):
        mixer = still_desk(find_mood("study"), library)
        mixer.apply(find_mood("rainy"), NATURES)
        pieces = []
        for at in range(0, parts.shape[2], step):
            here = [(frame - at, velocity) for frame, velocity in kicks if at <= frame < at + step]
            pieces.append(mixer.process(parts[:, :, at : at + step], here))
        return np.concatenate(pieces, axis=1)

    np.testing.assert_allclose(play(size), play(10**6), atol=5e-6)


def test_the_desk_goes_on_from_a_snapshot_bit_for_bit(library):
    rng = np.random.default_rng(1)
    parts = (rng.standard_normal((len(PARTS), 2, FRAMES)) * 0.1).astype(np.float32)
    one, other = (Mixer(find_mood(name), library, NATURES) for name in ("study", "cafe"))
    one.process(parts, [(5, 90)])
    one.apply(find_mood("snow"), NATURES)
    one.process(parts, [(5, 90)])
    other.restore(unpack(pack(one.snapshot())))
    np.testing.assert_array_equal(one.process(parts, [(90, 70)]), other.process(parts, [(90, 70)]))


def test_a_change_of_mood_makes_no_step(library):
    mixer = still_desk(QUIET_BED, library)
    steady = sound_of(Part.KEYS, 72_000, hz=200.0)
    before = mixer.process(steady, [])[:, 4000:]
    mixer.apply(replace(QUIET_BED, keys_db=-24.0, keys_lowpass_hz=700.0, saturation=0.8), NATURES)
    after = mixer.process(steady, [])
    bend = np.abs(np.diff(before, 2)).max()
    joined = np.concatenate([before[:, -10:], after], axis=1)
    assert np.abs(np.diff(joined, 2)).max() < 5 * bend  # the treble is still opening
    assert rms_db(after[:, -4800:]) < rms_db(before) - 12


def test_the_kick_pushes_the_keys_down_and_leaves_the_drums(library):
    for part, expected_db in ((Part.KEYS, -6.0), (Part.DRUMS, 0.0)):
        mixer = still_desk(replace(QUIET_BED, sidechain_db=6.0), library)
        mixer.process(sound_of(part), [])
        free = mixer.process(sound_of(part), [])
        pushed = mixer.process(sound_of(part), [(4000, 127)])
        place = slice(4500 + Mixer.LATENCY_FRAMES, 5000 + Mixer.LATENCY_FRAMES)
        assert rms_db(pushed[:, place]) - rms_db(free[:, place]) == pytest.approx(expected_db, abs=1.0)


def test_kicks_are_found_among_the_events():
    events = [
        SynthEvent(1064, "on", Part.DRUMS, 36, 90),
        SynthEvent(1064, "on", Part.BASS, 36, 90),
        SynthEvent(1128, "off", Part.DRUMS, 36, 0),
        SynthEvent(1192, "on", Part.DRUMS, 38, 90),
    ]
    assert kicks_in(events, 1000) == [(64, 90)]


def test_something_that_is_no_number_silences_its_part_and_is_counted(library):
    mixer = Mixer(QUIET_BED, library, NATURES)
    parts = sound_of(Part.KEYS)
    parts[PARTS.index(Part.BASS), 0, 10] = np.nan
    out = mixer.process(parts, [])
    assert np.isfinite(out).all()
    assert rms_db(out) > -50
    assert mixer.mended == 1


def test_the_bed_lies_under_the_mix_as_the_mood_says(library):
    mood = replace(QUIET_BED, vinyl_db=-20.0)
    bed = Bed(mood, library, MIX_LUFS)
    music = np.full((2, SAMPLE_RATE_HZ * 10), 0.1, np.float32)
    assert integrated_lufs(bed.process(music).T) == pytest.approx(MIX_LUFS - 20.0, abs=0.5)


def test_the_bed_comes_up_within_half_a_second_where_the_music_stops_and_goes_again(library):
    bed = Bed(replace(QUIET_BED, vinyl_db=-45.0), library, MIX_LUFS)
    music = np.zeros((2, SAMPLE_RATE_HZ * 12), np.float32)
    music[:, : 3 * SAMPLE_RATE_HZ] = music[:, 8 * SAMPLE_RATE_HZ :] = 0.1
    out = bed.process(music)
    floor_db = MIX_LUFS + Bed.FLOOR_DB
    assert rms_db(out[:, 2 * SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ]) < floor_db - 12
    assert rms_db(out[:, round(3.5 * SAMPLE_RATE_HZ) : 8 * SAMPLE_RATE_HZ]) > floor_db - 2
    assert rms_db(out[:, 11 * SAMPLE_RATE_HZ :]) < floor_db - 12


def test_the_loops_come_forward_where_the_music_is_thin(library):
    bed = Bed(replace(QUIET_BED, ambience=(("rain", -20.0),)), library, MIX_LUFS)
    music = np.full((2, SAMPLE_RATE_HZ * 8), 0.1, np.float32)
    levels = {}
    for section in (Section.A, Section.BREAKDOWN, Section.A):
        bed.begin(section)
        out = bed.process(music)
        assert np.abs(np.diff(10 * np.log10(np.square(out).reshape(2, -1, 4800).mean(axis=(0, 2))))).max() < 1.5
        levels[section] = rms_db(out[:, 4 * SAMPLE_RATE_HZ :])
    assert levels[Section.BREAKDOWN] - levels[Section.A] == pytest.approx(4.0, abs=0.7)


def test_the_bed_goes_on_from_a_snapshot_bit_for_bit(library):
    music = np.full((2, SAMPLE_RATE_HZ), 0.1, np.float32)
    one, other = (Bed(find_mood(name), library, MIX_LUFS) for name in ("rainy", "study"))
    one.apply(find_mood("snow"))
    one.process(music)
    other.restore(unpack(pack(one.snapshot())))
    for bed in (one, other):
        bed.begin(Section.INTRO)
    np.testing.assert_array_equal(one.process(music), other.process(music))


def test_natures_are_measured_once_for_each_instrument_and_the_synthesisers_freed():
    made = []

    def make():
        made.append(RecordingSynth())
        return made[-1]

    balance = Balance(make)
    natures = balance.natures_lufs(find_mood("study"))
    assert set(natures) == set(PARTS)
    assert all(-60 < lufs < -5 for lufs in natures.values())
    balance.natures_lufs(find_mood("study"))
    assert len(made) == len(PARTS)
    assert all(synth.closed for synth in made)


def test_an_instrument_without_sound_is_taken_for_an_ordinary_one():
    class SilentSynth(RecordingSynth):
        def render(self, events, frames):
            return super().render([], frames)

    assert set(Balance(SilentSynth).natures_lufs(find_mood("study")).values()) == {ORDINARY_LUFS}


def test_two_threads_never_prepare_in_one_synthesiser_at_a_time():
    class Crowded(RecordingSynth):
        def __init__(self):
            super().__init__()
            self.inside = 0

        def render(self, events, frames):
            self.inside += 1
            sleep(0.002)
            crowd.append(self.inside)
            sound = super().render(events, frames)
            self.inside -= 1
            return sound

    crowd = []
    balance = Balance(Crowded)
    with ThreadPoolExecutor(2) as pool:  # a mood is asked for while all of them are got ready beside the music
        for done in [pool.submit(balance.prepare, mood) for mood in (*MOODS.values(), *reversed(MOODS.values()))]:
            done.result()
    assert set(crowd) == {1}


def test_natures_of_the_real_bank_are_plausible_for_every_mood():
    try:
        bank = find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))
    balance = Balance(lambda: FluidSynth(bank))
    for mood in (MOODS["study"], MOODS["jazzhop"]):
        for part, lufs in balance.natures_lufs(mood).items():
            assert -45 < lufs < -12, f"{mood.name} {part}: {lufs:.1f} LUFS against {PHRASE_LUFS[part]} in the mix"
