"""Phrase memory: which earlier bars of its piece a bar may repeat, and how often. Knows nothing about notes."""

from __future__ import annotations

from engine.plan import GROUP_BARS, DrumRole, PiecePlan, Source
from engine.types import Section

REPEATED_SHARE = 0.48
"""Share of a piece's bars that shall be equal to an earlier bar of their section; the aim is 0.3-0.7."""
_CHANCES = (0.7, 0.94)
"""Least and greatest chance for a bar that has an earlier one to repeat: always is a machine."""
_ENDING = 0.7
"""The last bar of a phrase is new more often than the others."""


def keys_sources(plan: PiecePlan, bar: int) -> tuple[Source, ...]:
    """Return the bars that the keys may repeat in a bar, the first one that is drawn.

    How much of a piece can be repeated depends on its sections and loops (a section of eight bars over a loop of eight:
    nothing), from 0.3 to 0.7 of its bars: chances that are the same for all gave 0.2-0.5 repeats, so each piece has
    its own.
    """
    section, place = plan.place(bar)
    inside = _inside(plan, bar)
    sources = []
    if inside:
        repeatable = sum(bool(_inside(plan, other)) for other in range(plan.piece.bars))
        hit = min(max(REPEATED_SHARE * plan.piece.bars / repeatable, _CHANCES[0]), _CHANCES[1])
        if place % GROUP_BARS == GROUP_BARS - 1:
            hit *= _ENDING
        each = 1.0 - (1.0 - hit) ** (1 / len(inside))
        sources = [Source(earlier, each) for earlier in inside]
    # what comes back from another section is told a little differently
    first = plan.start(section)
    if section in (Section.A_RETURN, Section.OUTRO) and place < plan.length(Section.A):
        sources.append(Source(plan.start(Section.A) + place, 0.65, vary=True))
    if bar - place > first:  # a section that comes again
        sources.append(Source(first + place, 0.65, vary=True))
    if section is Section.A and place < plan.length(Section.INTRO):
        sources.append(Source(plan.start(Section.INTRO) + place, 0.4, vary=True))
    return tuple(s for s in sources if s.piece_bar < bar and plan.chords(s.piece_bar) == plan.chords(bar))


def drums_sources(plan: PiecePlan, bar: int) -> tuple[Source, ...]:
    """Return the bars whose beat may go on, the first one known: the section's two-bar loop, and A's beat in A'."""
    section, place = plan.place(bar)
    if plan.drum_role(section, place) is not DrumRole.BEAT:
        return ()
    if place >= 2:
        loop = (bar - place + place % 2, bar - 2)
        return tuple(Source(b, 0.85) for b in loop if plan.drum_role(*plan.place(b)) is DrumRole.BEAT)
    like = Section.A if section in (Section.A_RETURN, Section.OUTRO) else section
    first = plan.start(like) + place
    if place < plan.length(like) and first < bar and plan.drum_role(*plan.place(first)) is DrumRole.BEAT:
        return (Source(first, 0.85),)
    return ()


def _inside(plan: PiecePlan, bar: int) -> list[int]:
    """Return the earlier bars of its section that a bar may repeat: they have its chords."""
    _, place = plan.place(bar)
    phrase = place % GROUP_BARS
    near = [bar - 2] if phrase in (2, 3) else []
    return [b for b in (bar - 4, bar - 8, *near) if b >= bar - place and plan.chords(b) == plan.chords(bar)]
