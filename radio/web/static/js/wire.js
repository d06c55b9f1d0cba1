// News from the station: server-sent events, or plain questions where something on the way does not let them through.
import { api, ask, place } from "./place.js";
import { hear, tell } from "./signal.js";
import { add, clear } from "./score.js";

const AGAIN_MS = [1000, 2000, 5000, 10_000], ASK_MS = 4000, SILENT_MS = 45_000;
let source = null, failures = 0, asking = false, timer = 0, heardAt = 0;

export function openWire() {
  hear("station", () => { clear(); connect(); });
  addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && source?.readyState !== EventSource.OPEN) connect(); });
  setInterval(() => { if (source && performance.now() - heardAt > SILENT_MS) connect(); }, 10_000);   // a way that died without a word
  connect();
}

function connect() {
  clearTimeout(timer);
  source?.close();
  heardAt = performance.now();
  source = new EventSource(api("events", { station: place.station }));
  const on = (name, take) => source.addEventListener(name, ({ data }) => {
    heardAt = performance.now();
    failures = 0;
    take(JSON.parse(data));
  });
  on("bar", (bar) => { if (add(bar)) tell("bar", bar); });
  on("piece", (piece) => tell("piece", piece));
  on("mood", (mood) => tell("mood", mood));
  on("state", (state) => tell("air", state));
  source.onerror = () => {
    source.close();
    failures += 1;
    if (failures > 1) tell("air", { on_air: null, reason: "" });
    timer = setTimeout(connect, AGAIN_MS[Math.min(failures - 1, AGAIN_MS.length - 1)] * (0.75 + Math.random() / 2));
    if (!asking) question();
  };
}

async function question() {
  asking = true;
  try {
    const answer = await ask(api("nowplaying", { station: place.station }));
    const told = answer.lofi ?? answer;
    for (const bar of told.bars ?? []) if (add(bar)) tell("bar", bar);
    tell("air", { on_air: told.on_air, reason: told.reason, listeners: told.listeners });
  } catch { tell("air", { on_air: null, reason: "" }); }
  if (failures) setTimeout(question, ASK_MS); else asking = false;
}
