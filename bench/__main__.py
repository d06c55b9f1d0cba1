"""Print the table of ratios: `python -m bench`."""

from __future__ import annotations

import argparse
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # one core: before numpy and torch are imported

from pathlib import Path  # noqa: E402

from bench.rendering import Rendering, measure  # noqa: E402
from bench.stepping import tokens_per_second  # noqa: E402


def main() -> None:
    """Measure on one core and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--models", type=Path, default=Path("models"))
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"One core, processor time. Render of {options.seconds:g} s of study:\n")
    for models in (options.models, None):
        _print_rendering(measure(options.seconds, models))
    print("Tokens a second, one stream, the same weights:\n")
    print("| model | onnx, 8 bit | rwkv, cpu fp32 | ratio |\n|---|---|---|---|")
    for part in ("piano", "drums"):
        _print_stepping(options.models / part)


def _print_rendering(rendering: Rendering) -> None:
    print(f"composed by {rendering.composer}: {rendering.ratio:.1f} x real time")
    print("| stage | share of the render | of one core, in real time |\n|---|---|---|")
    other_s = rendering.cpu_s - sum(rendering.stages_s.values())
    for stage, spent_s in {**rendering.stages_s, "snapshots, joins": other_s}.items():
        print(f"| {stage} | {spent_s / rendering.cpu_s:.0%} | {spent_s / rendering.seconds:.2%} |")
    print(f"| all | 100% | {rendering.cpu_s / rendering.seconds:.2%} |\n")


def _print_stepping(model: Path) -> None:
    onnx, rwkv = (tokens_per_second(model, backend) for backend in ("onnx", "rwkv"))
    ratio = f"{onnx / rwkv:.1f}" if isinstance(onnx, float) and isinstance(rwkv, float) else "-"
    shown = [f"{rate:.0f}" if isinstance(rate, float) else rate for rate in (onnx, rwkv)]
    print(f"| {model.name} | {shown[0]} | {shown[1]} | {ratio} |")


if __name__ == "__main__":
    main()
