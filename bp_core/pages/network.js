// Draws a network: units in columns, edges between them; all of them are reached by mouse, finger and keyboard.
//
// spec.layers: [{ heading, note, below, units: [{ id, title }] }]; a unit without a title cannot be chosen.
// spec.edges:  [{ id, ends: [[unit, unit], ...], title }]; one parameter may lead to several units.
// spec.least, spec.most: the side of a unit; spec.wide: its least width; spec.height: what the columns should fill.
// spec.inside: lines of text inside a unit; below: lines under the units of a layer.
// spec.onChoose(id): what is chosen for now; null where the pointer has left and nothing is held.

const HEADING_ROOM = 26;
const LINE_ROOM = 17;
const LEAST_PITCH = 66;
const SIDE_ROOM = [42, 62];
const MOST_LETTERS = 40;

class NetworkView {
  constructor(host, spec) {
    this.host = host;
    this.spec = spec;
    this.held = null;
    this.listen();
    this.draw();
  }

  draw() {
    const held = this.held;
    this.layout = layOut(this.host.clientWidth, this.spec);
    const { width, height } = this.layout;
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.context = sizeCanvas(this.canvas, width, height);
    this.svg = makeSvg("svg", { width, height, role: "group", "aria-label": this.spec.label });
    this.items = new Map();
    this.fitted = new Map();
    for (const edge of this.spec.edges) this.addEdge(edge);
    this.spec.layers.forEach((layer, l) => this.addLayer(layer, l));
    this.host.replaceChildren(this.canvas, this.svg);
    this.order = [...this.items.keys()].filter((id) => this.items.get(id).hasAttribute("tabindex"));
    if (held !== null) this.mark(held);
    else if (this.order.length) this.items.get(this.order[0]).setAttribute("tabindex", "0");
  }

  addEdge(edge) {
    const group = makeSvg("g", choosable("edge", edge));
    for (const [from, to] of edge.ends) {
      const path = curve(this.layout, from, to);
      group.append(makeSvg("path", { class: "line", d: path }), makeSvg("path", { class: "reach", d: path }));
    }
    this.svg.append(group);
    this.items.set(edge.id, group);
  }

  addLayer(layer, l) {
    const x = this.layout.columns[l];
    if (this.layout.roomy && layer.heading) {
      this.svg.append(makeSvg("text", { class: "heading halo", x, y: 14 }, layer.heading));
    }
    for (const unit of layer.units) this.addUnit(unit, layer.below);
    if (layer.note) {
      const y = this.layout.bottoms[l] + LINE_ROOM;
      this.svg.append(makeSvg("text", { class: "heading halo", x, y }, layer.note));
    }
  }

  addUnit(unit, below) {
    const { node, wide } = this.layout;
    const { x, y } = this.layout.places.get(unit.id);
    const group = makeSvg("g", choosable("unit", unit));
    const corner = this.spec.inside ? 10 : 4;
    group.append(
      makeSvg("rect", { x: x - wide / 2, y: y - node / 2, width: wide, height: node, rx: corner }),
    );
    for (let line = 0; line < this.spec.inside + below; line += 1) {
      const inside = line < this.spec.inside;
      const row = inside ? line - (this.spec.inside - 1) / 2 : line - this.spec.inside;
      const top = inside ? y + 5 + row * LINE_ROOM : y + node / 2 + 14 + row * LINE_ROOM;
      group.append(makeSvg("text", { class: inside ? "" : "halo", x, y: top }));
    }
    this.svg.append(group);
    this.items.set(unit.id, group);
  }

  // -------------------------------------------------------------- what they show
  write(id, lines) {
    const texts = this.items.get(id).querySelectorAll("text");
    lines.forEach((line, at) => {
      texts[at].textContent = line;
    });
  }

  // A name short enough to stand under a unit of the first or the last column.
  fit(name) {
    if (!this.fitted.has(name)) this.fitted.set(name, this.shortest(name));
    return this.fitted.get(name);
  }

  shortest(name) {
    this.context.font = `13px ${getComputedStyle(this.host).fontFamily}`;
    let most = MOST_LETTERS;
    while (most > 1 && this.context.measureText(shorten(name, most)).width > 2 * this.layout.side) most -= 1;
    return shorten(name, most);
  }

  name(id, title) {
    this.items.get(id).setAttribute("aria-label", title);
  }

