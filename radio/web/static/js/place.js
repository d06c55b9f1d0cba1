// Where the page lives and which station it shows. Every address is made here, so the radio may live under any path.
import { tell } from "./signal.js";

const root = document.documentElement;
export const base = new URL(root.dataset.root, location.href);
export const place = { station: root.dataset.station, first: "" };
export const byId = (id) => document.getElementById(id);
export const query = new URLSearchParams(location.search);

export function api(path, params = {}) {
  const url = new URL(`api/${path}`, base);
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  return url;
}

export const ofStation = (path) => new URL(`${encodeURIComponent(place.station)}/${path}`, base);
export const page = () => (place.station === place.first ? base : ofStation(""));

// what this station's server answers: an older one, or one without a control token, has less
export const has = (path) => root.dataset.api.split(" ").includes(path);

export function go(station) {
  if (station === place.station) return;
  place.station = station;
  root.dataset.station = station;
  history.replaceState(null, "", page());
  tell("station", station);
}

export async function ask(url, options = {}) {
  const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(8000), ...options });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(content.error ?? String(answer.status)), { status: answer.status });
  return content;
}

export const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };

export function make(tag, facts = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(facts)) {
    if (name in element) element[name] = value; else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
