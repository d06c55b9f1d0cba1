// The paper that passes the reading head: notes, drums, chords and spectrum of what is heard. Knows nothing about sound.
import { byId } from "./place.js";
import { place as ear } from "./ear.js";
import { ink, mixInk } from "./ink.js";
import { BANDS, levels } from "./spectrum.js";
import { player } from "./player.js";
import { hear } from "./signal.js";
import { barAt, downbeat, score } from "./score.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const LANES = [["hat", [42, 44, 46, 51, 53, 59, 49, 57, 69, 70, 82]], ["snare", [37, 38, 39, 40, 41, 43, 45, 47, 48, 50]], ["kick", [35, 36]]];
const laneOf = new Map(LANES.flatMap(([, pitches], lane) => pitches.map((pitch) => [pitch, lane])));
const LOW = 34, HIGH = 88, HEAD = 0.36, LABELS = 26, DRUMS = 54, STRIP = 42;

const canvas = byId("roll");
const pen = canvas.getContext("2d");
let width = 0, height = 0, frame = 0, drawn = 0;

function fit() {
  const box = canvas.parentElement.getBoundingClientRect();
  const sharp = Math.min(devicePixelRatio || 1, 2);   // finer costs battery and nobody sees it
  width = box.width;
  height = box.height;
  canvas.width = Math.round(width * sharp);
  canvas.height = Math.round(height * sharp);
  pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  mixInk();
  draw();
}

const seen = () => Math.max(5, Math.min(12, width / 105));   // seconds of paper

function draw() {
  if (!width) return;
  const now = ear(), bar = barAt(now);
  pen.clearRect(0, 0, width, height);
  const span = seen(), scale = width / span, head = Math.round(width * HEAD);
  // who wants no motion sees each bar at rest, and only the notes light up
  const at = calm.matches && bar ? Math.floor((now.s - downbeat(bar, now.line)) / (bar.seconds / 4)) * (bar.seconds / 4) + downbeat(bar, now.line) : now.s;
  const origin = calm.matches && bar ? downbeat(bar, now.line) : now.s;
  const x = (s) => head + (s - origin) * scale;
  const left = origin - head / scale - 3, right = origin + (width - head) / scale;
  const shown = score.bars.filter((one) => downbeat(one, now.line) + one.seconds > left && downbeat(one, now.line) < right);
  const sounding = [];
  for (const one of shown) drawLines(one, downbeat(one, now.line), x);
  for (const one of shown) drawNotes(one, downbeat(one, now.line), { x, scale, at, sounding });
  drawHoles(now.s * scale);
  drawSpectrum(sounding);
  drawHead(calm.matches ? x(at) : head);
}

function drawLines(bar, from, x) {
  pen.strokeStyle = ink.line;
  pen.lineWidth = 1;
  for (let beat = 0; beat < 4; beat += 1) {
    const at = Math.round(x(from + (beat * bar.seconds) / 4)) + 0.5;
    pen.globalAlpha = beat ? 0.35 : 1;
    pen.beginPath();
    pen.moveTo(at, beat ? LABELS + 6 : 8);
    pen.lineTo(at, height - STRIP);
    pen.stroke();
  }
  pen.globalAlpha = 1;
  pen.fillStyle = ink.soft;
  pen.font = `500 13px ${getFont()}`;
  bar.chords.forEach((chord, half) => {
    if (chord && chord !== bar.chords[half - 1]) pen.fillText(chord, x(from + (half * bar.seconds) / 2) + 7, 19);
  });
}

let font = "";
const getFont = () => (font ||= getComputedStyle(document.body).fontFamily);

