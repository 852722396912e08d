// What all pages share: elements, numbers as text, colours.

const SVG = "http://www.w3.org/2000/svg";
const MINUS = "\u2212";

function byId(id) {
  return document.getElementById(id);
}

// An element with attributes and children; text children are never read as HTML.
function make(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

function makeSvg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// ---------------------------------------------------------------- numbers
// Up to six digits, as Python's format ".6g" writes them.
function formatNumber(value, digits = 6) {
  if (value === null || !Number.isFinite(value)) return "not finite";
  const rounded = Number(value.toPrecision(digits)) + 0;
  const small = rounded !== 0 && Math.abs(rounded) < 1e-4;
  return (small ? rounded.toExponential() : String(rounded)).replaceAll("-", MINUS).replace("+", "");
}

// A number in little room, always of about the same length.
function formatShort(value) {
  if (value === null || !Number.isFinite(value)) return "\u2013";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e4 || size < 1e-3)) {
    const digits = size >= 1e10 || size < 1e-9 ? 0 : 1;
    return value.toExponential(digits).replaceAll("-", MINUS).replace("+", "");
  }
  const places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const text = value.toFixed(places);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", MINUS);
}

function formatCount(count) {
  return (count + 0).toLocaleString("en");
}

function shorten(text, most) {
  const letters = Array.from(text);
  return letters.length > most ? letters.slice(0, most - 1).join("") + "\u2026" : text;
}

// ---------------------------------------------------------------- colours
// M. Okabe and K. Ito's colours; black stands last and becomes the colour of the text.
const CLASS_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mix(from, to, share) {
  return from.map((part, i) => Math.round(part + (to[i] - part) * share));
}

// The colours of bytes 1 to 255, from low over the middle to high; byte 0, not finite, is grey.
function heatColours() {
  const [low, middle, high] = ["--heat-low", "--heat-middle", "--heat-high"].map((name) => rgb(style(name)));
  const colours = [[128, 128, 128]];
  for (let byte = 1; byte <= 255; byte += 1) {
    const share = (byte - 128) / 127;
    colours.push(share < 0 ? mix(middle, low, -share) : mix(middle, high, share));
  }
  return colours;
}

function classColour(index) {
  return CLASS_COLOURS[index % CLASS_COLOURS.length];
}

function css([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}

// ------------------------------------------------------------------ canvas
// A canvas of so many pixels of the page, sharp on every screen; returns its context.
function sizeCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// ------------------------------------------------------------------ layout
function onResize(redraw) {
  let width = document.documentElement.clientWidth;
  window.addEventListener("resize", () => {
    const now = document.documentElement.clientWidth;
    if (now === width) return;
    width = now;
    redraw();
  });
}

function onThemeChange(redraw) {
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function listNotes(list, notes) {
  list.replaceChildren(...notes.map((note) => make("li", {}, note)));
}
