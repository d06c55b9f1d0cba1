#!/bin/sh
# Parse a live playlist with hls-parser in strict mode, which knows RFC 8216 section by section:
# bench/hls_strict.sh URL [SECONDS]. Needs Node.js; the parser is fetched by its name, once, into build/.
set -eu
url=${1:?usage: bench/hls_strict.sh URL [SECONDS]}
place=build/hls-parser
[ -d "$place/node_modules/hls-parser" ] || npm install --silent --no-audit --no-fund --prefix "$place" hls-parser@0.16.1
NODE_PATH="$place/node_modules" node - "$url" "${2:-60}" <<'END'
const HLS = require("hls-parser");
HLS.setOptions({ strictMode: true });
const [url, seconds] = [process.argv[2], Number(process.argv[3])];
let polls = 0, lists = 0, problems = 0, breaks = 0;
async function check(address) {
  const answer = await fetch(address);
  if (!answer.ok) { console.log(`${address}: HTTP ${answer.status}`); problems += 1; return; }
  try {
    const list = HLS.parse(await answer.text());
    lists += 1;
    if (list.isMasterPlaylist) for (const one of list.variants) await check(new URL(one.uri, address));
    else breaks = Math.max(breaks, list.segments.filter((segment) => segment.discontinuity).length);
  } catch (problem) { console.log(`${address}: ${problem.message}`); problems += 1; }
}
(async () => {
  const end = Date.now() + 1000 * seconds;
  do {
    try { await check(url); } catch (problem) { console.log(`${url}: ${problem.message}`); problems += 1; }
    polls += 1;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  } while (Date.now() < end);
  console.log(`${polls} polls, ${lists} playlists parsed, at most ${breaks} discontinuities in one, ${problems} problems`);
  process.exit(problems ? 1 : 0);
})();
END
