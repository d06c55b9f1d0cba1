"""What a process keeps of its memory: measured in one of its own, by the C library's own count."""

import ctypes
import subprocess
import sys

import pytest

COUNT = """
import ctypes
from radio.allocator import SEGMENT_BYTES, keep_little

class Found(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", *map(str, range(6)))]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Found
if {keeps_little}:
    keep_little(SEGMENT_BYTES)
bytearray(1_200_000)  # made and freed: what glibc learns from
before = libc.mallinfo2().hblks
pieces = [bytearray({size}) for _ in range(9)]
print(libc.mallinfo2().hblks - before)
"""


needs_count = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")


@needs_count
@pytest.mark.parametrize("keeps_little", [True, False])
@pytest.mark.parametrize("size", [1_200_000, 65_800], ids=["a bar", "an HLS segment"])
def test_large_things_have_memory_of_their_own_that_goes_back_when_they_are_freed(size, keeps_little):
    # the first may find room in what the heap has left
    assert (blocks_of_their_own(size, keeps_little) > 4) is keeps_little


@needs_count
def test_what_a_block_goes_through_does_not_cost_a_call_of_the_system():
    assert blocks_of_their_own(54_800, keeps_little=True) == 0


def blocks_of_their_own(size, keeps_little):
    code = COUNT.format(size=size, keeps_little=keeps_little)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)
