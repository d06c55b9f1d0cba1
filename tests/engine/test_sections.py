"""Our designs and the filter we borrow, against scipy.signal itself."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage, signal

from engine.dynamics import running_maximum
from engine.sections import band_pass, butterworth, filtered


@pytest.mark.parametrize("kind", ["lowpass", "highpass"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("hz", [30.0, 2000.0, 20_000.0])
def test_a_butterworth_is_the_one_that_scipy_designs(kind, order, hz):
    ours = signal.sosfreqz(butterworth(order, hz, kind), 256)[1]
    theirs = signal.sosfreqz(signal.butter(order, hz, kind, fs=48_000, output="sos"), 256)[1]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_a_band_pass_is_the_one_that_scipy_designs():
    ours = signal.sosfreqz(band_pass(180.0, 3200.0), 256)[1]
    theirs = signal.sosfreqz(signal.butter(1, (180.0, 3200.0), "bandpass", fs=48_000, output="sos"), 256)[1]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_filtering_is_scipys_to_the_last_bit_and_leaves_what_it_was_given():
    rng = np.random.default_rng(0)
    sections, state = butterworth(4, 2000.0, "highpass"), rng.standard_normal((2, 2, 2))
    samples, before = rng.standard_normal((2, 4800)).astype(np.float32), state.copy()
    out, after = filtered(sections, samples, state)
    theirs, their_after = signal.sosfilt(sections, samples, axis=1, zi=state)
    np.testing.assert_array_equal(out, theirs)
    np.testing.assert_array_equal(after, their_after)
    np.testing.assert_array_equal(state, before)


def test_a_filter_that_hears_nothing_for_a_while_comes_to_rest():
    sections = np.concatenate([butterworth(2, 28.0, "highpass"), butterworth(4, 9500.0, "lowpass")])
    sound, state = np.random.default_rng(0).standard_normal((2, 4800)).astype(np.float32), np.zeros((3, 2, 2))
    _, state = filtered(sections, sound, state)
    assert state.all()
    out, state = filtered(sections, np.zeros((2, 10), np.float32), state)
    assert out.all()
    assert state.all()
    _, state = filtered(sections, np.zeros((2, 240_000), np.float32), state)
    assert not state.any()  # else 1e-321 for ever, at a hundred times the price on many processors
    out, state = filtered(sections, np.zeros((2, 4800), np.float32), state)
    assert not out.any()
    np.testing.assert_array_equal(filtered(sections, sound, state)[0], signal.sosfilt(sections, sound, axis=1))


@pytest.mark.parametrize("sounding", [0, 1, 4800, 100_000])
def test_what_rings_out_does_so_as_in_scipy(sounding):
    rng = np.random.default_rng(sounding)
    sections, state = butterworth(4, 100.0, "highpass"), rng.standard_normal((2, 2, 2))
    samples = np.zeros((2, 100_000), np.float32)
    samples[:, :sounding] = rng.standard_normal((2, sounding))
    out, _ = filtered(sections, samples, state)
    np.testing.assert_allclose(out, signal.sosfilt(sections, samples, axis=1, zi=state)[0], atol=1e-50)


@pytest.mark.parametrize(("frames", "window"), [(73, 73), (500, 73), (4800, 96), (10, 1)])
def test_a_running_maximum_is_the_largest_of_each_run(frames, window):
    line = np.random.default_rng(frames).standard_normal(frames)
    expected = ndimage.maximum_filter1d(line, window)[window // 2 :][: frames - window + 1]
    np.testing.assert_array_equal(running_maximum(line, window), expected)


def test_the_engine_does_without_what_takes_long_to_import():
    program = (
        "import sys, engine; print(*sorted({'scipy.signal', 'scipy.stats', 'onnxruntime', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


def test_an_engines_process_does_without_the_configuration_and_the_web():
    heavy = "{'radio.config', 'pydantic', 'aiohttp', 'typer', 'av', 'scipy.signal'}"
    program = f"import sys, radio.worker; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
