"""RWKV-6 against RWKV-7 as exported, random weights: `PYTHONPATH=. python training/runs/step_speed.py [4x192 ...]`.

Operators, bytes, what 8 bits cost, and the CPU time of a step for one stream and for eight, both generations in turn in
one process.
"""

import sys
import time
from statistics import median

import numpy as np
import torch

from engine.tokens import VOCABULARY_SIZE
from training.network import Network, public_weights
from training.runtime import OnnxStep, divergence
from training.size import ARCHITECTURES, Size
from training.step_graph import build_step
from training.step_graph7 import build_step7

STREAMS = (1, 8)
ROUNDS, STEPS = 60, 10


def exported(size: Size) -> OnnxStep:
    """Return the 8-bit step of random weights, and say what it is."""
    torch.manual_seed(0)
    network = Network(size)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    arrays = {name: value.numpy() for name, value in public_weights(network).items()}
    build = build_step7 if size.architecture == "x070" else build_step
    ids = np.random.default_rng(0).integers(0, size.vocabulary, 32).tolist()
    exact = OnnxStep(build(arrays, None).SerializeToString()).logits(ids)
    model = build(arrays, 8)
    data = model.SerializeToString()
    step = OnnxStep(data)
    print(
        f"{size.architecture} {size.layers}x{size.width}: {len(model.graph.node)} operators, {len(data) / 1e6:.2f} MB, "
        f"8 bits cost {divergence(exact, step.logits(ids)):.1e} nats a token"
    )
    return step


def step_ms(models: dict[str, OnnxStep], streams: int) -> dict[str, list[float]]:
    """Return the CPU times of a step, in turn so that other work on the machine falls on both."""
    states = {name: model.initial_state(streams) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            state, start = states[name], time.process_time()
            for token in range(STEPS):
                _, state = model.step(np.full(streams, token + 3, np.int64), state)
            times[name].append((time.process_time() - start) / STEPS * 1000)
    return times


torch.set_num_threads(1)
for asked in sys.argv[1:] or ["4x192", "6x256"]:
    layers, width = map(int, asked.split("x"))
    models = {name: exported(Size(layers, width, VOCABULARY_SIZE, name)) for name in ARCHITECTURES}
    for streams in STREAMS:
        for name, times in step_ms(models, streams).items():
            print(f"{asked}, {streams} streams, {name}: best {min(times):.3f} ms, median {median(times):.3f} ms")
