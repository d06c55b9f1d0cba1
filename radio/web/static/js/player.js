// The sound: one <audio> element that the page keeps alive. It never goes through Web Audio, which phones put to sleep.
import { byId, place, ofStation, query } from "./place.js";
import { hear, tell } from "./signal.js";
import { keep, recall } from "./memory.js";

const STALL_MS = 8000, RETRY_MS = [1000, 2000, 4000, 8000, 15_000];
const root = document.documentElement;
const HLS_TYPE = "application/vnd.apple.mpegurl";

export const audio = byId("audio");
export const player = { wanted: false, state: "paused", via: "mp3", id: "", attempts: 0, volume: 80, fade: 1 };

let lastTime = 0, lastMoved = 0, retryTimer = 0;

// Safari alone tells the time of day in HLS, goes on with it in a pocket and over a change of networks
function via() {
  const asked = query.get("via");
  if (asked === "mp3" || asked === "hls") return asked;
  if (player.attempts > 2) return "mp3";   // the station may make no HLS
  return "getStartDate" in audio && audio.canPlayType(HLS_TYPE) ? "hls" : "mp3";
}

function enter(state) {
  player.state = state;
  root.dataset.state = state;
  root.dataset.wanted = player.wanted ? "yes" : "no";
  tell("player", player);
}

export function play() {
  player.wanted = true;
  player.attempts = 0;
  player.fade = 1;
  connect();
}

export function pause() {
  player.wanted = false;
  clearTimeout(retryTimer);
  audio.pause();
  audio.removeAttribute("src");   // a paused radio downloads nothing, and goes on live
  audio.load();
  enter("paused");
}

export const toggle = () => (player.wanted ? pause() : play());

function connect() {
  clearTimeout(retryTimer);
  if (!player.wanted) return;
  lastTime = 0;
  lastMoved = performance.now();
  player.via = via();
  player.id = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();   // no randomUUID over plain http
  const stream = ofStation(player.via === "hls" ? "hls/live.m3u8" : "stream.mp3");
  stream.searchParams.set("id", player.id);   // never a cached piece of the past, and the server knows where it began
  audio.src = stream;
  sound();
  enter("connecting");
  audio.play().catch((refused) => {
    if (refused.name === "NotAllowedError") { pause(); tell("notice", "tap"); }
    else if (refused.name !== "AbortError") retry();
  });
}

function retry() {
  if (!player.wanted) return;
  clearTimeout(retryTimer);
  const wait = RETRY_MS[Math.min(player.attempts, RETRY_MS.length - 1)];
  player.attempts += 1;
  enter("connecting");
  retryTimer = setTimeout(connect, wait * (0.75 + Math.random() / 2));   // a thousand pages must not come back at once
}

function watch() {
  if (!player.wanted || !audio.currentSrc) return;
  if (audio.currentTime > lastTime + 0.01) {
    lastTime = audio.currentTime;
    lastMoved = performance.now();
    if (player.state !== "playing") { player.attempts = 0; enter("playing"); }
  } else if (performance.now() - lastMoved > STALL_MS) {
    lastMoved = performance.now();
    retry();
  }
}

function sound() {
  audio.volume = (player.volume / 100) ** 2 * player.fade;   // the ear hears loudness, not amplitude
  root.dataset.muted = audio.muted || player.volume === 0 ? "yes" : "no";
  tell("loudness", player);
}

export function setVolume(percent) {
  player.volume = Math.min(Math.max(Math.round(percent), 0), 100);
  audio.muted = false;
  keep("volume", player.volume);
  sound();
}

export function mute() {
  audio.muted = !audio.muted;
  sound();
}

export function fadeTo(share) {
  player.fade = share;
  sound();
}

export function openPlayer() {
  for (const event of ["error", "ended"]) audio.addEventListener(event, () => { if (player.wanted && audio.hasAttribute("src")) retry(); });
  addEventListener("online", () => { if (player.wanted && player.state !== "playing") { player.attempts = 0; connect(); } });
  document.addEventListener("visibilitychange", watch);
  hear("station", () => { if (player.wanted) connect(); });
  setInterval(watch, 250);
  player.volume = recall("volume", 80);
  sound();
  enter("paused");
}
