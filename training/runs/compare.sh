#!/bin/sh
# RWKV-6 against RWKV-7 at equal size: same tokens, same order, same seed, same schedule. The two run at once, one core
# each, so that neither gets more of the machine; cpu.txt has what each one's processor time was (the second line of
# `times`: user, system). Run from the repository root after `python -m training.prepare piano`.
set -eu
out="${OUT:-training/work/compare}"
for rate in ${RATES:-1.5e-3 3e-3}; do
    pids=
    for architecture in x060 x070; do
        folder="$out/$architecture-$rate"
        mkdir -p "$folder"
        (
            python -m training.train piano --prepared "${PREPARED:-training/work}" --out "$folder" \
                --architecture "$architecture" --layers 4 --width 128 --dropout 0 --rate "$rate" \
                --tokens "${TOKENS:-256000}" --lanes 4 --window 128 --validate-tokens "${VALIDATE:-256000}" \
                --patience 60 --threads 1 --seed 0 --eager
            times > "$folder/cpu.txt"
        ) &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid"; done
done
