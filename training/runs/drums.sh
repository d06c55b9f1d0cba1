#!/bin/sh
# The commands behind models/drums: one core, no GPU, two hours. Run from the repository root.
# The shipped weights saw 7.5 M tokens before bars had the kind <backbeat>, then 4.2 M and 1.0 M with it (commit fa390ea),
# on a core that other work shared. An idle one sees 12 M tokens in forty minutes.
set -eu
work=training/work
python -m training.prepare drums --data "${DATA:-$HOME/.cache/lofi-radio/data}" --out "$work" --seed 0
python -m training.train drums --prepared "$work" --tokens 12000000 --minutes 55 --threads 1 --seed 0
python -m training.train drums --prepared "$work" --out "$work/drums-2" --weights "$work/drums/best.pth" \
    --tokens 10000000 --minutes 65 --rate 1e-3 --final-rate 3e-5 --threads 1 --seed 1
python -m training.train drums --prepared "$work" --out "$work/drums-3" --weights "$work/drums-2/best.pth" \
    --tokens 10000000 --minutes 9 --rate 6e-4 --final-rate 2e-5 --threads 1 --seed 2
python -m training.export drums --prepared "$work" --weights "$work/drums-3/best.pth"
# Not shipped: 5 M more at a low rate (LOG.md, 2026-11-26).
# python -m training.train drums --prepared "$work" --out "$work/drums-4" --weights models/drums/model.pth \
#     --tokens 30000000 --minutes 75 --rate 5e-4 --final-rate 1e-5 --threads 1 --seed 4 --patience 60
