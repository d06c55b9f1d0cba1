// The overlay for streamers: shows a new piece, hides again, finds the station again by itself. Plays nothing.
import { serverNow, setClock } from "./clock.js";
import { api, ask, byId, has, place, put, query } from "./place.js";
import { hear } from "./signal.js";
import { barAt, downbeat, elapsed } from "./score.js";
import { openWire } from "./wire.js";
import { key, learn, named, number } from "./words.js";

const root = document.documentElement;
const within = (name, otherwise, low, high) => {
  const asked = query.get(name), value = Number(asked);
  return asked === null || asked === "" || !Number.isFinite(value) ? otherwise : Math.min(Math.max(value, low), high);
};
const hold = within("hold", 12, 0, 3600);        // seconds a piece is shown; 0: always
const delay = within("delay", 1, 0, 60);         // seconds by which your viewers hear later than the studio plays
const size = within("size", 1, 0.5, 3);
const oneOf = (name, choices) => (choices.includes(query.get(name)) ? query.get(name) : choices[0]);

let shown = null, hides = 0, titles = new Map();

root.dataset.theme = oneOf("theme", ["night", "light", "bare", "tape"]);
root.dataset.corner = oneOf("corner", ["bottom-left", "bottom-right", "top-left", "top-right"]);
root.style.setProperty("--size", String(size));

function show() {
  const now = { line: "wall", s: serverNow() / 1000 - delay }, bar = barAt(now);
  const heard = bar && downbeat(bar, "wall") <= now.s && now.s < downbeat(bar, "wall") + bar.seconds * 4;
  if (heard) {
    if (!shown || shown.piece !== bar.piece || shown.title !== bar.title) begin(bar);
    shown = bar;
    root.style.setProperty("--done", Math.min(1, elapsed(bar, now.s - downbeat(bar, "wall")) / (bar.piece_bars * bar.seconds)).toFixed(3));
  }
  // nothing new for four bars: the station is away, and what the card says may be wrong
  root.dataset.shown = heard && (hold === 0 || performance.now() < hides) ? "yes" : "no";
}

function begin(bar) {
  put(byId("title"), bar.title);
  put(byId("facts"), `${key(bar.key)} · ${number(bar.bpm)} bpm · ${named("mood", bar.mood, titles.get(bar.mood)?.title ?? bar.mood.replaceAll("-", " "))}`);
  const tint = titles.get(bar.mood)?.colour;
  if (tint && query.get("theme") !== "tape") root.style.setProperty("--tint", tint);
  hides = performance.now() + hold * 1000;
}

// a scene of OBS can ask for the card: window.dispatchEvent(new Event("lofi-show")), or ?scene=NAME shows it in that scene
addEventListener("lofi-show", () => { hides = performance.now() + hold * 1000; });
addEventListener("obsSceneChanged", ({ detail }) => { if (query.get("scene") === detail?.name) hides = performance.now() + hold * 1000; });

await learn();
hear("bar", show);
setClock();
openWire();
setInterval(show, 200);
if (has("moods")) ask(api("moods")).then(({ moods }) => { titles = new Map(moods.map((mood) => [mood.name, mood])); }, () => { /* names do */ });
put(byId("station"), byId("station").textContent || place.station);
