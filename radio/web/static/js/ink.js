// The colours of the page for what is drawn on a canvas. Knows nothing about what is drawn.
const names = ["ink", "soft", "line", "panel", "accent", "keys", "second", "bass", "drums"];
export const ink = {};

export function mixInk() {
  const drop = document.createElement("i");
  document.body.append(drop);
  for (const name of names) {
    drop.style.color = `var(--${name})`;
    ink[name] = getComputedStyle(drop).color;
  }
  drop.remove();
}
