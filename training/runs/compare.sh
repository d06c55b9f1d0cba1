#!/bin/sh
# RWKV-6 against RWKV-7 at equal size: same tokens, same order, same seed, two learning rates each. A few minutes
# of one core. Run from the repository root after `python -m training.prepare piano`.
set -eu
out="${OUT:-training/work/compare}"
for rate in 1.5e-3 3e-3; do
    for architecture in x060 x070; do
        python -m training.train piano --prepared "${PREPARED:-training/work}" --out "$out/$architecture-$rate" \
            --architecture "$architecture" --layers 4 --width 128 --dropout 0 --rate "$rate" --tokens "${TOKENS:-256000}" \
            --lanes 4 --window 128 --validate-tokens 256000 --threads 1 --seed 0 --eager
    done
done
