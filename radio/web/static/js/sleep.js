// The sleep timer: fades out and pauses. Counts by the time of day, so that a phone that slept a little is not late.
import { byId, make, put } from "./place.js";
import { fadeTo, pause, player } from "./player.js";
import { tell } from "./signal.js";
import { number, say } from "./words.js";

const MINUTES = [15, 30, 45, 60, 90], FADE_MS = 60_000;
let ends = 0, timer = 0;

function set(minutes) {
  ends = minutes ? Date.now() + minutes * 60_000 : 0;
  if (player.fade !== 1) fadeTo(1);
  clearInterval(timer);
  if (ends) timer = setInterval(count, 500);
  byId("sleep-dialog").close();
  count();
}

function count() {
  const left = ends - Date.now();
  put(byId("sleep-left"), ends ? say("sleep.left", { minutes: number(Math.max(1, Math.ceil(left / 60_000))) }) : "");
  byId("sleep").setAttribute("aria-label", ends ? say("sleep.running", { minutes: Math.ceil(left / 60_000) }) : say("sleep.open"));
  if (!ends) return;
  if (left > 0) { if (left < FADE_MS) fadeTo((left / FADE_MS) ** 1.5); return; }
  set(0);
  pause();
  tell("notice", "slept");
}

export function chooseSleep() {
  byId("sleep-choices").replaceChildren(...[...MINUTES, 0].filter((minutes) => minutes || ends).map((minutes) => make("button", {
    type: "button", className: "plain", textContent: minutes ? say("sleep.minutes", { minutes: number(minutes) }) : say("sleep.off"), onclick: () => set(minutes),
  })));
  byId("sleep-dialog").showModal();
}

export const openSleep = () => byId("sleep").addEventListener("click", chooseSleep);
