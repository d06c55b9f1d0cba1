"""Requests and configurations that are wrong somewhere, drawn by a seed. Knows nothing about who gets them."""

from __future__ import annotations

import random

_METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT", "get", "G\0T", "", "GET GET", "é")
_PATHS = (
    "/", "/stream.mp3?burst=low", "/api/nowplaying", "/api/nowplaying?station=%00", "/static/../../etc/passwd",
    "/static/..%2f..%2fetc%2fpasswd", "/static/%2e%2e/app.py", "//etc/passwd", "/hls/..%5c..%5cx.aac", "/lofi/../lofi/",
    "/api/control/mood", "/%", "/%zz", "/\xff", "/" + "a" * 9_000, "*", "http://x/", "", "/?" + "&a=b" * 500, "/\u0000",
)  # fmt: skip
_SERVED = (
    "/", "/stream.mp3", "/stream.mp3?burst=\xff", "/lofi/stream.mp3", "/stream.m3u", "/stream.pls", "/api/nowplaying",
    "/api/nowplaying?station=lofi", "/api/nowplaying?station=" + "%27" * 300, "/api/control/mood", "/static/app.js",
    "/healthz", "/readyz", "/metrics", "/favicon.ico", "/hls/live.m3u8", "/lofi/hls/live.m3u8",
    "/api/events?station=%00", "/api/events?after=" + "9" * 400, "/api/ws", "/api/ws?station=\xff", "/api/stations",
    "/api/openapi.json", "/api/moods", "/api/history?limit=-1", "/api/history?before=1e9", "/api/history?limit=%F0",
    "/api/history", "/api/history?before=0001-01-01T00:00:00%2B14:00", "/obs-control", "/obs-control/",
    "/api/nowplaying/lofi", "/api/nowplaying/%2e%2e", "/api/nowplaying/" + "x" * 300,
)  # fmt: skip
_CONTROL = ("mood", "blend", "skip", "bpm", "layers", "schedule")
_ASKED = (
    "mood=rainy",
    "mood=",
    "mood=%00",
    "mood=" + "x" * 900,
    "study=1&rainy=nan",
    "study=1e999",
    "blend=study:1,rainy",
    "blend=" + "study:1," * 30,
    "%ff=1",
    "ending=maybe",
    "bpm=-1",
    "bpm=null",
    "bpm=1e400",
    "bpm=66",
    "vinyl=inf",
    "ambience=3",
    "loops=rain:-3,:",
    "loops=rain:-20",
    "reset=true",
    "pause=1",
    "pause=x",
    "release=true",
    "override=snow&hours=1e-9",
    "override=snow&until=0001-01-01T00:00:00+14:00",
    "until=9999-12-31T23:59:59-12:00",
    "hours=&mood=snow",
    "station=none",
    "format=text",
    "drift_minutes=%D9%A3&mood=snow",
    "",
)
"""Of the control routes; some are right."""
_AUTHORIZED = "Authorization: Bearer sixteen-letters-or-more"
_JSON = (
    "", "{}", "[]", "null", "1e999", '"rainy"', '{"mood": 1}', '{"mood": "x"}', '{"mood": ["rainy"]}',
    '{"mood": "rainy"',
    '{"mood": "rainy", "station": null}', '{"mood": {"a": 1}}', '{"station": "none", "mood": "rainy"}', "[" * 5_000,
    '{"mood": "\\ud800"}', '{"mood": "rainy"}', '{"study": 1e400}', '{"blend": {"study": "1"}}', '{"bpm": []}',
    '{"loops": {"rain": NaN}}', '{"override": {"snow": 1}, "until": 7}', '{"pause": {}}', '{"hours": -0.0}',
    '{"blend": {' + ", ".join(f'"{n}": 1' for n in range(50)) + "}}", '{"until": "\\u0000", "mood": "snow"}',
)  # fmt: skip
_VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "HTTP/1.1.1", "", "ICY", "HTTP/1.1\0")
_HEADERS = (
    "Host: x", "Host: x\r\nHost: y", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999",
    "Content-Length: 1e3", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4",
    "Icy-MetaData: 1",
    "Icy-MetaData: \u0661", "If-None-Match: \"", "If-None-Match: *", "Range: bytes=99-1", "Connection: close",
    "Connection: Upgrade\r\nUpgrade: websocket", "Expect: 100-continue", "Authorization: Bearer \xff\xfe",
    "Authorization: Bearer", "X-Forwarded-For: ,,,1.2.3.4.5,::g", "X-Forwarded-For: " + "1.1.1.1," * 900,
    "X-Forwarded-Proto: javascript", ": empty", "No colon", " folded: x", "X: " + "y" * 9_000, "Cookie: \0\x01\x02",
    "Accept-Encoding: " + "gzip," * 100, "X-A: b\nX-C: d", "Content-Encoding: deflate",
)  # fmt: skip
_BODIES = (b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"{" * 4_000, b"\0" * 100, b"ffffffffffffffff\r\nx")
_YAML = (
    "[", "}", ": ", "- ", "&a ", "*a", "!!python/object:os.system x", "\t", "\0", "\x85", "null", "true", "-1", "1e999",
    ".nan", "0x7fffffffffffffffff", "2026-11-22", "'", '"\\x', "<<: *b", "%YAML 9", "---\n", "? ", "|", "é", "\ud800",
    "99999999999999999999", "{a: {a: {a: 1}}}", "[[[[", "~", "../../etc/passwd", "on",
)  # fmt: skip


