"""A process that works, one that waits and one that was stopped are told apart."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import psutil
import pytest
from fakes_clock import settle

from radio.vitals import Vital, Vitals

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux' /proc")


@contextmanager
def process(program):
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as child:
        try:
            yield child.pid
        finally:
            child.kill()


async def test_a_process_that_waits_is_seen_to_wait_and_one_that_is_stopped_to_be_stopped():
    with process("input()") as pid:
        vitals = Vitals(pid)
        await settle(lambda: vitals.look() is Vital.WAITS)
        os.kill(pid, signal.SIGSTOP)
        await settle(lambda: vitals.look() is Vital.STOPPED)


async def test_a_process_that_computes_works_even_when_its_first_thread_waits():
    program = "import threading\nt = threading.Thread(target=lambda: [0 for _ in iter(int, 1)])\nt.start()\nt.join()"
    with process(program) as pid:
        vitals = Vitals(pid)
        await settle(lambda: psutil.Process(pid).status() == psutil.STATUS_SLEEPING)
        for _ in range(20):
            assert vitals.look() is Vital.WORKS


def test_of_a_process_that_is_gone_nothing_is_known():
    with process("input()") as pid:
        pass
    assert Vitals(pid).look() is Vital.UNKNOWN
    assert Vitals(None).look() is Vital.UNKNOWN
