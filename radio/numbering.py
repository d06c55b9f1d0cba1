"""How a station counts its bars and pieces on when an engine begins anew. Knows nothing about engines or sound."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine import AudioBlock


@dataclass(slots=True)
class Numbering:
    """The station's numbers beside those of the engine in use."""

    next_bar: int = 0
    next_piece: int = 0
    add_bars: int = 0
    add_pieces: int = 0
    fresh: bool = True
    """The engine counts from its own 0; the next bar tells how far it is behind."""

    def counted(self, block: AudioBlock, start_frame: int) -> AudioBlock:
        """Return the engine's newest block with the station's numbers; it begins at a frame of the station's."""
        if block.bars and self.fresh:
            first = block.bars[0].bar
            self.add_bars, self.add_pieces = self.next_bar - first.index, self.next_piece - first.piece.number
            self.fresh = False
        counted = renumbered(block, start_frame, self.add_bars, self.add_pieces)
        if counted.bars:
            last = counted.bars[-1].bar
            self.next_bar, self.next_piece = last.index + 1, last.piece.number + 1
        return counted


def renumbered(block: AudioBlock, start_frame: int, add_bars: int, add_pieces: int) -> AudioBlock:
    """Copy of an engine's block as the station counts: an engine that had to begin anew counts from 0 again."""
    shift_frames = start_frame - block.start_frame
    if not (shift_frames or add_bars or add_pieces):
        return block
    bars = tuple(
        replace(
            start,
            frame=start.frame + shift_frames,
            bar=replace(
                start.bar,
                index=start.bar.index + add_bars,
                piece=replace(start.bar.piece, number=start.bar.piece.number + add_pieces),
            ),
        )
        for start in block.bars
    )
    return AudioBlock(start_frame, block.samples, bars)
