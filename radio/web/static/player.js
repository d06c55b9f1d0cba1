// The player: keeps the stream alive, and shows what is heard now rather than what is sent now.
const root = document.documentElement;
const base = new URL(root.dataset.root, location.href);
const byId = (id) => document.getElementById(id);
const STALL_MS = 8000, RETRY_MS = [1000, 2000, 4000, 8000, 15000], POLL_MS = 4000, IDLE_POLL_MS = 20000;

const MAKERS = {
  models: "Two small recurrent networks are writing the piano and the drums right now, bar by bar.",
  rules: "A small composer of plain rules is writing it right now, bar by bar, while the networks are away.",
};

const audio = new Audio();
audio.preload = "none";
let wanted = false;      // the listener wants to hear something
let attempts = 0;        // since sound last came
let connectedAt = 0;     // server clock, ms, when the stream was asked for
let lastTime = 0, lastMoved = 0;
let retryTimer = 0, pollTimer = 0;
let news = null;         // last answer of /api/nowplaying
let clockOffset = 0;     // server clock minus ours, ms
let bars = [];

const serverNow = () => Date.now() + clockOffset;
const say = (text) => { if (byId("status").textContent !== text) byId("status").textContent = text; };
const state = (name) => { root.dataset.state = name; root.dataset.wanted = wanted ? "yes" : "no"; };

// --- the stream ---
function play() {
  wanted = true;
  attempts = 0;
  connect();
}

function connect() {
  clearTimeout(retryTimer);
  if (!wanted) return;
  connectedAt = serverNow();
  lastTime = 0;
  lastMoved = performance.now();
  const stream = new URL(news ? `.${news.stream}` : "./stream.mp3", news ? base : location.href);
  stream.searchParams.set("t", String(Math.round(connectedAt)));   // never a cached piece of the past
  audio.src = stream;
  state("connecting");
  say(attempts ? "Finding the stream again…" : "Tuning in…");
  button();
  audio.play().catch((refused) => {
    if (refused.name === "NotAllowedError") { pause(); say("The browser wants a tap on the play button first."); }
    else if (refused.name !== "AbortError") retry();
  });
}

function pause() {
  wanted = false;
  clearTimeout(retryTimer);
  audio.pause();
  audio.removeAttribute("src");   // a paused radio downloads nothing, and goes on live
  audio.load();
  state("paused");
  say("Paused. The music goes on without you; play joins it where it is.");
  button();
}

function retry() {
  if (!wanted) return;
  clearTimeout(retryTimer);
  const wait = RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)];
  attempts += 1;
  state("connecting");
  say(`Lost the stream. Trying again in ${wait / 1000} s.`);
  retryTimer = setTimeout(connect, wait);
}

function watch() {
  if (!wanted || !audio.currentSrc) return;
  if (audio.currentTime > lastTime + 0.01) {
    lastTime = audio.currentTime;
    lastMoved = performance.now();
    if (root.dataset.state !== "playing") { attempts = 0; state("playing"); say(""); poll(); setTimeout(tellDelay, 3000); }
  } else if (performance.now() - lastMoved > STALL_MS) {
    lastMoved = performance.now();
    retry();
  }
}

function tellDelay() {
  const delay = Math.round((serverNow() - heardAt()) / 1000);
  if (root.dataset.state === "playing" && delay >= 0 && delay < 120) say(`Live, ${delay} s behind the studio.`);
}

for (const event of ["error", "ended"]) audio.addEventListener(event, () => { if (wanted && audio.hasAttribute("src")) retry(); });
addEventListener("online", () => { if (wanted && root.dataset.state !== "playing") { attempts = 0; connect(); } });
document.addEventListener("visibilitychange", () => { if (!document.hidden) { poll(); watch(); } });

// --- what is playing ---
async function poll() {
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, wanted || !document.hidden ? POLL_MS : IDLE_POLL_MS);
  const asked = Date.now();
  try {
    const url = new URL(`api/nowplaying?station=${encodeURIComponent(root.dataset.station)}`, base);
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(POLL_MS * 2) });
    if (!answer.ok) throw new Error(String(answer.status));
    news = await answer.json();
    const now = Date.now();
    clockOffset = Date.parse(news.now) - (asked + now) / 2;
    bars = news.bars.map((bar) => ({ ...bar, from: Date.parse(bar.started_at) }));
    if (!wanted && root.dataset.air === "off") say("Press play, or the space bar.");
    root.dataset.air = news.on_air ? "on" : "off";
    if (!news.on_air) say(`The station is silent just now: ${news.reason}`);
  } catch {
    root.dataset.air = "off";
    if (root.dataset.state !== "playing") say("The station does not answer. This page keeps asking.");
  }
  show();
}

const heardAt = () => root.dataset.state === "playing" && news
  ? connectedAt + (audio.currentTime - news.latency_s) * 1000
  : serverNow();

function heardBar() {
  const heard = heardAt();
  let found = null;
  for (const bar of bars) if (bar.from <= heard) found = bar;
  return found ?? bars[0] ?? null;
}

