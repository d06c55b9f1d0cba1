// The bars that the studio told of, in order. Knows nothing about what is heard of them.

const KEPT = 64, RATE = 48_000;
export const score = { bars: [] };

export function add(told) {
  const bar = { notes: [], ...told, downbeat: told.downbeat_s ?? 0.21, wall: Date.parse(told.started_at) / 1000 };
  const last = score.bars.at(-1);
  if (score.bars.some((known) => known.wall === bar.wall)) return false;   // told again to who comes back
  // a station that began anew counts its frames from 0 again: what was before has no place on that line
  if (last && (bar.frame < last.frame || bar.wall < last.wall)) score.bars = [];
  score.bars = [...score.bars, bar].slice(-KEPT);
  return true;
}

export const clear = () => { score.bars = []; };

// seconds at which a bar's down-beat sounds, on the line that the ear follows: frames of the broadcast, or time of day
export const downbeat = (bar, line) => (line === "frame" ? bar.frame / RATE : bar.wall) + bar.downbeat;

export function barAt(moment) {
  const { bars } = score;
  for (let at = bars.length - 1; at >= 0; at -= 1) if (downbeat(bars[at], moment.line) <= moment.s) return bars[at];
  return bars[0] ?? null;
}

export const nextOf = (bar) => score.bars[score.bars.indexOf(bar) + 1] ?? null;

// a gap or a restart in what was told: how far a piece has come is known from the bar alone
export const elapsed = (bar, inBar) => bar.piece_bar * bar.seconds + Math.min(Math.max(inBar, 0), bar.seconds);
