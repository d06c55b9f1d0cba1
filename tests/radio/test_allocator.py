"""What a process keeps of its memory: measured in one of its own, by the C library's own count."""

import ctypes
import subprocess
import sys

import pytest

COUNT = """
import ctypes
from radio.allocator import BAR_BYTES, keep_little

class Found(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", *map(str, range(6)))]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Found
if {keeps_little}:
    keep_little(BAR_BYTES)
bytearray(1_200_000)  # made and freed: what glibc learns from
before = libc.mallinfo2().hblks
bar = bytearray(1_200_000)
print(libc.mallinfo2().hblks - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
@pytest.mark.parametrize("keeps_little", [True, False])
def test_a_bar_has_memory_of_its_own_that_goes_back_when_it_is_freed(keeps_little):
    code = COUNT.format(keeps_little=keeps_little)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == keeps_little
