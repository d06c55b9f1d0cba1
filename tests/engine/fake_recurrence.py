"""A recurrence without weights: random but repeatable logits that depend on the whole past."""

import numpy as np

from engine.recurrence import RecurrentState, StateBatch

WIDTH = 64


class FakeRecurrence:
    def __init__(self, vocabulary_size=2560, seed=0, spread=2.0):
        self.name = "fake"
        self.vocabulary_size = vocabulary_size
        self.steps = 0
        rng = np.random.default_rng(seed)
        self._table = rng.normal(0, spread, (WIDTH, vocabulary_size)).astype(np.float32)
        self._inputs = rng.normal(0, 1, (vocabulary_size, WIDTH)).astype(np.float32)

    def initial_state(self):
        return RecurrentState.zero(1, WIDTH)

    def step(self, token, state):
        batch = StateBatch(state.shift[:, :, np.newaxis], state.wkv[:, np.newaxis])
        logits, after = self.step_batch([token], batch)
        return logits[0], after.row(0)

    def step_batch(self, batch_tokens, states):
        self.steps += 1
        shift = np.float32(0.5) * states.shift
        shift[0, 0] += self._inputs[list(batch_tokens)]
        # one row at a time: a product of matrices rounds by the number of its rows
        logits = np.stack([(row @ self._table) / np.float32(WIDTH**0.5) for row in shift[0, 0]])
        return logits, StateBatch(shift, states.wkv)

    def advance(self, batch_tokens, states):
        logits, after = self.step_batch(batch_tokens, states)
        states.shift[:], states.wkv[:] = after.shift, after.wkv
        return logits
