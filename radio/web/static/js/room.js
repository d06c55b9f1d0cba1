// Rain, vinyl and the like on top of the music, mixed here for this listener alone. Nothing is loaded before a fader moves.
import { api, ask, base, byId, has, make } from "./place.js";
import { keep, recall } from "./memory.js";
import { player } from "./player.js";
import { hear, tell } from "./signal.js";
import { named, number, say } from "./words.js";

const EASE_S = 0.25;
const loops = new Map();   // name → {level, gain, loading}
let context = null, master = null;

async function sound(told, loop) {
  context ??= new AudioContext({ latencyHint: "playback" });
  if (!master) { master = new GainNode(context, { gain: 0 }); master.connect(context.destination); }
  loop.gain = new GainNode(context, { gain: 0 });
  loop.gain.connect(master);
  const coded = await (await fetch(new URL(told.path, base))).arrayBuffer();
  const buffer = await context.decodeAudioData(coded);
  // a coder shifts and pads the sound, but any stretch as long as the loop is the whole loop: no seam is heard
  const source = new AudioBufferSourceNode(context, { buffer, loop: true, loopStart: told.lead_s, loopEnd: told.lead_s + told.loop_s });
  source.connect(loop.gain);
  source.start(0, told.lead_s);
}

function mix() {
  if (!context) return;
  const on = player.wanted && [...loops.values()].some(({ level }) => level > 0);
  if (on) context.resume(); else setTimeout(() => { if (!player.wanted) context.suspend(); }, EASE_S * 4000);
  master.gain.setTargetAtTime(player.wanted ? player.fade * (player.muted ? 0 : 1) : 0, context.currentTime, EASE_S);
  for (const { level, gain } of loops.values()) gain?.gain.setTargetAtTime((level / 100) ** 2, context.currentTime, EASE_S);
}

function move(told, level) {
  const loop = loops.get(told.name);
  loop.level = level;
  keep("room", Object.fromEntries([...loops].filter(([, one]) => one.level > 0).map(([name, one]) => [name, one.level])));
  if (level > 0 && player.wanted && !loop.loading) {
    loop.loading = sound(told, loop).then(mix, () => { loop.loading = null; tell("notice", "no-loop"); });
  }
  mix();
}

function fader(told, level) {
  loops.set(told.name, { level, gain: null, loading: null });
  const input = make("input", { type: "range", min: 0, max: 100, step: 1, value: level });
  const set = () => input.setAttribute("aria-valuetext", say("percent", { number: number(input.valueAsNumber) }));
  input.addEventListener("input", () => { move(told, input.valueAsNumber); set(); });
  set();
  return make("label", { className: "fader" }, make("span", { textContent: named("loop", told.name, told.name.replaceAll("-", " ")) }), input);
}

export async function openRoom() {
  if (!has("ambience")) return;
  const { ambience } = await ask(api("ambience")).catch(() => ({ ambience: [] }));
  if (!ambience.length || !window.AudioContext) return;
  const levels = recall("room", {});
  byId("faders").replaceChildren(...ambience.map((told) => fader(told, levels[told.name] ?? 0)));
  byId("room").hidden = false;
  hear("player", () => { for (const told of ambience) move(told, loops.get(told.name).level); });
  hear("loudness", mix);
}
