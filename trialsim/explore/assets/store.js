// Designs of the page: the one that is moved, those that are compared, and the link that holds them.
const MOST = 4;
const NAME = 60;
const listeners = new Set();

export const store = { designs: [], at: 0, start: null };

export const current = () => store.designs[store.at].state;
export const onChange = (listener) => listeners.add(listener);
export const tell = (what) => { for (const listener of listeners) listener(what); };
export const full = () => store.designs.length >= MOST;

export function setNumber(name, value) {
  current()[name] = value;
  tell("numbers");
  keepLink();
}

export function add(name, state) {
  if (full()) return false;
  store.designs.push({ name: name.slice(0, NAME), state: { ...state } });
  tell("designs");
  keepLink();
  return true;
}

export function choose(place) {
  store.at = place;
  tell("chosen");
  keepLink();
}

export function drop(place) {
  store.designs.splice(place, 1);
  if (store.at >= place && store.at > 0) store.at -= 1;
  tell("chosen");
  keepLink();
}

const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const decode = (text) => new TextDecoder().decode(Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0)));

export const linked = () => `#d=${encode(JSON.stringify({ v: 1, at: store.at, designs: store.designs }))}`;

let waiting = null;
export function keepLink() {
  clearTimeout(waiting);
  // Browsers slow down a page that rewrites its address too often.
  waiting = setTimeout(() => history.replaceState(null, "", linked()), 300);
}

export function fromLink() {
  const given = new URLSearchParams(location.hash.slice(1)).get("d");
  if (!given || given.length > 40_000) return null;
  try {
    const found = JSON.parse(decode(given));
    const designs = found.designs.slice(0, MOST).map((one) => ({ name: String(one.name).slice(0, NAME), state: Object(one.state) }));
    if (!designs.length || designs.some((one) => Array.isArray(one.state))) return null;
    return { designs, at: Math.min(Math.max(Math.trunc(Number(found.at)) || 0, 0), designs.length - 1) };
  } catch {
    return null;
  }
}
