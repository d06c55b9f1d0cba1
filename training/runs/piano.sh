#!/bin/sh
# The commands behind models/piano: one core, no GPU, four hours. Run from the repository root.
# The shipped weights were trained so at commit 2431f00, whose charts had fewer rhythms, on a core that other work shared:
# 15.0 M tokens, then 16.8 M more. One run of twice the length under one cosine would have been better (LOG.md).
set -eu
work=training/work
python -m training.prepare piano --data "${DATA:-$HOME/.cache/lofi-radio/data}" --out "$work" --seed 0
python -m training.train piano --prepared "$work" --tokens 40000000 --minutes 108 --threads 1 --seed 0
python -m training.train piano --prepared "$work" --out "$work/piano-2" --weights "$work/piano/best.pth" \
    --tokens 60000000 --minutes 122 --rate 1.2e-3 --final-rate 3e-5 --threads 1 --seed 1
python -m training.export piano --prepared "$work" --weights "$work/piano-2/best.pth"