const put = (id, text) => { const place = byId(id); if (place.textContent !== text) place.textContent = text; };
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function show() {
  const bar = heardBar();
  if (!bar) return;
  const inBar = Math.min(Math.max((heardAt() - bar.from) / 1000, 0), bar.seconds);
  const done = Math.min((bar.piece_bar + inBar / bar.seconds) / bar.piece_bars, 1);
  put("title", bar.title);
  put("facts", `${bar.key} · ${Math.round(bar.bpm)} bpm · ${bar.mood.replaceAll("-", " ")}`);
  put("section", bar.section);
  put("clock", `${clock(bar.piece_bar * bar.seconds + inBar)} of about ${clock(bar.piece_bars * bar.seconds)}`);
  put("listeners", news.listeners === 1 ? "1 listener" : news.listeners > 1 ? `${news.listeners} listeners` : "");
  put("maker", MAKERS[news.composer] ?? MAKERS.models);
  root.dataset.mood = bar.mood;
  root.style.setProperty("--done", done.toFixed(4));
  byId("progress").style.strokeDasharray = `${(done * 100).toFixed(2)} 100`;
  const beat = Math.floor((inBar / bar.seconds) * 4);
  [...byId("beats").children].forEach((dot, index) => dot.classList.toggle("now", index === Math.min(beat, 3)));
  const chords = bar.chords.filter((chord, index) => chord && chord !== bar.chords[index - 1]);
  if (byId("chords").dataset.text !== chords.join()) {
    byId("chords").dataset.text = chords.join();
    byId("chords").replaceChildren(...chords.map((chord) => Object.assign(document.createElement("span"), { textContent: chord })));
  }
  if (root.dataset.piece !== String(bar.piece)) {
    root.dataset.piece = String(bar.piece);
    announce(bar);
  }
  past(bar);
}

function announce(bar) {
  document.title = `${bar.title} · ${news.station_title}`;
  if (!("mediaSession" in navigator)) return;
  navigator.mediaSession.metadata = new MediaMetadata({
    title: bar.title,
    artist: news.station_title,
    album: `${bar.key} · ${Math.round(bar.bpm)} bpm · ${bar.mood}`,
    artwork: [{ src: new URL("static/icon.svg", base).href, sizes: "512x512", type: "image/svg+xml" }],
  });
}

function past(bar) {
  const before = news.history.filter((piece) => Date.parse(piece.started_at) < bar.from - bar.piece_bar * bar.seconds * 1000 - 1500).slice(0, 4);
  const key = before.map((piece) => piece.started_at).join();
  if (byId("history").dataset.key === key) return;
  byId("history").dataset.key = key;
  const line = (piece) => {
    const item = document.createElement("li");
    const began = new Date(piece.started_at);
    const when = Object.assign(document.createElement("time"), { dateTime: piece.started_at, textContent: began.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) });
    const title = Object.assign(document.createElement("b"), { textContent: piece.title });
    const facts = Object.assign(document.createElement("small"), { textContent: `${piece.key} · ${Math.round(piece.bpm)} bpm` });
    item.append(when, title, facts);
    return item;
  };
  const first = Object.assign(document.createElement("li"), { className: "none", textContent: "This is the first piece since the station came on air." });
  byId("history").replaceChildren(...(before.length ? before.map(line) : [first]));
}

// --- controls ---
function button() {
  byId("play").setAttribute("aria-label", wanted ? "Pause" : "Play");
  root.dataset.wanted = wanted ? "yes" : "no";
  if ("mediaSession" in navigator) navigator.mediaSession.playbackState = wanted ? "playing" : "paused";
}

function setVolume(percent) {
  const volume = Math.min(Math.max(Math.round(percent), 0), 100);
  audio.volume = (volume / 100) ** 2;   // the ear hears loudness, not amplitude
  byId("volume").value = String(volume);
  byId("volume").setAttribute("aria-valuetext", `${volume} percent`);
  root.dataset.muted = audio.muted || volume === 0 ? "yes" : "no";
  try { localStorage.setItem("volume", String(volume)); } catch { /* private windows forget it */ }
}

const toggle = () => (wanted ? pause() : play());
byId("play").addEventListener("click", toggle);
byId("volume").addEventListener("input", (event) => { audio.muted = false; setVolume(Number(event.target.value)); });
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const on = event.target.tagName;
  const step = { ArrowUp: 5, ArrowRight: 5, ArrowDown: -5, ArrowLeft: -5 }[event.key];
  if (event.key === " " && !["BUTTON", "A"].includes(on)) { event.preventDefault(); if (!event.repeat) toggle(); }
  else if (step && on !== "INPUT") {
    const scrolls = document.body.scrollHeight > innerHeight + 1 && /Up|Down/.test(event.key);
    if (!scrolls) { event.preventDefault(); audio.muted = false; setVolume(Number(byId("volume").value) + step); }
  } else if (event.key.toLowerCase() === "m") { audio.muted = !audio.muted; setVolume(Number(byId("volume").value)); }
});
if ("mediaSession" in navigator) {
  navigator.mediaSession.setActionHandler("play", play);
  for (const action of ["pause", "stop"]) navigator.mediaSession.setActionHandler(action, pause);
}

let saved = null;
try { saved = localStorage.getItem("volume"); } catch { /* private windows */ }
setVolume(saved === null ? 80 : Number(saved));
state("paused");
say("Press play, or the space bar.");
setInterval(() => { watch(); show(); }, 250);
poll();
window.player = { audio };
