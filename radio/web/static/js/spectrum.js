// How strong each band of the sound is. The sound itself is only listened to: a captured copy goes to the analyser, so
// that a context which sleeps can never silence the radio. A browser that captures nothing gets bands from the notes.
import { audio, player } from "./player.js";
import { hear } from "./signal.js";

export const BANDS = 40;
const LOW_HZ = 50, HIGH_HZ = 9000, FALL = 0.9;
const bands = new Float32Array(BANDS);
let context = null, analyser = null, bins = null, source = null;

const bandOf = (hz) => Math.floor((BANDS * Math.log(hz / LOW_HZ)) / Math.log(HIGH_HZ / LOW_HZ));

function listen() {
  if (source || !audio.captureStream || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const stream = audio.captureStream();
  if (!stream.getAudioTracks().length) return;
  context ??= new AudioContext({ latencyHint: "playback" });
  context.resume();
  analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0.75, minDecibels: -85, maxDecibels: -20 });
  bins = new Uint8Array(analyser.frequencyBinCount);
  source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
  source.connect(analyser);
}

function leave() {
  source?.disconnect();
  source = analyser = null;
  context?.suspend();
}

export function openSpectrum() {
  hear("player", ({ state }) => { if (state === "playing") listen(); else leave(); });
}

export function levels(sounding) {
  if (analyser && context.state === "running") {
    analyser.getByteFrequencyData(bins);
    const hzPerBin = context.sampleRate / analyser.fftSize;
    for (let band = 0; band < BANDS; band += 1) {
      const from = Math.max(1, Math.floor(edge(band) / hzPerBin)), to = Math.max(from + 1, Math.ceil(edge(band + 1) / hzPerBin));
      let most = 0;   // 3 dB an octave are made up for: music falls by as much
      for (let bin = from; bin < to; bin += 1) most = Math.max(most, bins[bin]);
      bands[band] = Math.max(most ? Math.min(1, most / 255 + band * 0.0085 - 0.06) : 0, bands[band] * FALL);
    }
    return bands;
  }
  for (let band = 0; band < BANDS; band += 1) bands[band] *= FALL;
  if (player.state !== "playing") return bands;
  for (const [, , pitch, velocity] of sounding) {
    for (let partial = 1; partial < 7; partial += 1) {
      const band = bandOf(440 * 2 ** ((pitch - 69) / 12) * partial);
      if (band >= 0 && band < BANDS) bands[band] = Math.max(bands[band], velocity / 127 / partial ** 0.7);
    }
  }
  return bands;
}

const edge = (band) => LOW_HZ * (HIGH_HZ / LOW_HZ) ** (band / BANDS);
