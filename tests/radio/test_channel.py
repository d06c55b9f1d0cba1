"""A format costs nothing while nobody listens, and starts whole for who comes first."""

from functools import partial

import av
import numpy as np
import pytest
from fakes_encoder import FakeEncoder, decoded
from fakes_station import sine

from engine import SAMPLE_RATE_HZ, AudioBlock
from radio.channel import LINGER_S, Channel, Passage
from radio.encoders_opus import OpusEncoder
from radio.errors import EncoderError
from radio.hub import Heads, Hub

BLOCK = 2048
BURST_BYTES = 200 * 1024


class Desk:
    """Plays a sine into one channel, as the broadcast does."""

    def __init__(self, make=None, burst_bytes=BURST_BYTES):
        self.made = []
        self.hub = Hub(burst_bytes)
        self.frame = 0
        self.recent = []
        self.title = "a title"
        self.channel = Channel("lofi fake", make or self._make, self.hub)
        self.made.clear()

    def _make(self):
        self.made.append(FakeEncoder())
        return self.made[-1]

    def play(self, blocks=1):
        for _ in range(blocks):
            self.recent.append(Passage(AudioBlock(self.frame, sine(self.frame, BLOCK, 200)), self.title))
            self.recent = self.recent[-20:]
            self.channel.publish(self.channel.encode(self.recent))
            self.frame += BLOCK


def linger_blocks():
    return int(LINGER_S * SAMPLE_RATE_HZ / BLOCK) + 1


def test_nothing_is_encoded_while_nobody_listens():
    desk = Desk()
    desk.play(50)
    assert desk.made == []
    assert not desk.channel.running


async def test_who_comes_first_gets_a_burst_of_what_went_out_before():
    desk = Desk()
    desk.play(50)
    listener = desk.hub.listen()
    desk.play()
    sounds = await listener.read()
    first, sound = sounds[0].chunk.start_frame, decoded([one.chunk for one in sounds])
    assert len(sound) > 10 * BLOCK
    np.testing.assert_array_equal(sound, sine(first, len(sound), 200))


async def test_who_comes_first_and_wants_little_delay_gets_no_more_than_that():
    desk = Desk()
    desk.play(50)
    low = desk.hub.listen(40_000)
    output = desk.hub.listen(0, skips=True)
    desk.play()
    assert 1 < sum(len(one.chunk.data) for one in (await low.read())) <= 40_000 + BLOCK * 8
    assert (await output.read())[0].chunk.start_frame >= 49 * BLOCK


async def test_everybody_shares_one_encoder_and_output_counts():
    desk = Desk()
    listeners = [desk.hub.listen(), desk.hub.listen(), desk.hub.listen(0, skips=True)]
    desk.play(10)
    assert len(desk.made) == 1
    for listener in listeners[:2]:
        desk.hub.leave(listener)
    desk.play(2 * linger_blocks())
    assert desk.channel.running, "the output still takes it"


async def test_the_encoder_runs_on_for_a_while_and_then_stops():
    desk = Desk()
    desk.hub.leave(desk.hub.listen())
    listener = desk.hub.listen()
    desk.play(5)
    desk.hub.leave(listener)
    desk.play(linger_blocks() - 2)
    assert desk.channel.running
    again = desk.hub.listen()
    desk.play()
    assert len(desk.made) == 1
    desk.hub.leave(again)
    desk.play(linger_blocks() + 1)
    assert not desk.channel.running
    assert keeps_nothing(desk.hub), "old sound is not a burst"


def keeps_nothing(hub):
    listener = hub.listen()
    hub.leave(listener)
    return not listener.fed


async def test_a_failing_encoder_is_replaced_and_nobody_is_sent_away(caplog):
    desk = Desk()
    listener = desk.hub.listen()
    desk.play(3)

    def fail(_block):
        raise av.FFmpegError(-22, "the input contains NaN")

    desk.made[0].encode = fail
    desk.play(3)
    assert len(desk.made) == 2
    assert caplog.text.count("the encoder failed") == 1
    starts = [sound.chunk.start_frame for sound in await listener.read()]
    assert starts == sorted(starts)
    assert starts[-1] >= 4 * BLOCK


def test_an_encoder_that_cannot_be_made_is_known_at_once():
    def make():
        raise EncoderError("no such encoder")

    with pytest.raises(EncoderError):
        Channel("lofi fake", make, Hub(0))


async def test_opus_tells_a_new_title_to_who_listens_and_to_who_comes_later():
    desk = Desk(partial(OpusEncoder, 96), burst_bytes=2000)
    early = desk.hub.listen()
    desk.title = "one"
    desk.play(30)
    desk.title = "two"
    desk.play(30)
    late = desk.hub.listen()
    desk.play(10)
    heard = Heads().join(await early.read())
    assert [heard.count(b"TITLE=" + title) for title in (b"one", b"two")] == [1, 1]
    assert heard.index(b"TITLE=two") > heard.index(b"TITLE=one")
    heard = Heads().join(await late.read())
    assert b"TITLE=one" not in heard
    assert heard.count(b"TITLE=two") == heard.count(b"OpusHead") == 1


async def test_every_listener_of_opus_begins_with_the_head_and_a_new_encoder_with_a_new_one():
    desk = Desk(partial(OpusEncoder, 96))
    early = desk.hub.listen()
    desk.play(30)
    late = desk.hub.listen()
    desk.play(10)
    heads = Heads()
    for listener in (early, late):
        data = Heads().join(await listener.read())
        assert data.startswith(b"OggS")
        assert data.count(b"OpusHead") == data.count(b"OpusTags") == 1
    desk.channel._encoder = None
    desk.play(10)
    assert heads.join(await early.read()).count(b"OpusHead") == 1
    desk.channel._encoder = None
    desk.play(10)
    assert heads.join(await early.read()).count(b"OpusHead") == 1, "a chained stream has its own head"
