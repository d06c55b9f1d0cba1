"""The push to video platforms: a real ffmpeg against a real RTMP listener that goes away, and against fakes."""

import asyncio
import shutil
import stat

import av
import numpy as np
import pytest
from fakes_clock import settle
from fakes_ports import free_port
from fakes_source import running
from real_chunks import AAC_CHUNKS, AAC_FRAMES

from radio.clock import SystemClock
from radio.config import Station
from radio.config_outputs import Push
from radio.encoders import EncodedChunk
from radio.errors import OutputError
from radio.hub import Hub
from radio.keepalive import Backoff, Keeper, RefusedError, keepalive
from radio.metrics import Metrics
from radio.nowplaying import NowPlaying
from radio.outputs import push
from radio.outputs.icecast import Feed
from radio.outputs.push import PushOutput, address, build

KEY = "abcd-1234-secret"
QUICK = Backoff(first_s=(0.2,), eager_s=0.2)

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


class Pusher:
    def __init__(self, url, program="ffmpeg", **settings):
        self.hub, self.metrics, self.frame = Hub(0), Metrics(), 0
        self.title = "first"
        small = {"width": 320, "height": 180, "fps": 5, "video_kbps": 200, "password_env": "LOFI_TEST_KEY"}
        feed = Feed(Station(), self.hub, NowPlaying(), "audio/aac", 128)
        self.output = PushOutput(Push(name="tv", url=url, **(small | settings)), feed, self.metrics, program)

    def count(self, name):
        return self.metrics.registry.get_sample_value(f"lofi_output_{name}", {"output": "push tv"})

    async def play(self):
        """Publish sound, four times as fast as it sounds, for ever."""
        while True:
            for chunk in AAC_CHUNKS:
                self.hub.publish(EncodedChunk(chunk.start_frame + self.frame, chunk.frames, chunk.data), self.title)
                await asyncio.sleep(chunk.frames / 48_000 / 4)
            self.frame += AAC_FRAMES

    async def keep_alive(self):
        await keepalive("push tv", self.output.run, push.ERRORS, Keeper(self.metrics, SystemClock(), QUICK))


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("LOFI_TEST_KEY", KEY)