function drawNotes(bar, from, { x, scale, at, sounding }) {
  const top = LABELS + 8, bottom = height - STRIP - DRUMS - 8, step = (bottom - top) / (HIGH - LOW);
  const thick = Math.max(3, Math.min(step * 1.7, 8));
  for (const note of bar.notes) {
    const [start, length, pitch, velocity, part] = note;
    const begin = from + start, left = x(begin);
    if (left > width + 4) continue;
    const age = at - begin;
    if (part === "drums") { drawStroke(laneOf.get(pitch) ?? 0, left, { age, velocity }); continue; }
    const long = Math.max(length * scale - 2, thick);
    if (left + long < -4) continue;
    const on = age >= 0 && age < length;
    if (on) sounding.push(note);
    const y = bottom - (Math.min(Math.max(pitch, LOW), HIGH) - LOW) * step - thick / 2;
    pen.fillStyle = ink[part];
    pen.globalAlpha = on ? 1 : age < 0 ? 0.42 + velocity / 420 : 0.3;
    pen.beginPath();
    pen.roundRect(left, on ? y - 1 : y, long, on ? thick + 2 : thick, thick / 2);
    pen.fill();
    if (on && !calm.matches) {
      pen.globalAlpha = 0.22 * Math.max(0, 1 - age / Math.max(length, 0.4));
      pen.beginPath();
      pen.roundRect(left - 5, y - 6, long + 10, thick + 12, thick);
      pen.fill();
    }
  }
  pen.globalAlpha = 1;
}

function drawStroke(lane, x, { age, velocity }) {
  if (x < -12) return;
  const y = height - STRIP - DRUMS + 10 + lane * 18, flash = age >= 0 && age < 0.18;
  const size = (3 + velocity / 40) * (flash ? 1.5 : 1);
  pen.fillStyle = ink.drums;
  pen.globalAlpha = flash ? 1 : age < 0 ? 0.5 : 0.28;
  pen.beginPath();
  if (lane === 0) pen.arc(x, y, size * 0.62, 0, 7);
  else pen.roundRect(x - size, y - size, size * 2, size * 2, lane === 1 ? 2 : size);
  pen.fill();
}

// the edge of the paper, by which the machine pulls it
function drawHoles(passed) {
  const every = 20, from = calm.matches ? 0 : passed % every;
  pen.fillStyle = ink.panel;
  pen.beginPath();
  for (let x = -from; x < width + every; x += every) pen.roundRect(x, height - STRIP - 3, 7, 4, 2);
  pen.fill();
}

function drawSpectrum(sounding) {
  if (calm.matches) return;
  const strong = levels(sounding), wide = width / (BANDS - 1), tall = (band) => height - 1 - strong[band] * (STRIP - 8);
  pen.beginPath();
  pen.moveTo(0, tall(0));
  for (let band = 1; band < BANDS; band += 1) {
    const x = band * wide, middle = x - wide / 2;
    pen.bezierCurveTo(middle, tall(band - 1), middle, tall(band), x, tall(band));
  }
  pen.strokeStyle = ink.accent;
  pen.lineWidth = 1.5;
  pen.globalAlpha = 0.75;
  pen.stroke();
  pen.lineTo(width, height);
  pen.lineTo(0, height);
  pen.fillStyle = ink.accent;
  pen.globalAlpha = 0.16;
  pen.fill();
  pen.globalAlpha = 1;
}

function drawHead(x) {
  pen.fillStyle = ink.accent;
  pen.fillRect(Math.round(x) - 1, 4, 2, height - STRIP - 4);
  pen.beginPath();
  pen.moveTo(x - 6, 0);
  pen.lineTo(x + 6, 0);
  pen.lineTo(x, 8);
  pen.fill();
}

function turn(now) {
  frame = 0;
  if (document.hidden) return;
  const every = player.state === "playing" && !calm.matches ? 0 : calm.matches ? 120 : 30;
  if (now - drawn >= every) { drawn = now; draw(); }
  frame = requestAnimationFrame(turn);
}

const start = () => { if (!frame && !document.hidden) frame = requestAnimationFrame(turn); };

export function openRoll() {
  new ResizeObserver(fit).observe(canvas.parentElement);
  document.addEventListener("visibilitychange", start);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(mixInk, 50));
  hear("lamp", () => setTimeout(mixInk, 50));
  hear("heard", () => setTimeout(mixInk, 50));
  fit();
  start();
}
