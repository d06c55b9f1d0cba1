"""The loops for a listener's own room: which there are, their sound without a seam, and what cannot be asked for."""

import io

import av
import numpy as np
import pytest
import soundfile
from aiohttp import web

from engine import SAMPLE_RATE_HZ
from radio.web.ambience import LEAD_S, Ambience


@pytest.fixture
async def client(aiohttp_client, tmp_path):
    rng = np.random.default_rng(7)
    for kind, name in (("ambience", "rain"), ("vinyl", "vinyl"), ("ambience", "pub")):
        (tmp_path / kind).mkdir(exist_ok=True)
        noise = np.cumsum(rng.standard_normal((3 * SAMPLE_RATE_HZ, 2)), axis=0) * 1e-4
        noise -= np.linspace(0, 1, len(noise))[:, None] * (noise[-1] - noise[0])  # its end meets its beginning
        soundfile.write(tmp_path / kind / f"{name}.flac", 0.002 * noise / np.abs(noise).max(), SAMPLE_RATE_HZ)
    (tmp_path / "ambience" / "broken.flac").write_bytes(b"no sound")
    app = web.Application()
    Ambience(tmp_path).add_routes(app)
    return await aiohttp_client(app)


def decoded(mp3):
    with av.open(io.BytesIO(mp3), format="mp3") as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


async def test_the_loops_that_people_know_are_listed(client):
    told = await (await client.get("/api/ambience")).json()
    assert [(one["name"], one["loop_s"]) for one in told["ambience"]] == [("rain", 3.0), ("vinyl", 3.0)]


async def test_any_stretch_as_long_as_the_loop_is_the_loop(client):
    answer = await client.get("/ambience/rain.mp3")
    assert answer.content_type == "audio/mpeg"
    sound, loop = decoded(await answer.read()), 3 * SAMPLE_RATE_HZ
    begin, stretch = int(LEAD_S * SAMPLE_RATE_HZ), SAMPLE_RATE_HZ // 4
    early, late = sound[begin : begin + stretch], sound[begin + loop : begin + loop + stretch]
    assert np.corrcoef(early, late)[0, 1] > 0.99
    assert 0.02 < np.sqrt(np.mean(sound[begin : begin + loop] ** 2)) < 0.2, "loud enough to be a fader's top"


@pytest.mark.parametrize("name", ["pub", "broken", "..%2frain", "rain.flac"])
async def test_nothing_else_can_be_asked_for(client, name):
    assert (await client.get(f"/ambience/{name}.mp3")).status == 404