async def receive(port, path, seconds):
    """Be the platform: take so much of the stream and hang up."""
    process = await asyncio.create_subprocess_exec(
        "ffmpeg", "-v", "error", "-y", "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/{KEY}",
        "-t", str(seconds), "-c", "copy", str(path), stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await process.wait()


def pictures(path):
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        return [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]


async def test_a_platform_that_dies_and_comes_back_has_picture_sound_and_the_new_title(tmp_path, caplog):
    caplog.set_level("DEBUG")
    port = free_port()
    pusher = Pusher(f"rtmp://127.0.0.1:{port}/live")
    async with running(pusher.keep_alive(), pusher.play()):
        await receive(port, tmp_path / "one.flv", 3)
        pusher.title = "another piece with a long title"
        await settle(lambda: pusher.count("connected") == 0)
        await receive(port, tmp_path / "two.flv", 3)
    assert pusher.count("connected") == 0
    assert pusher.count("connects_total") >= 1
    first, second = pictures(tmp_path / "one.flv")[-1], pictures(tmp_path / "two.flv")[-1]
    title = np.s_[int(180 * 0.88) :, :]
    assert np.ptp(first[title]) > 60, "something is written there"
    assert np.ptp(first[:100]) < 20, "and nowhere else"
    assert np.abs(first[title] - second[title]).max() > 60
    assert KEY not in caplog.text
    assert "Connection refused" in caplog.text or "Broken pipe" in caplog.text or "reset" in caplog.text


@pytest.mark.parametrize("name", ["it's; a [very], odd: 100 %", "plain"])
async def test_pictures_titles_and_clips_from_folders_with_any_name(tmp_path, name, monkeypatch):
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    still, clip = folder / "still.png", folder / "clip.gif"
    for path, size in ((still, "400x100"), (clip, "64x64")):
        made = await asyncio.create_subprocess_exec(
            "ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=c=white:s={size}:r=5:d=0.4",
            *(("-frames:v", "1") if path is still else ()), str(path),
        )  # fmt: skip
        assert await made.wait() == 0
    for picture in (still, clip):
        out = tmp_path / f"{picture.stem}.flv"
        pusher = Pusher("rtmp://127.0.0.1/live", picture=picture)
        monkeypatch.setattr(push, "address", lambda _url, _key, out=out: str(out))
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            tasks.create_task(pusher.output.run())
            await settle(lambda pusher=pusher: pusher.hub.wanted)
            for chunk in AAC_CHUNKS[:20]:
                pusher.hub.publish(chunk, "title")
            pusher.hub.close()  # ends it, although the picture is endless
        seen = pictures(out)
        assert seen[0].shape == (180, 320)
        assert np.median(seen[0]) > 200
        assert len(seen) > 5


def program(folder, text):
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_what_ffmpeg_says_last_is_told_without_the_key(tmp_path):
    fake = program(tmp_path, f"echo 'rtmp://x/{KEY}: no such stream' >&2; exit 1")
    pusher = Pusher("rtmp://x", fake)
    async with running(pusher.play()):
        with pytest.raises(OutputError, match=r"^rtmp://x: rtmp://x/\(key\): no such stream$"):
            await pusher.output.run()
    assert pusher.count("connects_total") == 0, "nothing was ever sent"


async def test_a_program_that_takes_no_sound_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(push, "STALL_S", 0.6)
    pusher = Pusher("rtmp://x", program(tmp_path, "exec sleep 60"))
    async with running():
        task = asyncio.ensure_future(pusher.output.run())
        await settle(lambda: pusher.hub.wanted)
        for number in range(40):  # 2 MB: more than pipes hold
            pusher.hub.publish(EncodedChunk(number * 1024, 1024, bytes(50_000)))
            await asyncio.sleep(0.001)
        with pytest.raises(OutputError, match=r"ffmpeg sent nothing for 0\.6 s"):
            await task


async def test_a_missing_program_and_a_missing_key_are_refusals_that_name_the_remedy(monkeypatch):
    with pytest.raises(RefusedError, match="apt-get install ffmpeg"):
        await Pusher("rtmp://x", "no-such-ffmpeg").output.run()
    monkeypatch.delenv("LOFI_TEST_KEY")
    with pytest.raises(RefusedError, match="LOFI_TEST_KEY is empty or missing"):
        await Pusher("rtmp://x").output.run()


async def test_a_stop_leaves_no_program_and_no_task_behind(tmp_path):
    gone = tmp_path / "gone"
    pusher = Pusher("rtmp://x", program(tmp_path, f"trap 'touch {gone}; exit 0' TERM; while :; do sleep 0.05; done"))
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(pusher.output.run())
    await settle(lambda: pusher.hub.wanted)
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone.exists()
    assert asyncio.all_tasks() == before
    assert not pusher.hub.wanted


@pytest.mark.parametrize(
    ("url", "key", "target"),
    [
        ("rtmp://a/live2", "k", "rtmp://a/live2/k"),
        ("rtmp://a/live2/", "k", "rtmp://a/live2/k"),
        ("rtmp://a/live", "", "rtmp://a/live"),
        ("srt://a:9000?streamid={key}", "k", "srt://a:9000?streamid=k"),
    ],
)
def test_the_key_goes_where_it_belongs(url, key, target):
    assert address(url, key) == target


def test_srt_is_sent_as_mpeg_ts(tmp_path):
    arguments = build(Push(name="x", url="srt://a:9000"), "srt://a:9000", tmp_path / "t", "ffmpeg").arguments
    assert arguments[-1] == "srt://a:9000"
    assert "mpegts" in arguments
    assert "copy" in arguments, "the sound is not encoded anew"
