// The lock screen and the keys on a headset.
import { base, byId, place } from "./place.js";
import { pause, play } from "./player.js";
import { moodTitle } from "./sheet.js";
import { hear } from "./signal.js";
import { key, number } from "./words.js";

export function openLockscreen() {
  if (!("mediaSession" in navigator)) return;
  const session = navigator.mediaSession;
  session.setActionHandler("play", play);
  session.setActionHandler("pause", pause);
  session.setActionHandler("stop", pause);
  hear("player", ({ wanted }) => { session.playbackState = wanted ? "playing" : "paused"; });
  hear("title", (bar) => {
    session.metadata = new MediaMetadata({
      title: bar.title,
      artist: byId("station-title").textContent || place.station,
      album: `${key(bar.key)} · ${number(bar.bpm)} bpm · ${moodTitle(bar.mood)}`,
      artwork: [192, 512].map((size) => ({ src: new URL(`static/icon-${size}.png`, base).href, sizes: `${size}x${size}`, type: "image/png" })),
    });
  });
}
