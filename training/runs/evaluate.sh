#!/bin/sh
# The tables, pictures and songs behind the figures in LOG.md: ten minutes of the station, then each part beside its
# corpus. BASELINE names the folder of the weights to compare with. Run from the repository root.
set -eu
DATA="${DATA:-$HOME/.cache/lofi-radio/data}"
PREPARED="${PREPARED:-training/work}"
REPORT="${REPORT:-training/work/report}"
mkdir -p "$REPORT"
lofi-radio render --seconds 600 --fade-out 0 --mood study --seed 7 --out "$REPORT/station.flac" --midi "$REPORT/station.mid"
for part in piano drums; do
    python -m training.evaluate "$part" --prepared "$PREPARED" --sample "models/$part/model.onnx" \
        --weights "models/$part/model.pth" ${BASELINE:+"$BASELINE/$part.pth"} --music "$REPORT/station.mid" \
        $([ "$part" = piano ] && echo "--like lead --held-out $DATA/pop909_piano" || echo "--like lo-fi") \
        --history "$PREPARED/$part/history.json" --out "$REPORT/$part"
    python -m training.pictures "$part" "$REPORT/station.mid" --out "models/$part/roll.png"
done
