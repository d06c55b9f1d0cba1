#!/bin/sh
# The network of the shipped piano: STEPS steps at once, against half of them, kill -9, and the rest. Prints the largest
# difference between the two loss curves. Run from the repository root after `python -m training.prepare piano`.
set -eu
steps="${STEPS:-200}"
out="${OUT:-training/work/resume}"
train() {
    python -m training.train piano --prepared "${PREPARED:-training/work}" --lanes "${LANES:-8}" --window "${WINDOW:-256}" \
        --eager --threads 1 --accelerator cpu --seed 0 --stop-after-steps "$steps" "$@"
}
train --out "$out/whole"
train --out "$out/killed" --checkpoint-s "${CHECKPOINT_S:-0}" &
child=$!
until [ -f "$out/killed/losses.csv" ] && [ "$(wc -l < "$out/killed/losses.csv")" -gt $((steps / 2)) ]; do sleep 0.1; done
kill -9 "$(pgrep -P "$child" || echo "$child")"
echo "killed after $(($(wc -l < "$out/killed/losses.csv") - 1)) steps"
train --out "$out/killed"
python - "$out" <<'END'
import csv, sys
curves = [[float(row["loss"]) for row in csv.DictReader(open(f"{sys.argv[1]}/{name}/losses.csv"))] for name in ("whole", "killed")]
print(f"{len(curves[0])} and {len(curves[1])} steps, loss {curves[0][0]:.4f} to {curves[0][-1]:.4f}")
print("largest difference", max(abs(one - other) for one, other in zip(*curves, strict=True)))
END
