"""A track from Python, step by step: `python examples/render.py [folder]`. Cells (`# %%`) open in any notebook editor.

Run it from the repository's folder: models and loops are looked for there.
"""

# %% A station is made of a mood, a seed and the models; a blend and a key of one's own are moods, too.
import sys
from pathlib import Path

import numpy as np
import soundfile

from engine import (
    MOODS,
    SAMPLE_RATE_HZ,
    STEMS,
    Extent,
    Gauge,
    Station,
    StationSetup,
    Track,
    chord_name,
    find_mood,
    mixed,
    parse_key,
    parse_layout,
    tailored,
    write_midi,
)

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
folder.mkdir(parents=True, exist_ok=True)
blend = mixed([(MOODS["study"], 0.7), (find_mood("rainy"), 0.3)])
mood = tailored(blend, bpm=76, key=parse_key("F# minor"))
setup = StationSetup(
    mood, seed=7, piano_model=Path("models/piano"), drums_model=Path("models/drums"),
    form=parse_layout("intro:2 A:4 outro:2"), stems=True,
)  # fmt: skip
station = Station.build(setup)

# %% A track is a stretch of its programme: so many seconds, or whole pieces that end by themselves.
blocks = list(Track(station, Extent(None, pieces=1, fade_out_s=4.0)))
bars = [start.bar for block in blocks for start in block.bars]
print(f"“{bars[0].piece.title}”, {len(bars)} bars at {bars[0].bpm:g} bpm, composed by {bars[0].composer}")
for bar in bars:
    chords = " ".join(dict.fromkeys(chord_name(chord, bar.piece.key, bar.piece.minor) for chord in bar.chords))
    print(f"{bar.piece_bar:3}  {bar.section.value:9}  {chords:14}  {len(bar.events):3} notes")

# %% The sound, the notes, and the parts apart, which add up to the sound.
mix = np.concatenate([block.samples for block in blocks])
stems = {name: np.concatenate([block.stems[name] for block in blocks]) for name in STEMS}
soundfile.write(folder / "example.flac", mix, SAMPLE_RATE_HZ, subtype="PCM_24")
write_midi(bars, {mood.name: mood}, folder / "example.mid")
gauge = Gauge()
gauge.add(mix)
error_db = 20 * np.log10(np.std(sum(stems.values()) - mix) / np.std(mix))
print(f"{len(mix) / SAMPLE_RATE_HZ:.1f} s, {gauge.integrated_lufs:.1f} LUFS, {gauge.true_peak_dbtp:.1f} dBTP")
print(f"the stems add up to the mix within {error_db:.0f} dB")
station.close()
