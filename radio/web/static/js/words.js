// The words of the page in the listener's language: static/words/xx.json, one file a language, English in the page itself.
import { base } from "./place.js";

const root = document.documentElement;
const languages = root.dataset.languages.split(" ");
const locale = () => navigator.languages.find((tag) => tag.toLowerCase().startsWith(language)) ?? language;
let words = {};

const wanted = () => {
  for (const tag of [new URLSearchParams(location.search).get("lang"), ...navigator.languages]) {
    const found = tag && languages.find((one) => tag.toLowerCase() === one || tag.toLowerCase().startsWith(`${one}-`));
    if (found) return found;
  }
  return "en";
};

export const language = wanted();

export async function learn() {
  words = await (await fetch(new URL(`static/words/${language}.json`, base))).json();
  root.lang = language;
  if (language === "en") return;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of document.querySelectorAll("[data-word-label]")) element.setAttribute("aria-label", say(element.dataset.wordLabel));
}

export function say(name, facts = {}) {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (slot, fact) => facts[fact] ?? slot);
}

// what has no word of its own is shown as the station names it
export const named = (kind, name, otherwise = name) => words[`${kind}.${name}`] ?? otherwise;

export function key(name) {
  const [, note, mode] = /^(\S+) (major|minor)$/.exec(name ?? "") ?? [];
  return note ? say(`key.${mode}`, { note: named(`note.${mode}`, note) }) : (name ?? "");
}

export const number = (value, digits = 0) => value.toLocaleString(locale(), { maximumFractionDigits: digits });
export const hour = (moment) => moment.toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
export const date = (moment) => moment.toLocaleDateString(locale(), { day: "numeric", month: "short" });
export const length = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
