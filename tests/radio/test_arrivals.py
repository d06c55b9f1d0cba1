"""Where a listener's stream began: remembered for a while, for so many, and told to who knows the id."""

from aiohttp import web

from radio.web.arrivals import IDS_MAX, KEPT_S, Arrivals


def test_a_stream_is_remembered_for_a_while_only():
    now_s = [0.0]
    known = Arrivals(lambda: now_s[0])
    known.note("a-random-id", 4800)
    assert known.frame("a-random-id") == 4800
    now_s[0] = KEPT_S + 1
    assert known.frame("a-random-id") is None


def test_a_stream_asked_for_again_begins_where_the_new_one_does():
    known = Arrivals()
    known.note("a-random-id", 4800)
    known.note("a-random-id", 9600)
    assert known.frame("a-random-id") == 9600


def test_ids_are_bounded_in_number_and_odd_ones_are_not_kept():
    known = Arrivals()
    for number in range(IDS_MAX + 10):
        known.note(f"listener-{number}", number)
    assert known.frame("listener-9") is None
    assert known.frame("listener-10") == 10
    for odd in ("", "short", "x" * 65, "with space", "line\nfeed-xx"):
        known.note(odd, 1)
        assert known.frame(odd) is None


async def test_the_api_tells_the_frame_and_the_time(aiohttp_client):
    app, known = web.Application(), Arrivals()
    known.add_routes(app)
    known.note("a-random-id", 4800)
    client = await aiohttp_client(app)
    told = await (await client.get("/api/listener", params={"id": "a-random-id"})).json()
    assert told["frame"] == 4800
    assert told["now"].endswith("Z")
    assert (await (await client.get("/api/listener")).json())["frame"] is None
