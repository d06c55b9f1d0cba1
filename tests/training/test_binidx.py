"""The reader here is written apart from ours, from the public format: what RWKV-LM's trainer does with the files."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.binidx import paths_of, read_binidx, write_binidx
from training.errors import CorpusError


def public_read(prefix):
    """(sequences, document marks) by the steps of the public reader: header by header, then three arrays."""
    kinds = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.float32, 7: np.float64, 8: np.uint16}
    with open(f"{prefix}.idx", "rb") as stream:
        assert stream.read(9) == b"MMIDIDX\x00\x00"
        assert struct.unpack("<Q", stream.read(8)) == (1,)
        kind = kinds[struct.unpack("<B", stream.read(1))[0]]
        count = struct.unpack("<Q", stream.read(8))[0]
        marks = struct.unpack("<Q", stream.read(8))[0]
        offset = stream.tell()
    index, data = np.fromfile(f"{prefix}.idx", np.uint8).tobytes(), np.fromfile(f"{prefix}.bin", np.uint8).tobytes()
    sizes = np.frombuffer(index, np.int32, count, offset)
    pointers = np.frombuffer(index, np.int64, count, offset + sizes.nbytes)
    documents = np.frombuffer(index, np.int64, marks, offset + sizes.nbytes + pointers.nbytes)
    assert offset + sizes.nbytes + pointers.nbytes + documents.nbytes == len(index)
    read = [np.frombuffer(data, kind, size, start) for start, size in zip(pointers, sizes, strict=True)]
    return [sequence.tolist() for sequence in read], documents.tolist()


@given(st.lists(st.lists(st.integers(0, 65535), min_size=1, max_size=20), max_size=6))
@settings(max_examples=30, deadline=None)
def test_sequences_come_back_by_the_public_steps_and_by_ours(tmp_path_factory, sequences):
    prefix = tmp_path_factory.mktemp("binidx") / "songs_v1.5"
    assert write_binidx(map(np.array, sequences), prefix) == (len(sequences), sum(map(len, sequences)))
    assert public_read(prefix) == (sequences, list(range(len(sequences) + 1)))
    assert [sequence.tolist() for sequence in read_binidx(prefix)] == sequences


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_binidx([np.array([1, 2, 3]), np.array([258])], tmp_path / "x")
    data, index = (path.read_bytes() for path in paths_of(tmp_path / "x"))
    assert data == bytes([1, 0, 2, 0, 3, 0, 2, 1])
    assert index == b"MMIDIDX\x00\x00" + struct.pack("<QBQQ2i2q3q", 1, 8, 2, 3, 3, 1, 0, 6, 0, 1, 2)


def test_megatron_s_own_class_reads_them(tmp_path):
    indexed = pytest.importorskip(
        "megatron.core.datasets.indexed_dataset",
        reason="optional: `pip install --no-deps megatron-core` brings the public reader",
        exc_type=ImportError,
    )
    sequences = [[1, 2, 3], [65535], [258, 0, 7, 9]]
    write_binidx(map(np.array, sequences), tmp_path / "songs_v1.5")
    stored = indexed.IndexedDataset(str(tmp_path / "songs_v1.5"))
    assert [stored[number].tolist() for number in range(len(stored))] == sequences
    assert stored.document_indices.tolist() == [0, 1, 2, 3]
    assert stored.get(2, offset=1, length=2).tolist() == [0, 7]


def test_missing_foreign_and_cut_files_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="--binidx"):
        read_binidx(tmp_path / "x")
    write_binidx([np.array([1, 2, 3])], tmp_path / "x")
    data, index = paths_of(tmp_path / "x")
    data.write_bytes(data.read_bytes()[:-2])
    with pytest.raises(CorpusError, match="4 bytes, its index tells of 6"):
        read_binidx(tmp_path / "x")
    index.write_bytes(index.read_bytes()[:-1])
    with pytest.raises(CorpusError, match="cut off"):
        read_binidx(tmp_path / "x")
