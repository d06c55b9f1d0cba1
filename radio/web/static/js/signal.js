// What the parts of the page tell each other. Knows nothing about what is said.
const board = new EventTarget();
export const tell = (name, detail) => board.dispatchEvent(new CustomEvent(name, { detail }));
export const hear = (name, listener) => board.addEventListener(name, (event) => listener(event.detail));
