// Names of chords as they are written in a key: the API writes flats, and the third of D is F♯, not G♭.
const SHARP_KEYS = { major: ["G", "D", "A", "E", "B", "F♯"], minor: ["E", "B", "F♯", "C♯", "G♯"] };
const STEPS = { major: [0, 2, 4, 5, 7, 9, 11], minor: [0, 2, 3, 5, 7, 8, 10] };
const NAMES = ["C", "D♭", "D", "E♭", "E", "F", "G♭", "G", "A♭", "A", "B♭", "B"];
const SHARPS = { "D♭": "C♯", "E♭": "D♯", "G♭": "F♯", "A♭": "G♯", "B♭": "A♯" };
const FLATS = { "C♯": 1, "F♯": 6, "G♯": 8 };

// a root outside the scale is borrowed from the flat side and stays as it is
export function spelled(chord, key) {
  const [, tonic, mode] = /^(\S+) (major|minor)$/.exec(key ?? "") ?? [], root = /^[A-G]♭/.exec(chord ?? "")?.[0];
  if (!root || !SHARP_KEYS[mode]?.includes(tonic)) return chord;
  const step = (NAMES.indexOf(root) - (FLATS[tonic] ?? NAMES.indexOf(tonic)) + 12) % 12;
  return STEPS[mode].includes(step) ? chord.replace(root, SHARPS[root]) : chord;
}