  // An edge's colour and dashes tell the sign, its width the size, as a share of the largest.
  // Where there are many edges they are finer.
  weigh(id, value, largest, many) {
    const share = largest > 0 && Number.isFinite(value) ? Math.min(1, Math.abs(value) / largest) : 0;
    for (const line of this.items.get(id).querySelectorAll(".line")) {
      line.setAttribute("class", `line ${value > 0 ? "above" : value < 0 ? "below" : ""}`);
      line.style.strokeWidth = `${(0.6 + (many ? 2.6 : 4.4) * share).toFixed(2)}px`;
      line.style.strokeOpacity = (many ? 0.08 + 0.82 * share ** 1.5 : 0.25 + 0.75 * share).toFixed(2);
    }
  }

  // ------------------------------------------------------------------- choosing
  // The host listens: an SVG that listens for focus is itself a stop of the Tab key.
  listen() {
    for (const type of ["pointerover", "pointerout", "focusin", "click", "keydown"]) {
      this.host.addEventListener(type, (event) => this.react(type, event));
    }
  }

  react(type, event) {
    const id = event.target.closest("[tabindex]")?.dataset.id;
    if (type === "pointerout") this.show(this.held);
    else if (id === undefined) return;
    else if (type === "pointerover") this.show(id);
    else if (type === "keydown") this.move(id, event);
    else this.hold(id);
  }

  // Arrow keys go from one to the next, Home and End to the first and the last.
  move(id, event) {
    const at = this.order.indexOf(id);
    const next = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: this.order.length - 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const to = this.order[(next + this.order.length) % this.order.length];
    this.items.get(to).focus();
  }

  hold(id) {
    this.held = id;
    this.show(id);
  }

  show(id) {
    this.mark(id ?? this.held);
    this.spec.onChoose(id);
  }

  mark(id) {
    for (const [each, group] of this.items) {
      const chosen = each === id;
      group.classList.toggle("chosen", chosen);
      if (!group.hasAttribute("tabindex")) continue;
      group.setAttribute("tabindex", each === (this.held ?? id) ? "0" : "-1");
      group.setAttribute("aria-pressed", chosen);
    }
    if (id === null && this.order?.length) this.items.get(this.order[0]).setAttribute("tabindex", "0");
  }
}

function choosable(kind, { id, title }) {
  if (title === undefined) return { class: kind, "data-id": id };
  return { class: kind, "data-id": id, tabindex: "-1", role: "button", "aria-label": title };
}

// ------------------------------------------------------------------------ places
function layOut(room, spec) {
  const n = spec.layers.length;
  const node = nodeSide(room, spec);
  const wide = Math.max(node, spec.wide ?? 0);
  const side = Math.max(wide / 2 + 4, Math.min(SIDE_ROOM[1], Math.max(SIDE_ROOM[0], room / 10)));
  const width = Math.max(room, 2 * side + (n - 1) * Math.max(LEAST_PITCH, wide + 22));
  const pitch = n > 1 ? (width - 2 * side) / (n - 1) : 0;
  const tallest = Math.max(...spec.layers.map((layer) => layer.units.length));
  const steps = spec.layers.map((layer) => {
    const text = textRoom(layer);
    return Math.max(node + text, Math.min(spec.height / tallest, 2.2 * node + text));
  });
  const full = Math.max(...spec.layers.map((layer, l) => layer.units.length * steps[l]));
  const columns = spec.layers.map((_, l) => side + l * pitch);
  const places = new Map();
  const bottoms = spec.layers.map((layer, l) => placeColumn(places, layer, columns[l], { full, step: steps[l], node }));
  const noted = spec.layers.some((layer) => layer.note);
  const height = HEADING_ROOM + 8 + full + (noted ? LINE_ROOM + 4 : 0);
  return { width, height, node, wide, side, columns, places, bottoms, roomy: pitch >= 72 || n === 1 };
}

function nodeSide(room, spec) {
  const heights = spec.layers.map((layer) => spec.height / layer.units.length - textRoom(layer));
  return Math.max(spec.least, Math.min(spec.most, ...heights, room / (2 * spec.layers.length)));
}

function textRoom(layer) {
  return layer.below * LINE_ROOM + 8;
}

function placeColumn(places, layer, x, { full, step, node }) {
  const text = textRoom(layer);
  const spare = step - node - text;
  const first = HEADING_ROOM + (full - layer.units.length * step + spare) / 2 + node / 2;
  layer.units.forEach((unit, j) => places.set(unit.id, { x, y: first + j * step }));
  return first + (layer.units.length - 1) * step + node / 2 + text;
}

function curve(layout, from, to) {
  const [a, b] = [layout.places.get(from), layout.places.get(to)];
  const [start, end] = [a.x + layout.wide / 2, b.x - layout.wide / 2];
  const bend = (end - start) * 0.45;
  return `M${start} ${a.y}C${start + bend} ${a.y} ${end - bend} ${b.y} ${end} ${b.y}`;
}
