"""Listens to a page from outside its code: which bar's tone sounds, which bar's chord and title are shown, and when.

The sound is taken from the <audio> element as the browser plays it and told by its pitch; nothing the page computes
is used. Both are looked at in the same loop, so that a busy machine delays both alike.
"""

from dataclasses import dataclass
from math import inf
from statistics import median

from fakes_tones import BAR_FRAMES, BARS_A_PIECE, TITLES, TONES, bar_of, tone_hz

from radio.web.facts import chord_text

WINDOW_SAMPLES = 1024
AGAIN_S = TONES * BAR_FRAMES / 48_000
_LISTEN = """
async ({tones, seconds, window}) => {
  const audio = document.getElementById("audio"), context = new AudioContext();
  await context.resume();
  const source = new MediaStreamAudioSourceNode(context, { mediaStream: audio.captureStream() });
  const analyser = new AnalyserNode(context, { fftSize: window });
  source.connect(analyser);
  const wave = new Float32Array(window), seen = [], last = {};
  const note = (kind, value, at) => {
    if (value === null || last[kind] === value) return;
    last[kind] = value;
    seen.push([kind, value, at]);
  };
  const power = (hz) => {
    const turn = 2 * Math.PI * hz / context.sampleRate;
    let re = 0, im = 0;
    for (let n = 0; n < window; n += 1) { re += wave[n] * Math.cos(turn * n); im += wave[n] * Math.sin(turn * n); }
    return re * re + im * im;
  };
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    const now = performance.now();
    analyser.getFloatTimeDomainData(wave);
    const powers = tones.map(power), best = Math.max(...powers);
    const rest = powers.reduce((sum, one) => sum + one, 0) - best;
    note("sound", best > 10 && best > 2 * rest ? powers.indexOf(best) : null, now);
    note("chord", document.getElementById("chord").textContent, now);
    note("title", document.querySelector("h1").textContent, now);
    await new Promise((done) => setTimeout(done, 5));
  }
  await context.close();
  return seen;
}
"""


@dataclass(frozen=True)
class Offsets:
    """How much later something was shown than heard, seconds; negative: it was shown early."""

    chords_s: list[float]
    titles_s: list[float]

    @property
    def worst_s(self):
        """Largest of all, late or early."""
        return max(abs(offset) for offset in (*self.chords_s, *self.titles_s))

    def __str__(self):
        def told(offsets):
            return f"median {median(offsets):+.3f} s, worst {max(offsets, key=abs):+.3f} s of {len(offsets)}"

        return f"chords: {told(self.chords_s)}; titles: {told(self.titles_s)}"


async def listen(page, seconds):
    """Listen for a while and compare."""
    asked = {"tones": [tone_hz(index) for index in range(TONES)], "seconds": seconds, "window": WINDOW_SAMPLES}
    seen = await page.evaluate(_LISTEN, asked)
    delay_s = WINDOW_SAMPLES / 2 / 48_000  # a tone has won when it fills half of the window
    sounds = [(value, at / 1000 - delay_s) for kind, value, at in seen if kind == "sound"][1:]  # the first began before
    chords = {chord_text(bar_of(index).chords[0], bar_of(index).piece): index for index in range(TONES)}
    shown = [(chords[value], at / 1000) for kind, value, at in seen if kind == "chord" and value in chords][1:]
    titles = [at / 1000 for kind, value, at in seen if kind == "title" and value in TITLES][1:]
    pairs = [_nearest(at, [heard for tone, heard in sounds if tone == index]) for index, at in shown]
    begun = [_nearest(at, [heard for tone, heard in sounds if tone % BARS_A_PIECE == 0]) for at in titles]
    # a tone comes again after 24 s: one so far away was not heard itself, because the browser dropped its sound
    return Offsets([one for one in pairs if abs(one) < AGAIN_S / 2], [one for one in begun if abs(one) < AGAIN_S / 2])


def _nearest(at, heard):
    return min((at - moment for moment in heard), key=abs, default=inf)
