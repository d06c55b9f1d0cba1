// The pieces before this one, and those that the listener keeps. Knows nothing about how they were made.
import { api, ask, byId, has, make, place } from "./place.js";
import { keep, recall } from "./memory.js";
import { sheet, moodTitle } from "./sheet.js";
import { hear, tell } from "./signal.js";
import { date, hour, key, number, say } from "./words.js";

const SHOWN = 6, KEPT_MAX = 200;
const LATER = 2;   // pieces that have begun on air and are not past yet for who listens
const INSIDE_MS = 5000;   // a heart knows the beginning of its piece to the second only
const clips = has("clip");
const kept = () => recall("hearts", []);
const same = (one, other) => one.station === other.station && one.started_at === other.started_at;

// what is heard now as it is kept: the piece began so many bars before this one
function piece(bar) {
  const began = new Date((bar.wall - bar.piece_bar * bar.seconds) * 1000);
  began.setMilliseconds(0);
  const found = kept().find((one) => one.station === place.station && one.title === bar.title && Math.abs(Date.parse(one.started_at) - began) < 5000);
  return found ?? {
    station: place.station, title: bar.title, key: bar.key, bpm: bar.bpm, mood: bar.mood,
    started_at: began.toISOString(), seconds: Math.round(bar.piece_bars * bar.seconds),
  };
}

export function toggleHeart() {
  if (!sheet.bar) return;
  const now = piece(sheet.bar), others = kept().filter((one) => !same(one, now));
  const added = others.length === kept().length;
  keep("hearts", added ? [now, ...others].slice(0, KEPT_MAX) : others);
  tell("notice", added ? "kept" : "let-go");
  showKept();
}

function showHeart() {
  const on = Boolean(sheet.bar) && kept().some((one) => same(one, piece(sheet.bar)));
  const button = byId("heart");
  button.setAttribute("aria-pressed", String(on));
  button.setAttribute("aria-label", say(on ? "heart.remove" : "heart.add"));
}

function showKept() {
  const lines = kept().map((one) => line(one, [
    ...files(one),
    make("button", { type: "button", className: "link", textContent: say("remove"), ariaLabel: say("remove.piece", { title: one.title }), onclick: () => {
      keep("hearts", kept().filter((other) => !same(other, one)));
      showKept();
      byId("kept").querySelector("button")?.focus();
    } }),
  ], true));
  byId("kept").replaceChildren(...(lines.length ? lines : [make("li", { className: "none", textContent: say("kept.none") })]));
  showHeart();
}

const clip = (one, format) => api("clip", { station: one.station, piece_at: new Date(Date.parse(one.started_at) + INSIDE_MS).toISOString(), format }).href;

// the whole piece, played again by the station: as sound and as notes
function files(one) {
  if (!clips) return [];
  const about = (word) => say(word, { title: one.title });
  return [
    make("a", { href: clip(one, "mp3"), download: "", textContent: say("download"), ariaLabel: about("download.piece") }),
    make("a", { href: clip(one, "mid"), download: "", textContent: say("notes"), ariaLabel: about("notes.piece") }),
  ];
}

function line(one, actions, withDay) {
  const began = new Date(one.started_at);
  const day = withDay && began.toDateString() !== new Date().toDateString();
  const when = day ? date(began) : hour(began);
  return make("li", {}, make("time", { dateTime: one.started_at, textContent: when }), make("b", { textContent: one.title }),
    make("small", { textContent: `${key(one.key)} · ${number(one.bpm)} bpm · ${moodTitle(one.mood)}` }), make("span", { className: "actions" }, ...actions));
}

// the journal knows the pieces of earlier runs, too; where it cannot be read the station tells those of this one
async function piecesOf(station) {
  const kept = has("history") ? await ask(api("history", { station, limit: SHOWN + LATER })).catch(() => null) : null;
  if (kept) return kept.pieces;
  const told = await ask(api("nowplaying", { station })).catch(() => null);
  return told && ((told.lofi ?? told).history ?? []);
}

async function showPast() {
  const asked = place.station;
  const told = await piecesOf(asked);
  if (!told || asked !== place.station) return;
  const bar = sheet.bar;
  const heard = bar ? (bar.wall - bar.piece_bar * bar.seconds) * 1000 - 1500 : 0;
  // a station that was held up plays a piece for longer than its bars last, so the newest is also known by its name
  const past = told.filter((one, at) => Date.parse(one.started_at) < heard && (at || one.title !== bar?.title));
  const pieces = past.slice(0, SHOWN);
  const lines = pieces.map((one) => line(one, files({ ...one, station: asked }), false));
  byId("past").replaceChildren(...(lines.length ? lines : [make("li", { className: "none", textContent: say("past.none") })]));
}

export function openPast() {
  byId("heart").addEventListener("click", toggleHeart);
  hear("title", () => { showPast(); showHeart(); });
  hear("station", () => { showPast(); showHeart(); });
  addEventListener("storage", showKept);   // kept in another tab
  showKept();
  showPast();
}
