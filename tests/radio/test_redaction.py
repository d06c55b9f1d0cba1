"""Redaction: no secret is told, and a line says what it said."""

import pickle

import pytest

from radio.redaction import LONG_ENOUGH, Redaction

LONG = "tWmb-93xQ.aa/7"


@pytest.mark.parametrize(
    ("secret", "line", "cleaned"),
    [
        # long enough: wherever it stands
        (LONG, f"x{LONG}y and {LONG}", "x***y and ***"),
        (LONG, f"/srv/{LONG}/live", "/srv/***/live"),
        (LONG, "rtmp://h/live/tWmb-93xQ.aa%2F7: refused", "rtmp://h/live/***: refused"),
        # short, and no word: where it stands by itself
        ("hunter2!", "PUT with hunter2! failed", "PUT with *** failed"),
        ("hunter2!", "password=hunter2!", "password=***"),
        ("hunter2", "it said 'hunter2'.", "it said '***'."),
        ("studio-1", "/srv/studio-1/live.log: not found", "/srv/studio-1/live.log: not found"),
        ("abc123", "xabc123 is another name, abc123.flac too", "xabc123 is another name, abc123.flac too"),
        ("abc123", "rtmp://h/app/abc123: refused", "rtmp://h/app/***: refused"),
        ("a/b2", "http://source:a/b2@host:8000/x", "http://***@host:8000/x"),
        # a word: where a secret is expected
        (
            "radio",
            "lofi-radio: the radio reads /srv/radio/config.yaml",
            "lofi-radio: the radio reads /srv/radio/config.yaml",
        ),
        ("lofi", "station lofi: on air", "station lofi: on air"),
        ("radio", "password radio is wrong", "password *** is wrong"),
        ("radio", "SOURCE_PASSWORD='radio'", "SOURCE_PASSWORD='***'"),
        ("radio", "token: radio.", "token: ***."),
        ("radio", "the monkey radio", "the monkey radio"),
        ("radio", "http://source:radio@host/radio.mp3", "http://***@host/radio.mp3"),
        ("radio", "https://radio.example.org/radio/live?key=radio", "https://radio.example.org/radio/live?key=***"),
        ("test", "srt://host:9000?streamid=test", "srt://host:9000?streamid=***"),
        ("test", "rtmp://host/live/test: test failed", "rtmp://host/live/***: test failed"),
        ("a", "banana, a banana", "banana, a banana"),
        ("", "nothing to hide", "nothing to hide"),
    ],
)
def test_a_secret_is_hidden_and_nothing_else(secret, line, cleaned):
    assert pickle.loads(pickle.dumps(Redaction([secret]))).clean(line) == cleaned


def test_of_two_secrets_the_longer_one_is_hidden_first():
    assert Redaction(["abcdefgh1234", "abcdefgh1234-more"]).clean("abcdefgh1234-more") == "***"


@pytest.mark.parametrize(
    "around", ["{}", "x{}x", "/{}/", "'{}'", "a={}&b", "{}.log", "-{}-", "http://h/{}?x", "\n{}\n"]
)
def test_a_secret_of_twelve_characters_is_nowhere_to_be_read(around):
    secret = "correcthorse"
    assert len(secret) == LONG_ENOUGH
    assert secret not in Redaction([secret]).clean(around.format(secret))


def test_logins_in_addresses_are_hidden_though_nobody_named_them():
    assert Redaction([]).clean("PUT http://me:secret@host/x") == "PUT http://***@host/x"
