"""Outputs in the configuration: hosts, mounts, and passwords that are never in the file."""

import pytest
from config_text import HERE, problems

from radio.config_file import parse_config
from radio.config_outputs import Icecast
from radio.errors import SecretError


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "::", "[::1]", "fe80::1%eth0", "localhost", "radio.example.org.", "a_b.local", "::ffff:1.2.3.4"],
)
def test_hosts_are_names_and_addresses(host):
    assert parse_config(f"server: {{host: '{host}'}}", HERE).server.host == host


@pytest.mark.parametrize("host", ["", "a..b", ".x", f"x.{'y' * 64}", "a b", "a:8000", "http://x", "münchen.de"])
def test_what_no_resolver_takes_is_no_host(host):
    assert "a host name or address" in problems(f"server: {{host: '{host}'}}")[0]


def test_two_outputs_to_one_mount_or_of_one_name_are_refused():
    one = "{name: a, host: h, password_env: E}"
    said = "\n".join(problems(f"icecast: [{one}, {one}]"))
    assert "icecast[1].name: the same name as icecast[0]" in said
    assert "icecast[1].mount: the same mount as icecast[0]" in said


def output(**places):
    return Icecast(name="a", host="h", **places)


def test_a_password_comes_from_its_variable_or_file(tmp_path):
    (tmp_path / "secret").write_text("hunter2\n")
    assert output(password_env="E").password({"E": "hunter2"}) == "hunter2"
    assert output(password_file=tmp_path / "secret").password() == "hunter2"


def test_a_missing_password_says_where_it_belongs(tmp_path):
    with pytest.raises(SecretError, match="environment variable E is empty or missing"):
        output(password_env="E").password({})
    with pytest.raises(SecretError, match="cannot read its password_file"):
        output(password_file=tmp_path / "none").password()
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SecretError, match="empty is empty or missing"):
        output(password_file=tmp_path / "empty").password()
