// Turns OBS's scenes into moods: add this page as a browser source, its map behind the # of its address, which is sent nowhere:
//   /obs-control#token=…&Gaming=jazzhop&Just%20Chatting=cafe&Ending=study:0.6,sunset:0.4
// `*` stands for every other scene; `station` and `drift_minutes` may be named, too. Knows nothing about music.
const SETTLE_MS = 300, RETRY_MS = [1000, 3000, 10000, 30000];
const settings = new URLSearchParams(location.hash.slice(1));
const token = settings.get("token") ?? "";
const about = {};
for (const name of ["station", "drift_minutes"]) if (settings.has(name)) about[name] = name === "station" ? settings.get(name) : Number(settings.get(name));
const moods = new Map([...settings].filter(([name]) => !["token", "station", "drift_minutes"].includes(name)));

const status = document.getElementById("status");
const say = (text) => { status.textContent = text; };
let asked = "", turn = 0, timer = 0;

function show(scene) {
  const rows = [...moods].flatMap(([name, mood]) => {
    const term = Object.assign(document.createElement("dt"), { textContent: name });
    const what = Object.assign(document.createElement("dd"), { textContent: mood });
    if (name === scene || (name === "*" && !moods.has(scene))) term.className = what.className = "now";
    return [term, what];
  });
  document.getElementById("map").replaceChildren(...rows);
}

function change(scene) {
  const mood = moods.get(scene) ?? moods.get("*");
  show(scene);
  if (!mood || mood === asked) return;
  turn += 1;   // of scenes in a row the last one counts
  clearTimeout(timer);
  timer = setTimeout(ask, SETTLE_MS, mood, turn, 0);
}

async function ask(mood, mine, tries) {
  const blend = mood.includes(":");
  try {
    const answer = await fetch(new URL(`api/control/${blend ? "blend" : "mood"}`, location.href), {
      method: "POST", cache: "no-store", signal: AbortSignal.timeout(10000),
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ [blend ? "blend" : "mood"]: mood, ...about }),
    });
    const told = await answer.json();
    if (mine !== turn) return;
    if (answer.ok) { asked = mood; say(told.said); return; }
    say(told.error);
    if (answer.status < 500 && answer.status !== 429) return;   // asking again would not help
  } catch (problem) {
    if (mine !== turn) return;
    say(`The station does not answer (${problem.name}). Trying again.`);
  }
  timer = setTimeout(ask, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], mood, mine, tries + 1);
}

show("");
if (!token) say("No token: write #token=… behind the address of this page.");
else if (!moods.size) say("No scene is named: write &Scene=mood behind the token.");
else {
  addEventListener("obsSceneChanged", (event) => change(event.detail.name));
  window.obsstudio?.getCurrentScene?.((scene) => change(scene.name));
  if (!window.obsstudio) say("This page works inside OBS, as a browser source.");
}
