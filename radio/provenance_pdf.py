"""A provenance record on one page of PDF, to show to whoever claims a stream. Knows nothing about journals.

The built-in fonts know Latin letters only, so that no font file is needed: `E♭` is printed as `E flat`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from radio.errors import ProvenanceError
from radio.provenance_text import facts

_MARGIN, _LABEL = 54.0, 92.0
"""Points; a label's column."""
_SIZE, _LEADING = 8.5, 11.0
_SMALLEST = 5.0
_MUSIC = {"♭": " flat", "♯": " sharp", "→": "->", "–": "-", "…": "..."}
_CLOSING = (
    "What this page shows: each bar that the station sends is written into a journal as it goes out, with every note, "
    "the numbers it was played with and the SHA-256 of every file it was made with. The day's rows are hashed and "
    "signed with the station's ed25519 key. `lofi-radio provenance verify` checks them; docs/provenance.md says how."
)

Json = dict[str, Any]


def write_pdf(record: Json, path: Path) -> None:
    """Write the page; what does not fit in print of ordinary size is printed smaller."""
    lines = [line for aired in record["aired"] for line in (*facts(aired), ("", ""))]
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    canvas.setTitle(f"Provenance of {record['station']} at {record['asked']}")
    canvas.setAuthor("lofi-radio")
    size = _SIZE
    while size > _SMALLEST and _height(lines, size) > A4[1] - 2 * _MARGIN - 110:
        size -= 0.25
    _page(canvas, record, lines, size)
    try:
        canvas.save()
    except OSError as problem:
        raise ProvenanceError(f"{path}: cannot be written ({problem}). Name another file.") from problem


def _height(lines: list[tuple[str, str]], size: float) -> float:
    return sum(len(_split(said, size)) for _, said in lines) * size * _LEADING / _SIZE


def _split(said: str, size: float) -> list[str]:
    return simpleSplit(_plain(said), "Helvetica", size, A4[0] - 2 * _MARGIN - _LABEL) or [""]


def _page(canvas: Canvas, record: Json, lines: list[tuple[str, str]], size: float) -> None:
    y = A4[1] - _MARGIN
    canvas.setFont("Helvetica-Bold", 16)
    canvas.drawString(_MARGIN, y - 12, "What was on air, and what it was made of")
    canvas.setFont("Helvetica", 10)
    canvas.drawString(_MARGIN, y - 30, _plain(f"Station {record['station']}, {record['asked']} (UTC)"))
    canvas.setLineWidth(0.5)
    canvas.line(_MARGIN, y - 38, A4[0] - _MARGIN, y - 38)
    y -= 54
    if record["note"]:
        lines = [("note", record["note"]), *lines]
    rows = [(what if not row else "", words) for what, said in lines for row, words in enumerate(_split(said, size))]
    for what, words in rows:
        if y < _MARGIN + 36:
            canvas.drawString(_MARGIN, y, "The rest does not fit on this page; --json prints it all.")
            break
        canvas.setFont("Helvetica-Bold", size)
        canvas.drawString(_MARGIN, y, _plain(what))
        canvas.setFont("Helvetica", size)
        canvas.drawString(_MARGIN + _LABEL, y, words)
        y -= size * _LEADING / _SIZE
    canvas.setFont("Helvetica-Oblique", 7.5)
    for row, words in enumerate(simpleSplit(_CLOSING, "Helvetica-Oblique", 7.5, A4[0] - 2 * _MARGIN)):
        canvas.drawString(_MARGIN, _MARGIN + 18 - 9 * row, words)


def _plain(text: str) -> str:
    """What the built-in fonts can print."""
    for sign, word in _MUSIC.items():
        text = text.replace(sign, word)
    return text.encode("cp1252", "replace").decode("cp1252")
