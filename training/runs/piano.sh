#!/bin/sh
# The commands behind models/piano: two cores, no GPU, under two hours. Run from the repository root.
# The shipped run shared its core with other work; an idle machine sees twice its tokens in the same time.
set -eu
python -m training.prepare piano --data "${DATA:-$HOME/.cache/lofi-radio/data}" --out training/work --seed 0
python -m training.train piano --prepared training/work --tokens 40000000 --minutes 108 --threads 1 --seed 0
python -m training.export piano --prepared training/work
