import pytest
import torch

from training.recurrence import CHUNK, MAX_DECAY, fused_kernel, wkv, wkv_chunked, wkv_fused, wkv_naive


def parts(steps, decay, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 3, steps, 64)
    rkv = tuple(torch.randn(shape, generator=generator) for _ in range(3))
    log_decay = -torch.exp(torch.full(shape, decay) + 0.3 * torch.randn(shape, generator=generator))
    log_decay = log_decay.clamp(min=-float(torch.exp(torch.tensor(MAX_DECAY))))
    bonus = torch.randn(3, 64, generator=generator)
    state = torch.randn(2, 3, 64, 64, generator=generator)
    return rkv, log_decay, bonus, state


@pytest.mark.parametrize("decay", [-6.0, -1.0, 0.5], ids=["slow", "middle", "fast"])
@pytest.mark.parametrize("steps", [CHUNK, 4 * CHUNK], ids=["one chunk", "four chunks"])
def test_chunks_compute_what_the_definition_says(steps, decay):
    arguments = parts(steps, decay)
    expected, expected_state = wkv_naive(*arguments)
    output, state = wkv_chunked(*arguments)
    torch.testing.assert_close(output, expected, atol=2e-4, rtol=2e-4)
    torch.testing.assert_close(state, expected_state, atol=2e-4, rtol=2e-4)


def test_the_fastest_decay_that_is_allowed_neither_overflows_nor_poisons_gradients():
    rkv, log_decay, bonus, state = parts(2 * CHUNK, 9.0)
    inputs = [part.requires_grad_() for part in (*rkv, log_decay)]
    output, _ = wkv_chunked(rkv, log_decay, bonus, state)
    output.sum().backward()
    assert torch.isfinite(output).all()
    assert all(torch.isfinite(part.grad).all() for part in inputs)


def test_a_number_of_steps_that_chunks_do_not_divide_is_refused():
    with pytest.raises(AssertionError, match="multiple of 16"):
        wkv_chunked(*parts(CHUNK + 1, -1.0))


@pytest.mark.skipif(fused_kernel() is None, reason="needs CUDA and the package flash-linear-attention")
def test_the_fused_kernel_computes_what_single_steps_compute():
    rkv, log_decay, bonus, state = parts(4 * CHUNK, -1.0)
    receptance, key, value = (part.cuda() for part in rkv)
    rkv, log_decay, bonus, state = (receptance, key, value), log_decay.cuda(), bonus.cuda(), state.cuda()
    expected, expected_state = wkv_naive(rkv, log_decay, bonus, state)
    output, after = wkv_fused(rkv, log_decay, bonus, state)
    torch.testing.assert_close(output, expected, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(after, expected_state, atol=2e-2, rtol=2e-2)


def test_without_the_kernel_the_chunked_form_is_used():
    arguments = parts(2 * CHUNK, -1.0)
    for one, other in zip(wkv(*arguments), wkv_chunked(*arguments), strict=True):
        assert torch.equal(one, other)
