"""systemd's datagrams, received by a socket of our own."""

import os
import socket

import pytest

from radio.notify import sd_notify, watchdog_period_s


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_messages_arrive(tmp_path, monkeypatch, abstract):
    address = f"@lofi-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address.replace("@", "\0") if abstract else address)
        channel.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert sd_notify("READY=1")
        assert channel.recv(100) == b"READY=1"


def test_without_systemd_nothing_happens(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not sd_notify("READY=1")


@pytest.mark.parametrize("address", ["nobody-listens", "@lofi-test-nobody-listens", "x" * 200])
def test_a_service_manager_that_is_gone_harms_nothing(tmp_path, monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address if address.startswith("@") else str(tmp_path / address))
    assert not sd_notify("WATCHDOG=1")


@pytest.mark.parametrize(
    ("microseconds", "pid", "period_s"),
    [("10000000", None, 5.0), ("", None, None), ("0", None, None), ("x", None, None), ("10000000", "1", None)],
)
def test_the_watchdog_is_fed_twice_in_its_time(monkeypatch, microseconds, pid, period_s):
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", pid or str(os.getpid()))
    assert watchdog_period_s() == period_s
