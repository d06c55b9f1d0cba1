#!/usr/bin/env bash
# Sets up what `make radio` (radio) or `make test` (test) needs: Debian packages, a virtual environment, locked
# Python packages. Does nothing, in under a second, when that has been done for the present lock files.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:?usage: deploy/setup.sh radio|test}

# for outputs that are off by default: libportaudio2 (device), ffmpeg and fonts-dejavu-core (push)
system=(python3-venv gcc libc6-dev libfluidsynth3 musescore-general-soundfont-small) # the compiler builds the models' step
locks=(requirements/radio.txt requirements/no-deps.txt)
if [ "$kind" = test ]; then
  system+=(ffmpeg fonts-dejavu-core libportaudio2 icecast2 chromium nginx-light libatomic1) # libatomic1: the browser tests' driver
  locks+=(requirements/test.txt)
fi

stamp=.venv/.set-up-$kind
fingerprint=$(cat "${locks[@]}" "$0" pyproject.toml setup.py engine/native/* | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ] && [ -x .venv/bin/lofi-radio ]; then exit 0; fi

stop() {
  printf '%s\n' "$@" >&2
  exit 1
}

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${system[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
else
  echo "This is not Debian: please see to it that FluidSynth 2.3+ and a General MIDI sound bank are installed" >&2
  echo "(on Debian: ${system[*]}), name the bank in config.yaml (engine.soundfont), or use Docker: docker compose up." >&2
fi
if [ ${#missing[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || stop "Debian packages are missing: ${missing[*]}" \
      "We are not root and there is no sudo. As root: apt-get install ${missing[*]}" "Or without any of it: docker compose up"
    as_root=(sudo)
  fi
  echo "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq || stop "apt-get update failed (see above). Check the network, then run make again."
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null || stop "apt-get could not install ${missing[*]} (see above)."
fi

python=$(command -v python3.11 || command -v python3) || stop "Python 3.11 or newer is missing. On Debian: apt-get install python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  stop "$("$python" --version) is too old: lofi-radio needs Python 3.11 or newer."
if [ ! -x .venv/bin/pip ]; then
  rm -rf .venv
  "$python" -m venv .venv || stop "python3 -m venv failed (see above). On Debian: apt-get install python3-venv"
fi
echo "installing Python packages into .venv (once; takes a minute or two)"
pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" --require-hashes -r requirements/radio.txt || stop "pip failed (see above). Check the network, then run make again."
"${pip[@]}" --require-hashes --no-deps -r requirements/no-deps.txt ||
  echo "basic-pitch cannot be had: recordings cannot be prompts (--prompt-audio), all else works" >&2
if [ "$kind" = test ]; then
  "${pip[@]}" -r requirements/test.txt || stop "pip failed (see above). Check the network, then run make again."
fi
"${pip[@]}" --no-deps --no-build-isolation --editable . || stop "installing lofi-radio itself failed (see above)."
# promtool checks the alert rules; the whole package would start a server, so only the tool is taken out of it
if [ "$kind" = test ] && ! command -v promtool >/dev/null && command -v dpkg-deb >/dev/null; then
  folder=$(mktemp -d)
  (cd "$folder" && apt-get download -qq prometheus >/dev/null 2>&1 && dpkg-deb --fsys-tarfile prometheus_*.deb |
    tar -x ./usr/bin/promtool) && install "$folder/usr/bin/promtool" .venv/bin/promtool ||
    echo "promtool cannot be had: the tests of the alert rules are skipped" >&2
  rm -rf "$folder"
fi
echo "$fingerprint" >"$stamp"
