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
# Then 2.0 M more at a low rate, on a core with next to nothing left: no gain by themselves (44.0), but their mean with
# what they began from is 0.7 nats a bar better than either. The station's weights are that mean.
python -m training.train piano --prepared "$work" --out "$work/piano-3" --weights "$work/piano-2/best.pth" \
    --tokens 40000000 --minutes 118 --rate 4e-4 --final-rate 1e-5 --threads 1 --seed 3 --patience 60
python -m training.average "$work/piano-2/best.pth" "$work/piano-3/best.pth" --out "$work/piano-mean.pth"
python -m training.export piano --prepared "$work" --weights "$work/piano-mean.pth" --tokens-seen 33800000
