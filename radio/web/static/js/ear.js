// What is heard at this moment, as a place in the broadcast: in frames where the server told with which one the stream
// began, else as time of day. Knows nothing about what is shown.
import { askListener, serverNow } from "./clock.js";
import { ofStation } from "./place.js";
import { audio, player } from "./player.js";
import { hear } from "./signal.js";

const RATE = 48_000, IDLE_BEHIND_S = 5;
const SETTLED_MS = 400;   // a segment that has arrived for so long is in the player's buffer
const SEGMENT = /\/hls\/([^/?]+\.aac)/;

let origin = null;        // {line, s}: what audio.currentTime 0 is
let smooth = null;        // {s, at}: the clock of the sound, made even: some browsers move it in steps of 0.25 s
let dates = new Map();    // segment → end, time of day in seconds
let newest = null;        // {name, at}: the last segment that the browser fetched for the player

export const place = () => {
  if (player.state === "playing" && origin) return { line: origin.line, s: origin.s + steady() };
  return { line: "wall", s: serverNow() / 1000 - IDLE_BEHIND_S };
};

function steady() {
  const now = performance.now() / 1000, said = audio.currentTime;
  const even = smooth && smooth.s + now - smooth.at;
  smooth = { s: !smooth || Math.abs(said - even) > 0.15 ? said : even + (said - even) * 0.04, at: now };
  return smooth.s;
}

async function findFrame(id) {
  for (const wait of [0, 500, 1000, 2000, 4000]) {
    await new Promise((done) => { setTimeout(done, wait); });
    if (player.id !== id) return;
    const { frame } = await askListener(id).catch(() => ({}));
    if (player.id === id && frame !== null && frame !== undefined) { origin = { line: "frame", s: frame / RATE }; return; }
  }
  origin = { line: "wall", s: serverNow() / 1000 - audio.currentTime - IDLE_BEHIND_S };   // an old server, or a relay
}

// Safari knows the time of day of its own clock's zero. Chromium does not tell it, but tells what it fetches and how far
// its buffer reaches: the end of the newest segment is the end of the buffer.
async function findDate() {
  if (player.via !== "hls" || player.state !== "playing") return;
  const zero = audio.getStartDate?.().getTime();
  if (zero) { origin = { line: "wall", s: zero / 1000 }; return; }
  if (!newest || performance.now() - newest.at < SETTLED_MS || !audio.buffered.length) return;
  const { name } = newest;
  if (!dates.has(name)) await readDates();
  if (newest.name === name && dates.has(name)) origin = { line: "wall", s: dates.get(name) - audio.buffered.end(audio.buffered.length - 1) };
}

async function readDates() {
  const text = await (await fetch(ofStation("hls/live.m3u8"), { cache: "no-store" })).text();
  let date = 0, seconds = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith("#EXT-X-PROGRAM-DATE-TIME:")) date = Date.parse(line.slice(25)) / 1000;
    else if (line.startsWith("#EXTINF:")) seconds = parseFloat(line.slice(8));
    else if (line.endsWith(".aac")) dates.set(line, date + seconds);
  }
  dates = new Map([...dates].slice(-30));
}

export function openEar() {
  hear("player", ({ state, via, id }) => {
    if (state === "connecting") { origin = smooth = newest = null; }
    if (state === "playing" && via === "mp3") findFrame(id);
  });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const name = entry.initiatorType !== "fetch" && SEGMENT.exec(entry.name)?.[1];
      if (name) newest = { name, at: entry.responseEnd };
    }
    performance.clearResourceTimings();
  }).observe({ type: "resource", buffered: true });
  setInterval(() => { findDate().catch(() => { /* asked again soon */ }); }, 250);
}
