// A small chart of lines over the epochs, with a marker that moves along.
//
// axis: what the epochs are, in words.
// series: [{ name, values, dashed }]; values are null where they are not finite.
// onSeek(epoch): where the reader points.

const CHART_MARGIN = { top: 10, right: 14, bottom: 44, left: 58 };

class LineChart {
  constructor(host, { label, axis, height, onSeek }) {
    Object.assign(this, { host, label, axis, height, onSeek });
  }

  draw(epochs, series, { log = false } = {}) {
    const width = Math.max(200, this.host.clientWidth);
    const values = series.flatMap((one) => one.values).filter((value) => usable(value, log));
    Object.assign(this, { epochs, series, log, width });
    this.x = scale(epochs[0] ?? 0, epochs.at(-1) ?? 1, CHART_MARGIN.left, width - CHART_MARGIN.right, false);
    this.y = scale(...limits(values, log), this.height - CHART_MARGIN.bottom, CHART_MARGIN.top, log);
    this.svg = makeSvg("svg", { width, height: this.height, class: "chart", role: "img", "aria-label": this.label });
    this.drawAxes();
    series.forEach((one) => this.svg.append(this.line(one)));
    this.marker = makeSvg("line", { class: "marker", y1: CHART_MARGIN.top, y2: this.height - CHART_MARGIN.bottom });
    this.dots = series.map(() => makeSvg("circle", { class: "dot", r: 4.5 }));
    this.svg.append(this.marker, ...this.dots);
    this.host.replaceChildren(this.svg);
    if (this.onSeek) this.listen();
  }

  drawAxes() {
    const [left, right] = [CHART_MARGIN.left, this.width - CHART_MARGIN.right];
    const bottom = this.height - CHART_MARGIN.bottom;
    for (const value of this.y.ticks(4)) {
      const y = this.y(value);
      this.svg.append(
        makeSvg("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }),
        makeSvg("text", { class: "y", x: left - 8, y: y + 4 }, formatTick(value)),
      );
    }
    for (const value of this.x.ticks(this.width > 420 ? 6 : 3).filter(Number.isInteger)) {
      const x = Math.min(this.x(value), this.width - 4.2 * formatCount(value).length);
      this.svg.append(makeSvg("text", { class: "x", x, y: bottom + 19 }, formatCount(value)));
    }
    this.svg.append(
      makeSvg("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }),
      makeSvg("text", { class: "x", x: (left + right) / 2, y: bottom + 38 }, this.axis),
    );
  }

  line(one) {
    let path = "";
    let pen = "M";
    one.values.forEach((value, at) => {
      if (!usable(value, this.log)) {
        pen = "M";
        return;
      }
      path += `${pen}${this.x(this.epochs[at]).toFixed(1)} ${this.y(value).toFixed(1)}`;
      pen = "L";
    });
    return makeSvg("path", { class: one.dashed ? "curve dashed" : "curve", d: path || "M0 0" });
  }

  // Move the marker to an epoch, or away for null; heights are the values of the series there.
  mark(epoch, heights) {
    this.marker.style.display = epoch === null ? "none" : "";
    const x = this.x(epoch ?? this.epochs[0] ?? 0);
    this.marker.setAttribute("x1", x);
    this.marker.setAttribute("x2", x);
    this.dots.forEach((dot, at) => {
      const shown = epoch !== null && usable(heights[at], this.log);
      dot.style.display = shown ? "" : "none";
      if (!shown) return;
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", this.y(heights[at]));
    });
  }

  listen() {
    const seek = (event) => {
      const at = event.clientX - this.svg.getBoundingClientRect().left;
      this.onSeek(this.x.invert(at));
    };
    this.svg.addEventListener("pointerdown", (event) => {
      this.svg.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (event.buttons) seek(event);
    });
  }
}

function usable(value, log) {
  return value !== null && value !== undefined && Number.isFinite(value) && (!log || value > 0);
}

function limits(values, log) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [log ? 0.1 : 0, 1];
  if (log) return low < high ? [low, high] : [low / 2, high * 2];
  if (low >= 0 && low < 0.4 * high) low = 0;
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low === 0 ? 0 : low - room, high + room];
}

// Numbers to places, linear or by their logarithm.
function scale(low, high, start, end, log) {
  const [from, to] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const span = to - from || 1;
  const place = (value) => start + (((log ? Math.log10(value) : value) - from) / span) * (end - start);
  place.invert = (at) => from + ((at - start) / (end - start)) * span;
  place.ticks = (count) => (log ? logTicks(low, high) : linearTicks(low, high, count));
  return place;
}

function linearTicks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step + 0);
  return ticks;
}

function logTicks(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / 5));
  const leads = last - first <= 2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = first; power <= last; power += every) ticks.push(...leads.map((lead) => lead * 10 ** power));
  return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}

function formatTick(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(0).replaceAll("-", MINUS).replace("+", "");
  return formatNumber(value, 4);
}
