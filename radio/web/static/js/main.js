// Opens every part of the page, in the order in which they need each other.
import { setClock } from "./clock.js";
import { openEar } from "./ear.js";
import { openKeys } from "./keys.js";
import { openLamp } from "./lamp.js";
import { openLockscreen } from "./lockscreen.js";
import { openOperator } from "./operator.js";
import { openPast } from "./past.js";
import { base, byId } from "./place.js";
import { openPlayer, setVolume, toggle } from "./player.js";
import { openRoll } from "./roll.js";
import { openRoom } from "./room.js";
import { openShare } from "./share.js";
import { openSheet } from "./sheet.js";
import { openShelf } from "./shelf.js";
import { openSleep } from "./sleep.js";
import { openSpectrum } from "./spectrum.js";
import { hear } from "./signal.js";
import { openWire } from "./wire.js";
import { learn, number, say } from "./words.js";

byId("play").addEventListener("click", toggle);
byId("volume").addEventListener("input", (event) => setVolume(event.target.valueAsNumber));
await learn();
hear("loudness", ({ volume }) => {
  byId("volume").value = String(volume);
  byId("volume").setAttribute("aria-valuetext", say("percent", { number: number(volume) }));
});
for (const open of [openLamp, openSheet, openLockscreen, openSpectrum, openEar, openPlayer, openWire, openRoll]) open();
for (const open of [openShare, openSleep, openOperator, openKeys]) open();
setClock();
openShelf();
openPast();
openRoom();
if ("serviceWorker" in navigator) navigator.serviceWorker.register(new URL("worker.js", base)).catch(() => { /* plain http: the page works without */ });
document.documentElement.dataset.ready = "yes";
