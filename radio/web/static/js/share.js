// A link to the station for somebody else. Knows nothing about the music.
import { byId, page } from "./place.js";
import { sheet } from "./sheet.js";
import { tell } from "./signal.js";

export async function share() {
  const link = { title: byId("station-title").textContent, text: sheet.bar?.title ?? "", url: page().href };
  try {
    if (navigator.share && matchMedia("(pointer: coarse)").matches) await navigator.share(link);
    else {
      await navigator.clipboard.writeText(link.url);
      tell("notice", "copied");
    }
  } catch (refused) {
    if (refused.name !== "AbortError") tell("notice", "copy-address");   // plain http has no clipboard
  }
}

export const openShare = () => byId("share").addEventListener("click", share);
