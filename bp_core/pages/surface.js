// The output over the inputs that vary: a coloured surface for two, curves for one; the data points on top.

const SURFACE_MARGIN = { top: 8, right: 10, bottom: 40, left: 56 };

class SurfaceView {
  constructor(canvas, room, data) {
    Object.assign(this, { canvas, room, data, surface: data.surface, output: 0 });
    const { surface } = this;
    for (const name of ["winner", "share"]) if (surface[name]) this[name] = bytesOf(surface[name]);
    this.planes = (surface.planes ?? []).map(bytesOf);
    this.lines = surface.line ? unpackLines(surface.line) : null;
    this.values = surface.values && floatsOf(surface.values);
    this.patch = document.createElement("canvas");
    this.resize();
  }

  resize() {
    const width = Math.min(470, this.room.clientWidth);
    const height = this.surface.kind === "curve" ? Math.round(width * 0.8) : width - 18;
    this.context = sizeCanvas(this.canvas, width, height);
    const { top, right, bottom, left } = SURFACE_MARGIN;
    this.area = { left, top, width: width - left - right, height: height - top - bottom };
    this.heat = heatColours();
    const [x, y] = this.limits();
    this.x = scale(...x, left, width - right, false);
    this.y = scale(...y, height - bottom, top, false);
  }

  limits() {
    const [x, y] = this.surface.ranges;
    if (this.surface.kind !== "curve") return [x, y];
    const targets = this.data.points.y ? this.data.points.y.flat() : this.data.points.labels;
    const [low, high] = [Math.min(...targets), Math.max(...targets)];
    const room = (high - low) * 0.2 || 1;
    return [x, [low - room, high + room]];
  }

  draw(at, example) {
    const { context, area } = this;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    if (this.surface.kind === "curve") this.drawCurves(at);
    else this.drawPlane(at);
    context.restore();
    this.drawAxes();
    this.drawPoints(example);
  }

  // --------------------------------------------------------------------- two inputs
  drawPlane(at) {
    const n = this.surface.points;
    const size = n * n;
    const part = (bytes) => bytes.subarray(at * size, (at + 1) * size);
    const { context, area } = this;
    paint(this.patch, n, n, this.surface.kind === "classes"
      ? this.classColours(part(this.winner), part(this.share))
      : Array.from(part(this.planes[this.output]), (byte) => this.heat[byte]));
    const [across, down] = [area.width / (n - 1), area.height / (n - 1)];
    context.imageSmoothingEnabled = true;
    context.drawImage(this.patch, area.left - across / 2, area.top - down / 2, area.width + across, area.height + down);
    if (this.lines) this.drawLines(this.lines[at]);
  }

  classColours(winner, share) {
    const back = rgb(style("--heat-middle"));
    return Array.from(winner, (index, i) => {
      if (index === 255) return [128, 128, 128];
      return mix(back, rgb(classColour(index)), 0.15 + 0.5 * ((share[i] - 1) / 254));
    });
  }

