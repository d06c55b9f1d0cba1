"""The recorder of the sound's state, beside a real file."""

import weakref

import numpy as np
from real_journal import start, wait_for

from engine import AudioBlock
from engine.snapshot import pack
from radio.lead import LeadBar
from radio.sound_recorder import Keeping, Offer, SoundRecorder
from radio.sound_shelf import states_before

STATE = pack({"bar": {"mixer": {"room": {"rest": np.zeros(10)}}}, "taken": 0})


def bar(index):
    begins = start(index)
    block = AudioBlock(begins.frame, np.zeros((begins.frames, 2), np.float32), (begins,))
    return LeadBar(block, STATE, begins.frame)


def test_a_bar_is_let_go_once_its_state_is_kept(tmp_path, metrics):
    recorder = SoundRecorder(tmp_path / "replay.sqlite3", Keeping(), metrics)
    recorder.start()
    offered = bar(0)
    sound = weakref.ref(offered.block.samples)
    recorder.offer(Offer("lofi", 1, 5, offered))
    del offered
    wait_for(lambda: sound() is None)
    recorder.close()
    assert [row.wall_ms for row in states_before(recorder.path, "lofi", 0, 9)] == [5]
