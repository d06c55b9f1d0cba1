#!/bin/sh
# The commands behind models/drums: one core, no GPU, two hours and a half. Run from the repository root.
# The shipped weights saw 7.5 M tokens before bars had the kind <backbeat>, then 4.2 M and 1.0 M with it (commit fa390ea),
# on a core that other work shared; then 1.8 M in two rounds of songs that they wrote themselves, and the split beside them.
set -eu
work=training/work
python -m training.prepare drums --data "${DATA:-$HOME/.cache/lofi-radio/data}" --out "$work" --seed 0
python -m training.train drums --prepared "$work" --tokens 12000000 --minutes 55 --threads 1 --seed 0
python -m training.train drums --prepared "$work" --out "$work/drums-2" --weights "$work/drums/best.pth" \
    --tokens 10000000 --minutes 65 --rate 1e-3 --final-rate 3e-5 --threads 1 --seed 1
python -m training.train drums --prepared "$work" --out "$work/drums-3" --weights "$work/drums-2/best.pth" \
    --tokens 10000000 --minutes 9 --rate 6e-4 --final-rate 2e-5 --threads 1 --seed 2
python -m training.export drums --prepared "$work" --weights "$work/drums-3/best.pth" --out "$work/model-3"
# Two rounds of songs that the model writes itself. The shipped first round did not look at the density yet (commit 332d39a).
recover() { # from, to, seed
    python -m training.recovery drums "$work/model-$1/model.onnx" --prepared "$work" --out "$work/recovery-$2" --seed "$3"
    python -m training.train drums --prepared "$work/recovery-$2" --out "$work/drums-$2" \
        --weights "$work/model-$1/model.pth" --tokens 900000 --rate 3e-4 --final-rate 1e-5 --threads 1 --seed "$3" \
        --validate-tokens 300000 --patience 60
    python -m training.export drums --prepared "$work" --weights "$work/drums-$2/best.pth" --out "$work/model-$2"
}
recover 3 4 15
recover 4 5 17
python -m training.export drums --prepared "$work" --weights "$work/drums-5/best.pth" --tokens-seen 14522240
# Not shipped: 5 M more at a low rate (LOG.md, 2026-11-26).
# python -m training.train drums --prepared "$work" --out "$work/drums-6" --weights "$work/model-3/model.pth" \
#     --tokens 30000000 --minutes 75 --rate 5e-4 --final-rate 1e-5 --threads 1 --seed 4 --patience 60
