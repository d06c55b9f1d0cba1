"""What secrets a configuration names, and what is wrong with them."""

from radio.config import Config
from radio.known_secrets import known_secrets

ICECAST = {"host": "127.0.0.1", "password_env": "SOURCE_PASSWORD"}


def tree(**parts):
    return Config.model_validate(parts)


def test_secrets_of_all_parts_are_found(monkeypatch):
    monkeypatch.setenv("SOURCE_PASSWORD", "a-source-password")
    monkeypatch.setenv("STREAM_KEY", "abcd-efgh-ijkl-mnop")
    monkeypatch.setenv("CONTROL_TOKEN", "a-control-token-of-some-length")
    monkeypatch.setenv("HOOK_SECRET", "a-webhook-secret")
    config = tree(
        icecast=[{"name": "main", **ICECAST}],
        push=[{"name": "yt", "url": "rtmp://h/live2", "password_env": "STREAM_KEY"}],
        security={"control_token_env": "CONTROL_TOKEN"},
        webhooks=[{"name": "hook", "url": "http://127.0.0.1/x", "secret_env": "HOOK_SECRET"}],
        hls={"bucket": {"name": "a-bucket", "endpoint": "https://s3.example.org"}},
    )
    found, problems = known_secrets(config, {"AWS_SECRET_ACCESS_KEY": "the/bucket+key"})
    assert found == [
        "a-source-password", "abcd-efgh-ijkl-mnop", "a-webhook-secret", "a-control-token-of-some-length",
        "the/bucket+key",
    ]  # fmt: skip
    assert problems == []


def test_one_that_is_missing_and_one_that_is_short_are_told_without_being_shown(monkeypatch):
    monkeypatch.setenv("SOURCE_PASSWORD", "hackme")
    monkeypatch.delenv("OTHER", raising=False)
    config = tree(icecast=[{"name": "main", **ICECAST}, {"name": "other", **ICECAST, "password_env": "OTHER"}])
    found, (short, missing) = known_secrets(config, {})
    assert found == ["hackme"]
    assert short.startswith("icecast main: its secret has 6 characters")
    assert short.endswith("Take 12 or more.")
    assert "hackme" not in short
    assert missing.startswith("icecast other: the environment variable OTHER is empty or missing")