  // Where the output is in the middle of its range.
  drawLines(lines) {
    const { context, area } = this;
    context.beginPath();
    for (const line of lines) {
      for (let i = 0; i < line.length; i += 2) {
        const [x, y] = [area.left + (line[i] / 65535) * area.width, area.top + (line[i + 1] / 65535) * area.height];
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
    }
    context.lineJoin = "round";
    context.lineWidth = 1.6;
    context.strokeStyle = style("--text");
    context.stroke();
  }

  // ---------------------------------------------------------------------- one input
  drawCurves(at) {
    const { points, outputs } = this.surface;
    const [low, high] = this.surface.ranges[0];
    for (let j = 0; j < outputs; j += 1) {
      this.context.beginPath();
      for (let i = 0; i < points; i += 1) {
        const value = this.values[(at * points + i) * outputs + j];
        const x = this.x(low + ((high - low) * i) / (points - 1));
        if (Number.isFinite(value)) this.context.lineTo(x, this.y(value));
      }
      this.context.lineWidth = 2.5;
      this.context.strokeStyle = outputs === 1 ? style("--blue") : classColour(j);
      this.context.setLineDash(j % 2 ? [7, 4] : []);
      this.context.stroke();
    }
    this.context.setLineDash([]);
  }

  // -------------------------------------------------------------------------- points
  drawPoints(example) {
    const { points, examples } = this.data;
    const ringed = examples.rows[example].at;
    const line = style(points.labels ? "--panel" : "--soft");
    points.x[0].forEach((x, s) => {
      for (const { shape, colour, y } of this.markers(s)) {
        drawMarker(this.context, shape, this.x(x), this.y(y), 4.5, colour, line);
        if (s === ringed) drawRing(this.context, this.x(x), this.y(y));
      }
    });
  }

  // One marker for a row of two inputs; of one input one for each output.
  markers(s) {
    const { points, classes } = this.data;
    const label = points.labels?.[s];
    if (this.surface.kind !== "curve") {
      const colour = classes ? colourOfClass(label, this.planes.length > 0) : css(this.heat[this.byteOf(points.y[this.output][s])]);
      return [{ shape: classes ? shapeOf(label) : "circle", colour, y: points.x[1][s] }];
    }
    if (!points.y) return [{ shape: shapeOf(label), colour: classColour(label), y: label }];
    const single = points.y.length === 1;
    return points.y.map((column, j) => ({ shape: shapeOf(j), colour: single ? style("--vermilion") : classColour(j), y: column[s] }));
  }

  byteOf(value) {
    const { low, high } = this.surface;
    return Math.max(1, Math.min(255, Math.round(((value - low) / (high - low)) * 254) + 1));
  }

  // ---------------------------------------------------------------------------- axes
  drawAxes() {
    const { context, area } = this;
    const bottom = area.top + area.height;
    context.strokeStyle = style("--line");
    context.lineWidth = 1;
    context.strokeRect(area.left + 0.5, area.top + 0.5, area.width - 1, area.height - 1);
    context.fillStyle = style("--soft");
    context.font = "13px system-ui, sans-serif";
    context.textAlign = "center";
    for (const value of this.x.ticks(4)) context.fillText(formatTick(value), this.x(value), bottom + 16);
    context.fillText(shorten(this.surface.inputs[0], 40), area.left + area.width / 2, bottom + 34);
    context.textAlign = "right";
    for (const value of this.y.ticks(4)) context.fillText(formatTick(value), area.left - 6, this.y(value) + 4);
    context.save();
    context.translate(13, area.top + area.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(shorten(this.surface.inputs[1] ?? "output", 36), 0, 0);
    context.restore();
  }

  legend() {
    const held = this.data.layers[0].n > this.surface.inputs.length ? [make("span", {}, "The other inputs are held at their mean.")] : [];
    return [...this.keys(), ...held];
  }

  keys() {
    const { classes, surface } = this.data;
    if (surface.kind === "curve") return [make("span", {}, "Lines: the output. Markers: the targets.")];
    const keys = classes ? classKeys(classes, this.planes.length > 0) : [];
    if (surface.kind === "classes") return [...keys, make("span", {}, "Stronger colour: larger output.")];
    const ramp = make("span", { class: "ramp", "aria-hidden": "true" });
    ramp.style.background = `linear-gradient(90deg, ${[1, 64, 128, 192, 255].map((byte) => css(this.heat[byte])).join(", ")})`;
    const bar = [make("span", {}, formatNumber(surface.low, 4)), ramp, make("span", {}, formatNumber(surface.high, 4))];
    return this.lines ? [...bar, ...keys, make("span", {}, `Line: output ${formatNumber((surface.low + surface.high) / 2, 4)}`)] : bar;
  }
}

// Colours to a small canvas, a pixel each.
function paint(canvas, width, height, colours) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  colours.forEach((colour, i) => image.data.set([...colour, 255], 4 * i));
  context.putImageData(image, 0, 0);
}

// The lines of every snapshot, each as x, y, x, y, ... in 65535 steps from the left and from the top.
function unpackLines({ points, lengths }) {
  const numbers = wordsOf(points);
  let end = 0;
  return lengths.map((lines) => lines.map((length) => numbers.subarray(end, (end += 2 * length))));
}
