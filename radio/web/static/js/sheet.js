// What is written about the music that is heard: title, key, tempo, chords, place in the piece. Knows nothing about sound.
import { serverNow } from "./clock.js";
import { byId, place, put } from "./place.js";
import { place as ear } from "./ear.js";
import { player } from "./player.js";
import { hear, tell } from "./signal.js";
import { barAt, downbeat, elapsed, nextOf, score } from "./score.js";
import { key, length, named, number, say } from "./words.js";

const root = document.documentElement;
export const sheet = { bar: null, moods: new Map(), stations: new Map() };
const reels = document.querySelectorAll(".wound");
let wound = "";
let behind = null;   // seconds from the studio to the ear
let air = { on_air: null, reason: "", listeners: 0 }, notice = "", noticeTimer = 0;

export const moodTitle = (name) => named("mood", name, sheet.moods.get(name)?.title ?? name.replaceAll("-", " "));

export function show() {
  const now = ear(), bar = barAt(now);
  if (bar) {
    const inBar = now.s - downbeat(bar, now.line), late = serverNow() / 1000 - (bar.wall + bar.downbeat + inBar);
    // said in whole seconds and only when it has really changed: nobody watches a number flicker
    if (behind === null || Math.abs(late - behind) > 1) behind = late > 0 && late < 120 ? Math.round(late) : null;
    showBar(bar, inBar);
  }
  put(byId("status"), notice || status());
}

function showBar(bar, inBar) {
  if (bar !== sheet.bar) {
    const before = sheet.bar;
    sheet.bar = bar;
    if (!before || before.piece !== bar.piece || before.title !== bar.title) showPiece(bar);
    put(byId("section"), named("section", bar.section));
    put(byId("mood"), moodTitle(bar.mood));
    root.dataset.mood = bar.mood;
    root.style.setProperty("--tint", sheet.moods.get(bar.mood)?.colour ?? "");
    tell("heard", bar);
  }
  const half = inBar < bar.seconds / 2 ? 0 : 1;
  const chord = (half && bar.chords[1]) || bar.chords[0];
  put(byId("chord"), chord ?? "");
  put(byId("chord-next"), coming(bar, half, chord).join("  "));
  const at = elapsed(bar, inBar), all = bar.piece_bars * bar.seconds;
  put(byId("clock"), say("clock", { now: length(at), all: length(all) }));
  const done = Math.min(at / all, 1).toFixed(2);   // on the root it would have every element styled again
  if (done !== wound) for (const reel of reels) reel.style.setProperty("--done", done);
  wound = done;
}

function showPiece(bar) {
  put(byId("title"), bar.title);
  put(byId("facts"), `${key(bar.key)} · ${number(bar.bpm)} bpm`);
  document.title = bar.title ? `${bar.title} · ${byId("station-title").textContent}` : byId("station-title").textContent;
  tell("title", bar);
}

function coming(bar, half, sounding) {
  const chords = [...(half ? [] : bar.chords.slice(1)), ...(nextOf(bar)?.chords ?? [])].filter(Boolean);
  return chords.filter((chord, at) => chord !== (at ? chords[at - 1] : sounding)).slice(0, 2);
}

function status() {
  if (air.on_air === false) return say("status.silent", { reason: air.reason });
  if (player.state === "connecting") return say(player.attempts ? "status.again" : "status.tuning");
  if (air.on_air === null && score.bars.length === 0) return say("status.away");
  if (player.state === "playing") return behind === null ? "" : say("status.behind", { seconds: number(behind) });
  return say(player.id ? "status.paused" : "status.start");
}

function showAir(told) {
  air = { ...air, ...told };
  root.dataset.air = air.on_air ? "on" : "off";
  const count = air.listeners;
  put(byId("listeners"), count ? say(count === 1 ? "listeners.one" : "listeners.many", { count: number(count) }) : "");
}

export function openSheet() {
  hear("air", showAir);
  hear("notice", (name) => {
    notice = say(`notice.${name}`);
    clearTimeout(noticeTimer);
    noticeTimer = setTimeout(() => { notice = ""; }, 6000);
    show();
  });
  hear("player", ({ wanted }) => {
    behind = null;
    byId("play").setAttribute("aria-label", say(wanted ? "pause" : "play"));
    show();
  });
  hear("station", () => { sheet.bar = null; put(byId("station-title"), sheet.stations.get(place.station)?.title ?? place.station); });
  setInterval(show, 50);   // also where nothing is drawn: a chord is shown within 50 ms of its sound
}

