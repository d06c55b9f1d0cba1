#!/bin/sh
# The thesis's size on the thesis's tunes: 20 layers of width 512, vocabulary MIDICompact. Shown for 300 steps only, which
# a shared core needs half an hour for; it is no model to listen to. Run from the repository root.
set -eu
prepared="${PREPARED:-training/work}"
out="${OUT:-training/work/thesis}"
[ -f "$prepared/thesis.npz" ] ||
    python -m training.prepare thesis --data "${DATA:-$HOME/.cache/lofi-radio/data}" --out "$prepared"
python -m training.train thesis --layers 20 --width 512 --prepared "$prepared" --out "$out" --lanes 1 --window 128 \
    --tokens "${TOKENS:-38400}" --rate 6e-4 --validate-tokens 19200 --validation-tokens 2561 --threads 1 --seed 0 \
    --checkpoint-s 600 --eager
python -m training.export thesis --prepared "$prepared" --weights "$out/best.pth" --out "$out/model" \
    --compared-tokens 129
