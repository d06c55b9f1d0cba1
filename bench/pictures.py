"""Draws a take: its sound over time and its notes as rolls, and keeps the sound. Knows nothing about aims."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # before pyplot is imported: there is no screen

import matplotlib.pyplot as plt
import numpy as np
import soundfile

from bench import listening
from bench.render import Take
from engine import SAMPLE_RATE_HZ, Part
from engine.types import TICKS_PER_BAR

_COLOURS = {Part.KEYS: "tab:blue", Part.DRUMS: "tab:gray", Part.BASS: "tab:green", Part.SECOND: "tab:orange"}
_ROLL_BARS = 24


def draw(heard: Take, path: Path) -> None:
    """Write PATH.png, PATH-roll.png and PATH.flac."""
    _draw_sound(heard, path.with_suffix(".png"))
    _draw_roll(heard, path.with_name(f"{path.name}-roll.png"))
    soundfile.write(path.with_suffix(".flac"), heard.sound, SAMPLE_RATE_HZ)


def _draw_sound(heard: Take, path: Path) -> None:
    figure, (loud, spectrum) = plt.subplots(2, 1, figsize=(14, 7), height_ratios=[1, 3], sharex=True)
    lufs = listening.windows_lufs(listening.step_powers(heard.sound), 30)
    loud.plot(np.arange(len(lufs)) / 10 + 1.5, lufs, lw=0.7)
    loud.axhline(-16, ls=":")
    loud.set_ylim(-35, -8)
    loud.set_ylabel("LUFS, 3 s")
    loud.set_title(heard.mood)
    for start in heard.starts:
        if start.bar.piece_bar == 0:
            loud.axvline(start.frame / SAMPLE_RATE_HZ, color="tab:red", lw=0.7)
    mono = heard.sound[::2].mean(axis=1)
    spectrum.specgram(mono, NFFT=4096, Fs=SAMPLE_RATE_HZ // 2, noverlap=0, vmin=-140, vmax=-45, cmap="magma")
    spectrum.set_yscale("symlog", linthresh=500)
    spectrum.set_ylim(20, 12_000)
    spectrum.set_ylabel("Hz")
    spectrum.set_xlabel("s")
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)


def _draw_roll(heard: Take, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(18, 6))
    for place, bar in enumerate(heard.bars[:_ROLL_BARS]):
        for note in bar.events:
            begin = place + note.tick / TICKS_PER_BAR
            end = begin + max(note.length_ticks, 4) / TICKS_PER_BAR
            axes.plot(
                [begin, end], [note.pitch] * 2, color=_COLOURS[note.part], lw=3, alpha=0.3 + 0.7 * note.velocity / 127
            )
        axes.axvline(place, color="0.85", lw=0.6)
        axes.text(place, 97, bar.section.value, fontsize=6)
    axes.set_ylim(24, 100)
    axes.set_xlabel("bar")
    axes.set_title(f"{heard.mood}: " + ", ".join(f"{p} {c[4:]}" for p, c in _COLOURS.items()))
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)
