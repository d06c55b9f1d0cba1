"""The ear judges what a listener would decode."""

from functools import partial

import numpy as np
import pytest
from fakes_clock import ManualClock
from fakes_station import expected, sine

from engine import AudioBlock
from radio.channel import Channel, Passage
from radio.ear import Ear, decoded_level_dbfs
from radio.encoders import AacEncoder, EncodedChunk, Mp3Encoder
from radio.encoders_opus import OpusEncoder
from radio.health import Health
from radio.hub import Hub, Sound
from radio.metrics import Metrics

MAKERS = {"mp3": partial(Mp3Encoder, 128), "aac": partial(AacEncoder, 128), "opus": partial(OpusEncoder, 96)}
SOUND, SILENCE = expected(20), np.zeros((4 * 48_000, 2), np.float32)


class Numb:
    """Wraps an encoder; once `broken` it goes on without a complaint and encodes something else."""

    def __init__(self, encoder, fault):
        self._encoder, self._fault, self.broken = encoder, fault, False

    def __getattr__(self, name):
        return getattr(self._encoder, name)

    def encode(self, block):
        if self.broken and self._fault == "silent":
            block = AudioBlock(block.start_frame, np.zeros_like(block.samples))
        chunk = self._encoder.encode(block)
        if self.broken and self._fault == "garbage" and chunk is not None:
            return EncodedChunk(chunk.start_frame, chunk.frames, bytes(len(chunk.data)))
        return chunk


class Listening:
    def __init__(self, endings=("aac",), fault=""):
        self.made = {ending: [] for ending in endings}
        self.metrics, self.health = Metrics(), Health(ManualClock())
        self.channels = {
            ending: Channel(f"lofi {ending}", partial(self.make, ending, fault), Hub(65_536)) for ending in endings
        }
        self.ear = Ear("lofi", self.channels, self.health, self.metrics)
        self.frame = 0

    def make(self, ending, fault):
        self.made[ending].append(Numb(MAKERS[ending](), fault))
        return self.made[ending][-1]

    def broadcast(self, sound, endings=None):
        for at in range(0, len(sound) - 2_047, 2_048):
            samples = sound[at : at + 2_048]
            self.health.hear(samples)
            passage = Passage(AudioBlock(self.frame, samples), "title")
            for ending in endings or self.channels:
                self.channels[ending].publish(self.channels[ending].encode((passage,)))
            self.frame += 2_048

    def count(self, name, ending="aac"):
        return self.metrics.registry.get_sample_value(f"lofi_{name}", {"station": "lofi", "format": ending})


@pytest.mark.parametrize("ending", ["mp3", "aac", "opus"])
async def test_every_format_is_decoded_at_the_level_it_was_encoded_with(ending):
    listening = Listening([ending])
    listening.channels[ending].hub.listen(skips=True)
    listening.broadcast(SOUND)
    await listening.ear.listen()
    assert listening.count("decoded_level_dbfs", ending) == pytest.approx(20 * np.log10(0.2 / np.sqrt(2)), abs=0.7)
    assert listening.count("decoded_faults_total", ending) == 0
    assert listening.health.healthy()[0]


@pytest.mark.parametrize(("fault", "said"), [("silent", "is silent"), ("garbage", "cannot be decoded")])
async def test_an_encoder_that_goes_wrong_without_a_word_is_found_and_replaced(fault, said, caplog):
    listening = Listening(fault=fault)
    listening.channels["aac"].hub.listen(skips=True)
    listening.broadcast(SOUND)
    await listening.ear.listen()
    assert listening.health.healthy()[0]
    listening.made["aac"][-1].broken = True
    for _ in range(2):
        listening.broadcast(SOUND[:72_000])
        await listening.ear.listen()
        assert said in listening.health.healthy()[1]
    assert "a new encoder takes over" in caplog.text
    before = len(listening.made["aac"])
    listening.broadcast(SOUND[:72_000])
    assert len(listening.made["aac"]) == before + 1
    await listening.ear.listen()
    assert listening.health.healthy() == (True, "sound advances")
    assert listening.count("decoded_faults_total") == 2


async def test_silent_music_is_no_fault_of_the_encoder():
    listening = Listening()
    listening.channels["aac"].hub.listen(skips=True)
    for _ in range(3):
        listening.broadcast(SILENCE)
        await listening.ear.listen()
    made = len(listening.made["aac"])
    listening.broadcast(SILENCE)
    assert len(listening.made["aac"]) == made
    assert not listening.health.healthy()[0]


async def test_who_is_not_encoded_is_not_listened_to_and_starts_no_encoder():
    listening = Listening(("mp3", "aac"))
    listening.broadcast(SOUND)
    await listening.ear.listen()
    assert not any(channel.running for channel in listening.channels.values())
    assert listening.health.healthy()[0]


async def test_formats_take_turns():
    listening = Listening(("mp3", "aac"))
    for channel in listening.channels.values():
        channel.hub.listen(skips=True)
    listening.broadcast(SOUND)
    await listening.ear.listen()
    await listening.ear.listen()
    assert listening.count("decoded_level_dbfs", "mp3") < 0
    assert listening.count("decoded_level_dbfs", "aac") < 0


async def test_a_second_is_judged_once_and_a_short_past_not_at_all():
    listening = Listening(fault="garbage")
    listening.channels["aac"].hub.listen(skips=True)
    listening.made["aac"][-1].broken = True
    listening.broadcast(sine(0, 30_000, 440))
    await listening.ear.listen()
    assert listening.health.healthy()[0]
    listening.broadcast(SOUND)
    listening.made["aac"][-1].broken = True
    listening.broadcast(SOUND)
    await listening.ear.listen()
    await listening.ear.listen()
    assert listening.count("decoded_faults_total") == 1


def test_digital_silence_has_a_level():
    encoder = Mp3Encoder()
    chunks = [encoder.encode(AudioBlock(at, SILENCE[at : at + 2_048])) for at in range(0, 96_256, 2_048)]
    assert decoded_level_dbfs("audio/mpeg", [Sound(chunk, "") for chunk in chunks if chunk]) == -120
