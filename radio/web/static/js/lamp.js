// Light, dark, or as the system has it.
import { byId } from "./place.js";
import { keep, recall } from "./memory.js";
import { tell } from "./signal.js";
import { say } from "./words.js";

const TURNS = ["auto", "light", "dark"];
let lamp = recall("lamp", "auto");

function set(next) {
  lamp = TURNS.includes(next) ? next : "auto";
  document.documentElement.dataset.lamp = lamp;
  byId("lamp").setAttribute("aria-label", say(`lamp.${lamp}`));
  keep("lamp", lamp);
  tell("lamp", lamp);
}

export const turnLamp = () => set(TURNS[(TURNS.indexOf(lamp) + 1) % TURNS.length]);

export function openLamp() {
  byId("lamp").addEventListener("click", turnLamp);
  set(lamp);
}