def request(rng: random.Random) -> bytes:
    """One request that is wrong somewhere, most of the time; half of them wrong only for who handles it."""
    return _handled(rng) if rng.random() < 0.5 else _malformed(rng)


def _handled(rng: random.Random) -> bytes:
    if rng.random() < 0.4:
        body, asked = rng.choice(_JSON).encode(), "&".join(rng.sample(_ASKED, rng.randint(0, 2)))
        line = f"{rng.choice(('GET', 'POST'))} /api/control/{rng.choice(_CONTROL)}?{asked} HTTP/1.1"
        lines = [line, "Host: x", _AUTHORIZED, f"Content-Length: {len(body)}"]
        return "\r\n".join((*lines, "\r\n")).encode() + body
    odd = [one for one in _HEADERS if one.startswith(("Icy", "If-", "Range", "Auth", "X-F", "Accept"))]
    lines = [
        f"{rng.choice(_METHODS[:4])} {rng.choice(_SERVED)} HTTP/1.1",
        "Host: x",
        *rng.sample(odd, rng.randint(0, 2)),
    ]
    return "\r\n".join((*lines, "\r\n")).encode()


def _malformed(rng: random.Random) -> bytes:
    few = rng.random() < 0.6  # most wrongs hide behind the first one: many requests have a single one
    method, version = (rng.choice(_METHODS[:4]), "HTTP/1.1") if few else (rng.choice(_METHODS), rng.choice(_VERSIONS))
    line = " ".join((method, rng.choice(_PATHS), version))
    ends = "\r\n" if few else rng.choice(("\r\n", "\n", "\r"))
    headers = ["Host: x", *(rng.choice(_HEADERS) for _ in range(rng.choice((0, 1) if few else (0, 1, 2, 3, 5, 80))))]
    raw = (ends.join((line, *headers)) + ends * 2).encode("utf-8", "surrogatepass")
    raw += b"" if few and rng.random() < 0.7 else rng.choice(_BODIES)
    for _ in range(0 if few else rng.choice((0, 1, 4))):  # some bytes are turned
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes([rng.randrange(256)]) + raw[at + rng.choice((0, 1)) :]
    return raw[: rng.randrange(len(raw))] if rng.random() < 0.1 else raw


def document(rng: random.Random, good: str) -> bytes:
    """A config.yaml that is wrong somewhere, most of the time."""
    lines = good.splitlines()
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(lines))
        key, colon, value = lines[at].partition(": ")
        wrong = rng.choice(_YAML)
        lines[at] = rng.choice(
            (
                f"{key}{colon}{wrong}",
                f"{wrong}{lines[at]}",
                f"  {lines[at]}",
                lines[at].strip(),
                f"{key}x{colon}{value}",
                "",
            )
        )
        if rng.random() < 0.2:
            lines.insert(at, rng.choice(lines))
    raw = "\n".join(lines).encode("utf-8", "surrogatepass")
    if rng.random() < 0.2:
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes([rng.randrange(256)]) + raw[at:]
    return raw
