"""Sound cards: the seam with a fake stream, and the real PortAudio on ALSA's null device."""

import asyncio
import os
import subprocess
import sys

import numpy as np
import pytest
from fakes_clock import settle
from fakes_station import sine

from engine import AudioBlock
from radio.config_outputs import Device
from radio.encoders import PcmEncoder
from radio.errors import OutputError
from radio.hub import Hub
from radio.metrics import Metrics
from radio.outputs.device import DeviceOutput, Store

BLOCK = 2048


class FakeCard:
    """Takes sound when the test says so."""

    def __init__(self):
        self.active, self.closed, self.opened = True, 0, 0

    def open(self, _settings, fill):
        self.fill = fill
        self.opened += 1
        return self

    def start(self):
        pass

    def close(self):
        self.closed += 1

    def take(self, frames=BLOCK):
        out = np.empty((frames, 2), np.float32)
        self.fill(out)
        return out


def block(number):
    return PcmEncoder().encode(AudioBlock(number * BLOCK, sine(number * BLOCK, BLOCK, 200)))


async def test_the_card_gets_every_sample_in_order_once_its_store_is_full():
    hub, card = Hub(0), FakeCard()
    output = DeviceOutput(Device(name="x", latency_ms=100), hub, Metrics(), card.open)
    heard = []
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(output.run())
        await settle(lambda: card.opened)
        for number in range(40):
            hub.publish(block(number))
            await settle(lambda: next(iter(hub._listeners)).number == hub.end_number)
            heard.append(card.take())
        hub.close()
    assert card.closed == 1
    sound = np.concatenate(heard)
    begins = np.flatnonzero(np.abs(sound[:, 0]) > 1e-6)[0] - 1
    assert begins < 0.2 * 48_000
    np.testing.assert_allclose(sound[begins:], sine(0, len(sound) - begins, 200), atol=1e-6)


async def test_a_card_that_is_unplugged_is_told_and_closed():
    for unplug in ("stops", "falls silent"):
        hub, card = Hub(0), FakeCard()
        output = DeviceOutput(Device(name="x"), hub, Metrics(), card.open)
        task = asyncio.ensure_future(output.run())
        await settle(lambda card=card: card.opened)
        card.active = unplug != "stops"
        for number in range(100):
            hub.publish(block(number))
            await asyncio.sleep(0.001)
        with pytest.raises(OutputError, match="Was it unplugged"):
            async with asyncio.timeout(10):
                await task
        assert card.closed == 1


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_card_with_another_clock_never_runs_dry_or_over(ppm):
    store = Store(4800)
    owed, silent = 0.0, 0
    for number in range(4000):
        store.add(np.frombuffer(block(number).data, "<f4").reshape(-1, 2))
        owed += BLOCK * (1 + ppm / 1e6)
        out = np.empty((int(owed), 2), np.float32)
        owed -= len(out)
        store.fill(out)
        silent += number > 10 and not out.any()
    assert silent == 0
    assert store.lost_frames == 0


NULL_CARD = """pcm.!default { type null }
ctl.!default { type null }
pcm.cable { type null hint { show on description "cable" } }
"""
PLAY = """
import asyncio, numpy as np
from engine import AudioBlock
from radio.config_outputs import Device
from radio.encoders import PcmEncoder
from radio.hub import Hub
from radio.metrics import Metrics
from radio.outputs.device import DeviceOutput, Ports, list_devices
async def main():
    print(list_devices())
    hub, metrics = Hub(0), Metrics()
    output = DeviceOutput(Device(name="x", device="cable"), hub, metrics, Ports().open)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(output.run())
        while not metrics.registry.get_sample_value("lofi_output_connected", {"output": "device x"}):
            await asyncio.sleep(0.01)
        for number in range(30):
            hub.publish(PcmEncoder().encode(AudioBlock(number * 2048, np.zeros((2048, 2), np.float32))))
            await asyncio.sleep(0.01)
        hub.close()
    print("played")
asyncio.run(main())
"""


def test_the_real_portaudio_plays_on_a_virtual_cable(tmp_path, root):
    (tmp_path / "asound.conf").write_text(NULL_CARD)
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}
    done = subprocess.run(
        [sys.executable, "-c", PLAY], env=environment, cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    if "apt-get install libportaudio2" in done.stderr:
        pytest.skip("PortAudio is not installed: apt-get install libportaudio2")
    assert "cable (ALSA" in done.stdout, done.stderr
    assert done.stdout.endswith("played\n"), done.stderr
