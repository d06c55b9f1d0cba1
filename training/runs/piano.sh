#!/bin/sh
# The commands behind models/piano: one core, no GPU, four hours and a half. Run from the repository root.
# The shipped weights were trained so at commit 2431f00, whose charts had fewer rhythms, on a core that other work shared:
# 15.0 M tokens, then 16.8 M more. One run of twice the length under one cosine would have been better (LOG.md).
set -eu
work=training/work
python -m training.prepare piano --data "${DATA:-$HOME/.cache/lofi-radio/data}" --out "$work" --seed 0
python -m training.train piano --prepared "$work" --tokens 40000000 --minutes 108 --threads 1 --seed 0
python -m training.train piano --prepared "$work" --out "$work/piano-2" --weights "$work/piano/best.pth" \
    --tokens 60000000 --minutes 122 --rate 1.2e-3 --final-rate 3e-5 --threads 1 --seed 1
# Then 2.0 M more at a low rate, on a core with next to nothing left: no gain by themselves (44.0), but their mean with
# what they began from is 0.7 nats a bar better than either.
python -m training.train piano --prepared "$work" --out "$work/piano-3" --weights "$work/piano-2/best.pth" \
    --tokens 40000000 --minutes 118 --rate 4e-4 --final-rate 1e-5 --threads 1 --seed 3 --patience 60
python -m training.average "$work/piano-2/best.pth" "$work/piano-3/best.pth" --out "$work/piano-mean.pth"
python -m training.export piano --prepared "$work" --weights "$work/piano-mean.pth" --out "$work/piano-model-0"
# Two rounds of songs that the model writes itself, and a fifth or an eighth of an epoch of the split beside them; five
# minutes to write and seven to learn each. The second learns from the first one's songs as well.
recover() { # from, to, seed, share of the split, tokens, earlier songs
    python -m training.recovery piano "$work/piano-model-$1/model.onnx" --prepared "$work" \
        --out "$work/piano-recovery-$2" --songs 440 --bars 24 --share "$4" --seed "$3" $6
    python -m training.train piano --prepared "$work/piano-recovery-$2" --out "$work/piano-own-$2" \
        --weights "$work/piano-model-$1/model.pth" --tokens "$5" --rate 2e-4 --final-rate 5e-6 --threads 1 \
        --seed "$3" --validate-tokens "$(($5 / 2))" --patience 60
    python -m training.export piano --prepared "$work" --weights "$work/piano-own-$2/best.pth" --out "$work/piano-model-$2"
}
recover 0 1 15 .18 900000 ""
recover 1 2 17 .12 940000 "--beside $work/piano-recovery-1"
# The mean of both rounds is again better than either.
python -m training.average "$work/piano-model-1/model.pth" "$work/piano-own-2/best.pth" --out "$work/piano-own.pth"
python -m training.export piano --prepared "$work" --weights "$work/piano-own.pth" --tokens-seen 35640000
