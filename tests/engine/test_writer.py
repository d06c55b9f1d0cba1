from __future__ import annotations

import numpy as np
from fake_recurrence import FakeRecurrence

from engine import tokens
from engine.beat import BeatGrammar, BeatRules
from engine.chance import generator
from engine.moods import Sampling
from engine.writer import Strike, Writer

HEADER = [tokens.BAR, tokens.style("hiphop"), tokens.BEAT, tokens.density(3)]


class RecordedBeat(BeatGrammar):
    def __init__(self):
        super().__init__(BeatRules(3), 2560)
        self.said = []

    def accept(self, token):
        self.said.append(token)
        super().accept(token)


def writer(seed=1):
    own = Writer(FakeRecurrence(), generator(seed))
    own.feed([tokens.START, *HEADER])
    return own


def test_each_candidate_ends_where_its_own_tokens_lead_step_by_step():
    grammars = [RecordedBeat() for _ in range(5)]
    endings = writer().sample(grammars, Sampling())
    assert len({tuple(grammar.said) for grammar in grammars}) == 5
    for grammar, ending in zip(grammars, endings, strict=True):
        alone = FakeRecurrence()
        state = alone.initial_state()
        for token in [tokens.START, *HEADER, *grammar.said[:-1]]:
            _, state = alone.step(token, state)
        assert grammar.said[-1] == tokens.BAR
        np.testing.assert_array_equal(ending.state.shift, state.shift)


def test_sampling_keeps_nothing_until_a_candidate_is_adopted():
    own = writer()
    before = own.snapshot()["state"]
    endings = own.sample([RecordedBeat(), RecordedBeat()], Sampling())
    assert own.snapshot()["state"]["shift"] is before["shift"]
    own.adopt(endings[1])
    assert own.snapshot()["state"]["shift"] is endings[1].state.shift


def test_candidates_step_as_one_batch():
    recurrence = FakeRecurrence()
    own = Writer(recurrence, generator(2))
    own.feed([tokens.START, *HEADER])
    steps = recurrence.steps
    grammars = [RecordedBeat() for _ in range(8)]
    own.sample(grammars, Sampling())
    assert recurrence.steps - steps == max(len(grammar.said) for grammar in grammars) - 1


def test_a_replayed_note_keeps_its_pitch_and_nearly_its_velocity():
    own = writer()
    script = [tokens.position(6), Strike(36, 10), Strike(42, 15), tokens.position(54), Strike(38, 1)]
    bins = [own.replay(script) for _ in range(40)]
    assert {b for b, _, _ in bins} <= {8, 9, 10, 11, 12}
    assert {b for _, b, _ in bins} <= {13, 14, 15}
    assert {b for _, _, b in bins} <= {1, 2, 3}
    assert len({tuple(b) for b in bins}) > 10
