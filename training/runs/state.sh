#!/bin/sh
# A tuned state from five of Burgmueller's etudes (Mutopia, public domain), judged on three others. A few minutes.
# Run from the repository root.
set -eu
data="${DATA:-$HOME/.cache/lofi-radio/data}/mutopia_piano/midi"
out="${OUT:-training/work/state}"
mkdir -p "$out/learn" "$out/unseen"
for number in 01 04 06 07 10; do cp "$data/BurgmullerJFF__25EF-$number.mid" "$out/learn"; done
for number in 12 13 16; do cp "$data/BurgmullerJFF__25EF-$number.mid" "$out/unseen"; done
python -m training.train piano --states-only --data "$out/learn" --unseen "$out/unseen" --style pop \
    --weights models/piano/model.pth --out "$out" --threads 1 --state-steps "${STEPS:-40}"
