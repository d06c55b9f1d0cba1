// The keyboard. Knows nothing about what its keys do.
import { byId } from "./place.js";
import { turnLamp } from "./lamp.js";
import { mute, player, setVolume, toggle } from "./player.js";
import { toggleHeart } from "./past.js";
import { share } from "./share.js";
import { chooseSleep } from "./sleep.js";

const help = () => byId("help-dialog").showModal();
const actions = {
  " ": toggle, k: toggle, m: mute, h: toggleHeart, s: share, z: chooseSleep, l: turnLamp, "?": help,
  ArrowUp: () => setVolume(player.volume + 5), ArrowDown: () => setVolume(player.volume - 5),
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const on = event.target.tagName, action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || on === "INPUT" && event.target.type !== "range" || event.repeat && !event.key.startsWith("Arrow")) return;
  if (event.key === " " && ["BUTTON", "A"].includes(on)) return;
  if (event.key.startsWith("Arrow")) {
    if (on === "INPUT" || document.body.scrollHeight > innerHeight + 1 && on !== "BODY") return;
  }
  event.preventDefault();
  action();
}

export function openKeys() {
  addEventListener("keydown", press);
  byId("help").addEventListener("click", help);
}
