"""The moods that come with the radio, as data. Knows nothing about files or what the numbers do.

config.yaml shows the same numbers (tested); `lofi-radio moods show NAME --brief` prints what must stand there.
"""

from __future__ import annotations

from engine.errors import MoodError
from engine.mood import Mood, Sampling, did_you_mean, mood_from_tree, mood_to_tree

__all__ = ["MOODS", "Mood", "Sampling", "find_mood", "mood_from_tree", "mood_to_tree"]

_BUILT_IN = (
    Mood(
        "study",
        palette=("ii-V-I-vi", "IV-iii-ii-I", "I-vi-ii-V", "royal-road", "iv-v-i-bIII", "i-iv-bVII-bIII", "dusk"),
        minor_share=0.4,
        vinyl="vinyl", chorus=0.15, fills=("swell", "reverse-cymbal", "drums-break", "tape-stop"),
    ),
    Mood(
        "rainy", bpm_low=65, bpm_high=73, keys=(0, 2, 5, 7, 10), minor_share=0.7,
        palette=("bVI-v-i-i", "i-bVI", "dusk", "iv-v-i-bIII", "IV-iii-vi-I", "minor-plagal"),
        keys_density=2.2, drums_density=2.4, melody_share=0.3, swing=0.55, snare_late_ms=18,
        register_low=46, register_high=78, velocity_scale=0.82, keys_program=(0, 0), second_program=(0, 89),
        second_db=-9, vinyl_db=-31, ambience=(("rain", -25), ("fire", -36)), keys_lowpass_hz=4000,
        drums_lowpass_hz=7000, room=0.28,
        drums_db=-4,
        brightness_db=-12.5, vinyl="clean", drums_bits=11, tape_lowpass_hz=10_000,
        fills=("sweep", "swell", "tape-stop"),
    ),
    Mood(
        "sleep", bpm_low=54, bpm_high=61, keys=(0, 3, 5, 8, 10), minor_share=0.2,
        palette=("I-IV", "I-ii", "IV-iii-ii-I", "long-walk", "i-bVI"),
        keys_density=1.4, drums_density=1.2, drum_style="soul", melody_share=0.15, swing=0.53, snare_late_ms=22,
        human_ms=9, register_low=48, register_high=74, velocity_scale=0.8, piece_bars_low=40, piece_bars_high=52,
        keys_program=(0, 4), second_program=(0, 89), drums_db=-12, bass_db=-3, second_db=-10, vinyl_db=-34,
        ambience=(("sea", -28), ("rain", -38)), keys_lowpass_hz=8000, drums_lowpass_hz=8000, wow_cents=6,
        saturation=0.15, room=0.35,
        sidechain_db=1,
        vinyl="clean", chorus=0.4, tremolo=0.15, drums_bits=14, tape_lowpass_hz=9000,
        fills=("sweep", "swell"), fills_db=-22, hiss_db=-44,
    ),
    Mood(
        "cafe", bpm_low=83, bpm_high=90, keys=(0, 3, 5, 7, 10), minor_share=0.15,
        palette=("two-fives", "I-vi-ii-V", "chromatic", "ii-V-I-vi", "royal-road", "autumn"),
        keys_density=3.4, drums_density=3.4, drum_style="jazz", melody_share=0.55, swing=0.62, snare_late_ms=8,
        human_ms=8, register_low=48, register_high=82, velocity_scale=0.92, piece_bars_low=48,
        keys_program=(0, 0), second_program=(0, 26), drum_kit=40, drums_db=-4, second_db=-5, vinyl_db=-36,
        ambience=(("cafe", -24),), keys_lowpass_hz=7500, drums_lowpass_hz=11_000, wow_cents=2, saturation=0.12,
        room=0.22,
        sidechain_db=0.5,
        brightness_db=-10.5, vinyl="clean", tremolo=0, drums_bits=16, drums_rate_hz=40_000, flutter_cents=0.3,
        tape_lowpass_hz=14_000, fills=("swell", "drums-roll"), hiss_db=-50,
    ),
    Mood(
        "sunset", bpm_low=75, bpm_high=82, keys=(2, 4, 7, 9, 11), minor_share=0.2,
        palette=("IV-V-iii-vi", "royal-road", "IV-iii-vi-I", "minor-plagal", "tritone", "i-bVI-bIII-bVII"),
        keys_density=3.3, drums_density=3.0, drum_style="soul", melody_share=0.5, swing=0.59, snare_late_ms=16,
        keys_program=(0, 5), second_program=(0, 26), vinyl_db=-30, ambience=(("sea", -31),), keys_lowpass_hz=6600,
        drums_lowpass_hz=9500, saturation=0.32, room=0.2, sidechain_db=2.5,
        brightness_db=-11.5, vinyl="vinyl", chorus=0.35, drums_bits=12,
        fills=("reverse-cymbal", "swell", "drums-toms", "tape-stop"),
    ),
    Mood(
        "night-drive", bpm_low=84, bpm_high=92, keys=(1, 4, 6, 8, 11), minor_share=0.9,
        palette=("i-bVI-bIII-bVII", "i-bVII-bVI-v", "bVI-bVII-i-bIII", "i-iv", "vi-IV-I-V"),
        keys_density=2.6, drums_density=3.7, drum_style="hiphop", melody_share=0.4, swing=0.52, snare_late_ms=6,
        human_ms=4, register_low=46, register_high=78, velocity_scale=0.95, piece_bars_low=56, piece_bars_high=72,
        keys_program=(0, 5), bass_program=(0, 38), second_program=(0, 81), drum_kit=25, drums_db=-1, second_db=-11,
        vinyl_db=-36, ambience=(("road", -28),), keys_lowpass_hz=5000, drums_lowpass_hz=12_000, wow_cents=5,
        saturation=0.4,
        sidechain_db=5,
        brightness_db=-11, vinyl="clean", chorus=0.5, drums_bits=10, drums_rate_hz=22_000,
        fills=("reverse-cymbal", "drums-toms", "tape-stop"), fills_db=-15,
    ),
    Mood(
        "snow", bpm_low=60, bpm_high=67, keys=(1, 3, 6, 8, 10), minor_share=0.35,
        palette=("I-ii", "IV-iii-ii-I", "ii-iii-IV-V", "i-bVI", "autumn", "I-IV"),
        keys_density=2.0, drums_density=1.8, drum_style="soul", melody_share=0.65, swing=0.54, snare_late_ms=20,
        register_low=54, register_high=86, velocity_scale=0.78, keys_program=(0, 5), second_program=(0, 10),
        drums_db=-6, second_db=-8, vinyl_db=-32, ambience=(("wind", -31), ("fire", -33)), keys_lowpass_hz=5200,
        drums_lowpass_hz=6500,
        wow_cents=5, room=0.4, sidechain_db=1.5,
        brightness_db=-12.5, vinyl="dust", chorus=0.3, tremolo=0.2, drums_bits=12, tape_lowpass_hz=10_000,
        fills=("sweep", "swell"),
    ),
    Mood(
        "jazzhop", bpm_low=85, bpm_high=92, keys=(0, 2, 3, 5, 10), minor_share=0.5,
        palette=("two-fives", "ii-V-I-vi", "chromatic", "autumn", "minor-two-five", "i-iv-bVII-bIII"),
        keys_density=3.6, drums_density=4.0, drum_style="hiphop", melody_share=0.6, swing=0.61, snare_late_ms=14,
        register_low=48, register_high=82, velocity_scale=1.0, piece_bars_low=48, piece_bars_high=72,
        keys_program=(0, 4), second_program=(0, 59), drums_db=0, bass_db=0, second_db=-8, vinyl_db=-27,
        ambience=(("cafe", -36),), keys_lowpass_hz=6500, drums_lowpass_hz=10_500, saturation=0.35, room=0.12,
        sidechain_db=3,
        brightness_db=-11, vinyl="scratched", drums_bits=9, drums_rate_hz=18_000,
        fills=("drums-break", "drums-roll", "tape-stop"), fills_db=-15,
    ),
    Mood(
        "morning", bpm_low=76, bpm_high=84, keys=(0, 2, 4, 7, 9), minor_share=0.0,
        palette=("I-vi-ii-V", "IV-iii-vi-I", "ii-iii-IV-V", "vi-IV-I-V", "long-walk"),
        keys_density=3.2, drums_density=2.6, drum_style="pop", melody_share=0.5, swing=0.55, snare_late_ms=8,
        register_low=50, register_high=84, velocity_scale=0.95, keys_program=(0, 0), second_program=(0, 24),
        drums_db=-4, vinyl_db=-35, ambience=(("birds", -30),), keys_lowpass_hz=8000, drums_lowpass_hz=12_000,
        wow_cents=2,
        saturation=0.12, room=0.2, sidechain_db=1,
        brightness_db=-10, vinyl="clean", tremolo=0, drums_bits=14, drums_rate_hz=32_000, flutter_cents=0.3,
        tape_lowpass_hz=14_000, fills=("swell", "reverse-cymbal"), hiss_db=-48,
    ),
    Mood(
        "melancholy", bpm_low=61, bpm_high=68, keys=(1, 2, 4, 7, 9), minor_share=1.0,
        palette=("i-bVII-bVI-v", "bVI-v-i-i", "i-bIII-iv-bVI", "autumn", "dusk"),
        piano_style="pop", keys_density=3.0, drums_density=2.0, melody_share=0.25, swing=0.52, snare_late_ms=18,
        register_low=47, register_high=77, velocity_scale=0.72, keys_program=(0, 0), second_program=(0, 48),
        drums_db=-5, second_db=-11, vinyl_db=-29, ambience=(("rain", -32),), keys_lowpass_hz=3800,
        drums_lowpass_hz=7000,
        wow_cents=7, saturation=0.3, room=0.32, sidechain_db=1.5,
        brightness_db=-13, vinyl="shellac", tremolo=0.1, drums_bits=10, drums_rate_hz=20_000, flutter_cents=1.5,
        tape_lowpass_hz=9000, fills=("sweep", "reverse-cymbal", "tape-stop"), hiss_db=-40,
    ),
)  # fmt: skip
MOODS: dict[str, Mood] = {mood.name: mood for mood in _BUILT_IN}


def find_mood(name: str) -> Mood:
    """Return a built-in mood by name.

    Raises:
        MoodError: there is none of that name (with the nearest and all others).
    """
    if name in MOODS:
        return MOODS[name]
    raise MoodError(f"mood {name!r}: unknown{did_you_mean(name, MOODS)}. There are {', '.join(MOODS)}.")
