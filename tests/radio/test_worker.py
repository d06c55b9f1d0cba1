"""The engine in a real process of its own, killed by hand."""

import asyncio
import os
import signal
import sys

import numpy as np
import psutil
import pytest
from fakes_clock import settle
from fakes_station import BAR_FRAMES, FakeSetup, build_fake, expected
from fakes_studio import producing

from radio.engine_handle import EngineHandle, EngineRaisedError
from radio.errors import WorkerError


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_killing_the_process_costs_no_frame_and_no_bar():
    async with producing(own_process=True, lead_bars=10) as studio:
        await studio.full()
        first_pid = studio.producer.pid
        assert first_pid != os.getpid()
        before, _ = await studio.pull(3)
        os.kill(first_pid, signal.SIGKILL)
        after, _ = await studio.pull(20)
        np.testing.assert_array_equal(np.concatenate([before, after]), expected(23))
        assert [bar.index for bar in studio.bars] == list(range(23))
        assert studio.producer.pid != first_pid
        assert studio.count("engine_restarts_total") == 1


async def test_a_process_killed_in_the_middle_of_an_answer_is_noticed_at_once():
    # 20 MB a bar: it is still writing when it is killed
    handle = EngineHandle(own_process=True)
    try:
        await handle.build(build_fake, FakeSetup(bar_frames=2_500_000))
        await handle.render_bar()
        async with asyncio.timeout(20):
            asyncio.get_running_loop().call_later(0.1, os.kill, handle.pid, signal.SIGKILL)
            with pytest.raises(WorkerError, match="died"):
                await render_for_ever(handle)
    finally:
        handle.close()


async def render_for_ever(handle):
    while True:
        await handle.render_bar()


async def test_a_process_that_hangs_is_killed_and_nothing_is_lost(tmp_path):
    trace = tmp_path / "process"
    trace.mkdir()
    async with producing(
        FakeSetup(hangs_at_bar=5, trace=trace), own_process=True, call_timeout_s=3.0, lead_bars=3
    ) as studio:
        sound, _ = await studio.pull(4)
        stuck = studio.producer.pid
        await settle(lambda: studio.count("engine_restarts_total") == 1)
        more, _ = await studio.pull(4)
        np.testing.assert_array_equal(np.concatenate([sound, more]), expected(8))
        await settle(lambda: gone(stuck))


async def test_what_passes_the_wall_and_what_does_not():
    # one process for all of it: each takes a second of a core to start
    handle = EngineHandle(own_process=True)
    try:
        facts = await handle.build(build_fake, FakeSetup(raises_at_bar=2))
        assert facts.pid == handle.pid != os.getpid()
        assert facts.assets[0].name == "sine"

        rendered = await handle.render_bar()
        np.testing.assert_array_equal(rendered.block.samples, expected(1))
        assert not rendered.block.samples.flags.writeable

        for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C and systemd reach both; they are for the radio
            os.kill(handle.pid, number)
        assert (await handle.render_bar()).block.start_frame == BAR_FRAMES

        with pytest.raises(EngineRaisedError, match="failed to render_bar: EngineError: bar 2 is too sad"):
            await handle.render_bar()

        os.kill(handle.pid, signal.SIGKILL)
        await settle(lambda: gone(handle.pid))
        with pytest.raises(WorkerError, match="died") as caught:
            await handle.render_bar()
        assert caught.value.outside, "the music is not to blame"
    finally:
        handle.close()


async def test_the_process_does_not_outlive_a_radio_that_was_killed(tmp_path):
    script = tmp_path / "some_radio.py"
    script.write_text(
        "import asyncio, sys\n"
        "from fakes_station import FakeSetup, build_fake\n"
        "from radio.engine_handle import EngineHandle\n"
        "async def main():\n"
        "    handle = EngineHandle(own_process=True)\n"
        "    await handle.build(build_fake, FakeSetup())\n"
        "    print(handle.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    radio = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, env=environment
    )
    async with asyncio.timeout(90):
        engine_pid = int(await radio.stdout.readline())
    radio.kill()
    await radio.wait()
    await settle(lambda: gone(engine_pid))
