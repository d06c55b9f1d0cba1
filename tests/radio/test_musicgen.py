"""MusicGen's link of the chain, with a tiny model of random weights; the published ones cannot be shipped."""

import re
from dataclasses import replace

import mido
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from radio.__main__ import cli
from radio.musicgen import LICENCE, MusicGenError, Recording, Request, make


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        ({"words": "slow piano"}, "CC BY-NC"),
        ({"words": " ", "accepted": True}, "few words"),
        ({"words": "slow", "seconds": 31, "accepted": True}, "1 to 30"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_loaded(request_, hint):
    with pytest.raises(MusicGenError, match=hint):
        Request(**request_)


def test_the_command_prints_the_licence_and_makes_nothing_without_consent(tmp_path):
    answer = CliRunner().invoke(cli, ["musicgen", "slow piano", "--out", str(tmp_path / "x.wav")])
    assert answer.exit_code == 1
    assert LICENCE in answer.output
    assert not (tmp_path / "x.wav").exists()


def test_a_recording_is_written_without_clipping_or_told_why_not(tmp_path):
    loud = Recording(np.array([[2.0], [-1.0]], np.float32), 32_000)
    loud.write(tmp_path / "x.wav")
    assert np.abs(soundfile.read(tmp_path / "x.wav")[0]).max() == pytest.approx(0.9, abs=1e-3)
    with pytest.raises(MusicGenError, match=r"Name a \.wav"):
        loud.write(tmp_path / "x.nothing")


@pytest.mark.soak
def test_a_tiny_musicgen_of_random_weights_makes_a_recording(tmp_path):
    transformers = pytest.importorskip("transformers", reason="optional extra musicgen")
    model = tiny(transformers, tmp_path / "model")
    request = Request("slow piano", 1.0, 3, str(model), accepted=True)
    made, again = make(request), make(request)
    assert made.rate_hz == 32_000
    assert len(made.sound) == pytest.approx(32_000, rel=0.2)
    assert np.array_equal(made.sound, again.sound)
    assert not np.array_equal(made.sound, make(replace(request, seed=4)).sound)
    with pytest.raises(MusicGenError, match="cannot be loaded"):
        make(Request("slow", 1.0, 1, str(tmp_path / "nothing"), accepted=True))


@pytest.mark.soak
def test_the_whole_chain_goes_from_words_over_sound_and_notes_to_both_recurrences(tmp_path, root, monkeypatch):
    transformers = pytest.importorskip("transformers", reason="optional extra musicgen")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(root)
    model, wav, midi = str(tiny(transformers, tmp_path / "model")), tmp_path / "prompt.wav", tmp_path / "track.mid"
    asked = ["musicgen", "slow piano", "--accept-cc-by-nc", "--model", model, "--seconds", "8", "--out", str(wav)]
    made = CliRunner().invoke(cli, asked)
    assert made.exit_code == 0, made.output
    sound, rate_hz = soundfile.read(wav)  # random weights play no notes: known ones are laid over what they play
    soundfile.write(wav, 0.1 * sound + melody(len(sound), rate_hz), rate_hz)
    asked = ["render", "--prompt-audio", str(wav), "--seconds", "24", "--seed", "3", "--midi", str(midi)]
    played = CliRunner().invoke(cli, [*asked, "--form", "A:8 B:8", "--out", str(tmp_path / "track.flac")])
    assert played.exit_code == 0, played.output
    heard = re.search(r"prompt.wav: (?P<key>\w+#?) \w+ .* (?P<bpm>[\d.]+) bpm, \d+ notes are heard", played.output)
    assert heard, played.output
    messages = [message for track in mido.MidiFile(midi).tracks for message in track]
    assert next(m.key for m in messages if m.type == "key_signature").rstrip("m") == heard["key"]
    bpm = mido.tempo2bpm(next(m.tempo for m in messages if m.type == "set_tempo"))
    assert bpm == pytest.approx(float(heard["bpm"]), abs=0.1)
    assert {0, 9} <= {m.channel for m in messages if m.type == "note_on"}, "expected keys and drums"
    assert soundfile.info(tmp_path / "track.flac").duration == pytest.approx(24, abs=0.1)


def melody(frames, rate_hz):
    """Make plucked notes of A minor, two a second."""
    sound, second = np.zeros(frames), np.arange(rate_hz // 2) / rate_hz
    for place, start in enumerate(range(0, frames - len(second), len(second))):
        hz = 440 * 2 ** ((57, 60, 64, 69, 64, 60)[place % 6] / 12 - 69 / 12)
        partials = [np.sin(2 * np.pi * hz * n * second) / n**2 for n in range(1, 6)]
        sound[start : start + len(second)] = 0.3 * np.exp(-4 * second) * np.sum(partials, axis=0)
    return sound


def tiny(transformers, folder):
    """Make a MusicGen of 4 codebooks with everything else as small as it goes."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2, "slow": 3, "piano": 4}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    text = transformers.T5Config(vocab_size=8, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    codec = transformers.EncodecConfig(
        sampling_rate=32_000, num_filters=4, num_residual_layers=1, codebook_size=64, hidden_size=16,
        upsampling_ratios=[8, 5, 4, 4], target_bandwidths=[1.2], normalize=False,
    )  # fmt: skip
    decoder = transformers.MusicgenDecoderConfig(
        vocab_size=64, hidden_size=16, ffn_dim=16, num_hidden_layers=1, num_attention_heads=2, num_codebooks=4,
        pad_token_id=64, bos_token_id=64,
    )  # fmt: skip
    config = transformers.MusicgenConfig(
        text_encoder=text.to_dict(), audio_encoder=codec.to_dict(), decoder=decoder.to_dict()
    )
    torch.manual_seed(0)
    model = transformers.MusicgenForConditionalGeneration(config)
    for layer in model.audio_encoder.quantizer.layers:  # they begin as zeros, and every code would sound the same
        layer.codebook.embed.normal_()
    model.generation_config.decoder_start_token_id = 64
    model.generation_config.pad_token_id = 64
    model.save_pretrained(folder)
    return folder
