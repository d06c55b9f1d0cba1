"""Measure speed, memory and cost, as ratios within one run: `python -m bench [--only steps render …]`.

Prints one table, writes the same as JSON and ends with 1 when a ratio is a fifth worse than the one stored in
bench/ratios.json (`--store` stores). `--stations 10 --seconds 600` runs that many at once, instead of all else.
"""

from __future__ import annotations

import argparse
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy and torch are imported

import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from dataclasses import asdict, dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from bench import ratios, rendering, starting, stepping, upkeep, writing  # noqa: E402


@dataclass
class Bench:
    """What was found: rows as they are, and the ratios to compare (more is better)."""

    models: Path
    seconds: float
    found: dict[str, Any] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)

    def steps(self) -> None:
        """Back ends, sizes and batches."""
        rows = list(stepping.speeds(self.models, ("piano", "drums", "12x384", "20x512")))
        self.found["steps"] = [asdict(row) for row in rows]
        _table(
            "| model | back end | batch | ms a step | tokens/s | GB/s of weights | x rwkv |",
            ((r.model, r.backend, r.batch, f"{r.ms:.2f}", f"{r.tokens_per_s:.0f}", f"{r.gigabytes_per_s:.1f}",
              f"{r.to_rwkv:.1f}") for r in rows),
        )  # fmt: skip
        self.ratios |= {f"{r.model}, {r.backend}, batch {r.batch}, to rwkv": r.to_rwkv for r in rows if r.to_rwkv != 1}
        losses = list(stepping.losses(self.models))
        self.found["losses"] = [asdict(loss) for loss in losses]
        _table("| model | bits | KL, nats a token |", ((loss.model, loss.bits, f"{loss.nats:.4f}") for loss in losses))

    def writing(self) -> None:
        """Steps against grammar and sampling."""
        rows = {backend: writing.measure(self.models, backend) for backend in ("auto", "onnx")}
        self.found["writing"] = {name: asdict(row) for name, row in rows.items()}
        _table(
            "| back end | a bar of both parts, ms | models' steps | grammar, sampling | steps a bar |",
            ((name, f"{r.bar_ms:.1f}", f"{r.steps_ms:.1f}", f"{r.choosing_ms:.1f}", f"{r.steps:.0f}")
             for name, r in rows.items()),
        )  # fmt: skip
        self.ratios["composing a bar, auto to onnx"] = rows["onnx"].bar_ms / rows["auto"].bar_ms
        choices = list(writing.choosing(self.models))
        self.found["choosing"] = [asdict(one) for one in choices]
        _table(
            "| model | candidates | a step, ms | choosing, ms | of a step |",
            ((one.model, one.candidates, f"{one.step_ms:.2f}", f"{one.choosing_ms:.3f}", f"{one.share:.1%}")
             for one in choices),
        )  # fmt: skip
        self.ratios |= {f"{one.model}, a step to choosing": 1 / one.share for one in choices}
        loads = {part: writing.load_ms(self.models / part) for part in ("piano", "drums")}
        self.found["load_ms"] = loads
        _table("| model | load, ms |", ((part, f"{ms:.0f}") for part, ms in loads.items()))

    def render(self) -> None:
        """Real-time factor and share of each stage."""
        composed, ruled = (rendering.measure(self.seconds, models) for models in (self.models, None))
        self.found["render"] = [asdict(composed), asdict(ruled)]
        for one in (composed, ruled):
            rest_s = one.cpu_s - sum(one.stages_s.values())
            print(f"\nComposed by {one.composer}: {one.ratio:.1f} x real time on one core")
            _table(
                "| stage | share of the render | of one core, in real time |",
                ((stage, f"{spent_s / one.cpu_s:.0%}", f"{spent_s / one.seconds:.2%}")
                 for stage, spent_s in {**one.stages_s, "snapshots, joins": rest_s}.items()),
            )  # fmt: skip
        self.ratios["render with models, to rules"] = composed.ratio / ruled.ratio

    def starts(self) -> None:
        """Time to first sound."""
        base_s = starting.import_cpu_s("torch")
        rows = starting.starts(self.models)
        self.found["starts"] = {name: asdict(row) for name, row in rows.items()} | {"import torch, cpu_s": base_s}
        _table(
            "| start | heard after, s | processor, s | load |",
            ((name, f"{row.heard_s:.1f}", f"{row.cpu_s:.2f}", f"{row.load:.0f}") for name, row in rows.items()),
        )
        self.ratios["start, processor, to import torch"] = base_s / rows["warm"].cpu_s

    def upkeep(self) -> None:
        """One station, two, and listeners."""
        rows = upkeep.upkeeps(self.models)
        self.found["upkeep"] = {name: asdict(row) for name, row in rows.items()}
        _table(
            "| radio | of one core | memory, MB |",
            ((name, f"{row.core_share:.1%}", f"{row.memory_mb:.0f}") for name, row in rows.items()),
        )
        one, two = rows["one station"], rows["two stations"]
        self.ratios["first station, to what a second costs"] = one.core_share / max(
            two.core_share - one.core_share, 1e-3
        )
        self.ratios["first station's memory, to a second's"] = one.memory_mb / max(two.memory_mb - one.memory_mb, 1.0)

    def listeners(self) -> None:
        """Cost of a listener by transport."""
        rows = upkeep.listeners(self.models)
        self.found["listeners"] = rows
        _table("| transport | a listener, of one core |", ((name, f"{share:.3%}") for name, share in rows.items()))


PARTS: dict[str, Callable[[Bench], None]] = {
    "steps": Bench.steps, "writing": Bench.writing, "render": Bench.render, "starts": Bench.starts,
    "upkeep": Bench.upkeep, "listeners": Bench.listeners,
}  # fmt: skip


def main() -> None:
    """Measure what is asked for, print, write, compare."""
    options = _parser().parse_args()
    if options.stations:
        found = upkeep.endure(options.models, options.stations, options.seconds)
        _table(
            "| stations | seconds | of one core | memory, MB | skips, worst | not in time, worst, s |",
            [(found.stations, f"{found.seconds:.0f}", f"{found.core_share:.0%}", f"{found.memory_mb:.0f}",
              f"{found.skips:.0f}", f"{found.replayed_s:.1f}")],
        )  # fmt: skip
        raise SystemExit(int(found.skips > 0 or found.replayed_s > 0))
    bench = Bench(options.models, options.seconds)
    print(
        f"Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. Processor times, best of several rounds, one thread."
    )
    for name in options.only:
        PARTS[name](bench)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    tree = {"load": os.getloadavg()[0], **bench.found, "ratios": bench.ratios}
    options.out.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
    if options.store:
        ratios.store(bench.ratios)
        return
    worse = ratios.regressions(bench.ratios, ratios.load())
    for one in worse:
        print(f"worse than stored: {one}", file=sys.stderr)
    raise SystemExit(int(bool(worse)))


def _table(head: str, rows: Iterable[Iterable[object]]) -> None:
    print(f"\n{head}\n|{'---|' * (head.count('|') - 1)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=60.0, help="of the render, or of --stations")
    parser.add_argument("--stations", type=int, help="run so many stations at once; 1 where one was not in time")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--store", action="store_true", help="store today's ratios in bench/ratios.json")
    return parser


if __name__ == "__main__":
    main()
