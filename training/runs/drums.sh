#!/bin/sh
# The commands behind models/drums: two cores, no GPU, one hour. Run from the repository root.
# The shipped run had its machine to itself for a few minutes only and saw 7.5 M tokens in its 55 minutes; an idle one
# sees the 12 M in about half an hour.
set -eu
python -m training.prepare drums --data "${DATA:-$HOME/.cache/lofi-radio/data}" --out training/work --seed 0
python -m training.train drums --prepared training/work --tokens 12000000 --minutes 55 --threads 1 --seed 0
python -m training.export drums --prepared training/work
