// The tiles: stations to change to, and moods to hear. Knows nothing about how a mood sounds.
import { api, ask, byId, go, has, make, place } from "./place.js";
import { operator } from "./operator.js";
import { play, player } from "./player.js";
import { moodTitle, sheet } from "./sheet.js";
import { hear, tell } from "./signal.js";
import { named, say } from "./words.js";

const AGAIN_MS = 30_000;
let wanted = "";   // the mood that was asked for and is not heard yet

async function load() {
  const [stations, moods] = await Promise.all([
    ask(api("stations")).then((told) => told.stations.map((one) => one.lofi ?? one), () => []),
    has("moods") ? ask(api("moods")).then((told) => told.moods, () => []) : [],
  ]);
  sheet.stations = new Map(stations.map((one) => [one.station, { name: one.station, title: one.station_title, piece: one.title, mood: one.mood }]));
  sheet.moods = new Map(moods.map((one) => [one.name, one]));
  place.first ||= stations[0]?.station ?? place.station;
  showStations();
  showMoods();
}

function tape({ title, about, more = "", tint, on }, choose) {
  const button = make("button", { type: "button", className: "tape", onclick: choose }, make("b", { textContent: title }), make("span", { textContent: about }), ...(more ? [make("small", { textContent: more })] : []));
  button.setAttribute("aria-pressed", String(on));
  if (tint) button.style.setProperty("--tint", tint);
  return make("li", {}, button);
}

function showStations() {
  const all = [...sheet.stations.values()];
  byId("stations").hidden = all.length < 2;
  byId("station-list").replaceChildren(...all.map((one) => tape(
    { title: one.title, about: [moodTitle(one.mood ?? ""), one.piece].filter(Boolean).join(" · "), tint: sheet.moods.get(one.mood)?.colour, on: one.name === place.station },
    () => { go(one.name); if (!player.wanted) play(); showStations(); },
  )));
}

function showMoods() {
  const all = [...sheet.moods.values()], focused = document.activeElement?.dataset?.mood;
  byId("moods").hidden = !all.length;
  byId("mood-list").replaceChildren(...all.map((mood) => {
    const on = mood.name === sheet.bar?.mood;
    const more = mood.bpm_low ? `${Math.round(mood.bpm_low)}–${Math.round(mood.bpm_high)} bpm` : "";
    const about = wanted === mood.name && !on ? say("mood.coming") : named("mood.about", mood.name, mood.description ?? "");
    const item = tape({ title: moodTitle(mood.name), about, more, tint: mood.colour, on }, () => choose(mood));
    item.firstChild.dataset.mood = mood.name;
    return item;
  }));
  if (focused) byId("mood-list").querySelector(`[data-mood="${CSS.escape(focused)}"]`)?.focus();
}

async function choose(mood) {
  if (operator.token) {
    if (await operator.change(mood.name)) { wanted = mood.name; showMoods(); }
    return;
  }
  const elsewhere = [...sheet.stations.values()].find((one) => one.mood === mood.name && one.name !== place.station);
  if (mood.name === sheet.bar?.mood) { if (player.wanted) tell("notice", "mood-here"); else play(); }
  else if (elsewhere) { go(elsewhere.name); if (!player.wanted) play(); showStations(); }
  else tell("notice", "mood-fixed");
}

export async function openShelf() {
  hear("heard", (bar) => { if (bar.mood === wanted) wanted = ""; if (byId("mood-list").dataset.mood !== bar.mood) { byId("mood-list").dataset.mood = bar.mood; showMoods(); } });
  hear("mood", ({ mood }) => { wanted = typeof mood === "string" ? mood : ""; showMoods(); });
  await load();
  setInterval(() => { if (!document.hidden) load(); }, AGAIN_MS);
}
