// The operator's token: in this tab only, sent to this station only. Knows nothing about what moods are.
import { api, ask, byId, has, place } from "./place.js";
import { tell } from "./signal.js";

const session = { get: () => { try { return sessionStorage.getItem("token") ?? ""; } catch { return ""; } } };
export const operator = { token: session.get(), change };

async function change(mood) {
  if (!has("control/mood")) { tell("notice", "no-control"); return false; }
  try {
    await ask(api("control/mood"), {
      method: "POST", body: JSON.stringify({ mood, station: place.station }),
      headers: { Authorization: `Bearer ${operator.token}`, "Content-Type": "application/json" },
    });
    tell("notice", "mood-asked");
    return true;
  } catch (refused) {
    tell("notice", { 401: "token-wrong", 403: "token-wrong", 429: "slowly" }[refused.status] ?? "failed");
    return false;
  }
}

function set(token) {
  operator.token = token;
  try { if (token) sessionStorage.setItem("token", token); else sessionStorage.removeItem("token"); } catch { /* private window */ }
  byId("token").value = "";
  byId("operator-dialog").close();
}

export function openOperator() {
  byId("operator").addEventListener("click", () => byId("operator-dialog").showModal());
  byId("operator-form").addEventListener("submit", (event) => { event.preventDefault(); set(byId("token").value.trim()); });
  byId("operator-forget").addEventListener("click", () => set(""));
  byId("operator-close").addEventListener("click", () => byId("operator-dialog").close());
}
