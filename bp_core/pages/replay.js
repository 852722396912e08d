// The replay: one place in time, and everything that follows it.

const PLAY = "M4 2.5v11l9.5-5.5z";
const PAUSE = "M4 2.5h3v11H4zM9 2.5h3v11H9z";
const MANY = 60;
const OWN_KEYS = "select, button, .network [tabindex], input[type=checkbox]";

const recording = new Recording(DATA);
const state = { at: 0, example: 0, chosen: null, timer: null };
let network, surface, lossChart, detailChart;

// ---------------------------------------------------------------------- network
function tall() {
  return DATA.layers.some(({ units }) => units.length > 9);
}

function networkSpec() {
  const places = new Map();
  const layers = DATA.layers.map(({ kind, n, units, names, meaning }, l) => ({
    heading: kind,
    below: names || meaning ? 2 : 1,
    note: n > units.length ? `+ ${formatCount(n - units.length)} more` : "",
    units: units.map((id, j) => {
      places.set(id, { l, j });
      return { id, title: unitTitle(l, j) };
    }),
  }));
  const edges = recording.layers.flatMap(({ weight_names: names }, l) => names.flatMap((row, k) => row.map((id, j) => {
    places.set(id, { l, k, j });
    const ends = [[DATA.layers[l].units[k], DATA.layers[l + 1].units[j]]];
    return { id, ends, title: weightTitle(id, l, k, j) };
  })));
  const label = "The network. Arrow keys move through its weights and units.";
  return { places, layers, edges, label, least: 28, most: 64, height: tall() ? 1010 : 430, inside: 0, onChoose: choose };
}

function drawWeights() {
  recording.layers.forEach(({ weight_names: names }, l) => names.forEach((row, k) => row.forEach((id, j) => {
    network.weigh(id, recording.weight(state.at, l, k, j), recording.largest[l], names.length * row.length > MANY);
  })));
}

function drawUnits() {
  network.context.clearRect(0, 0, network.layout.width, network.layout.height);
  DATA.layers.forEach(({ units, names, meaning }, l) => units.forEach((id, j) => {
    drawMap(id, l, j);
    const value = formatShort(recording.activation(state.at, l, j, state.example));
    const name = names?.[j] ?? meaning;
    network.write(id, [...(name ? [network.fit(name)] : []), network.layout.roomy ? `${id} ${value}` : value]);
  }));
}

function drawMap(id, l, j) {
  const { width, height } = DATA.maps;
  const { node, places } = network.layout;
  const { x, y } = places.get(id);
  const colours = l > 0
    ? Array.from(recording.map(state.at, l, j), (byte) => surface.heat[byte])
    : inputColours(j, width, height);
  paint(drawMap.patch, width, height, colours);
  network.context.imageSmoothingEnabled = true;
  network.context.drawImage(drawMap.patch, x - node / 2, y - node / 2, node, node);
}
drawMap.patch = document.createElement("canvas");

// An input that varies is a ramp; one that is held has the colour of the middle.
function inputColours(j, width, height) {
  const axis = DATA.maps.varying.indexOf(j);
  return Array.from({ length: width * height }, (_, i) => {
    const [across, down] = [(i % width) / (width - 1), 1 - Math.floor(i / width) / Math.max(1, height - 1)];
    return surface.heat[axis < 0 ? 128 : 1 + Math.round(254 * (axis === 0 ? across : down))];
  });
}

// ---------------------------------------------------------------- one thing over time
function choose(id) {
  state.chosen = id;
  drawDetail();
}

function firstChoice() {
  return recording.layers.at(-1).weight_names[0][0];
}

function detail() {
  const id = state.chosen ?? network.held;
  const { l, k, j } = network.spec.places.get(id);
  const every = DATA.epochs.map((_, at) => at);
  if (k !== undefined) {
    return { title: capital(weightTitle(id, l, k, j)), values: every.map((at) => recording.weight(at, l, k, j)), note: "" };
  }
  const values = every.map((at) => recording.activation(at, l, j, state.example));
  const bias = l > 0 ? recording.bias(state.at, l - 1, j) : null;
  const shared = bias?.shared ? ", shared by its layer" : "";
  const note = bias ? `Bias ${bias.name} = ${formatNumber(bias.value)}${shared}.` : "";
  return { title: `${capital(unitTitle(l, j))}, example row ${exampleRow().row}`, values, note };
}

function drawDetail() {
  const { title, values } = detail();
  byId("detail-title").textContent = title;
  detailChart.draw(DATA.epochs, [{ values }]);
  markDetail();
}

function markDetail() {
  const { values, note } = detail();
  const value = values[state.at];
  detailChart.mark(DATA.epochs[state.at], [value]);
  byId("detail-note").textContent = `Now ${formatNumber(value)}. ${note} Point at a weight or a unit to see another.`;
}

// ------------------------------------------------------------------------ the rest
function exampleRow() {
  return DATA.examples.rows[state.example];
}

function drawOutcome() {
  const last = DATA.layers.length - 1;
  const outputs = DATA.layers[last].units.slice(0, 4)
    .map((_, j) => `${called(last, j)} = ${formatNumber(recording.activation(state.at, last, j, state.example), 4)}`);
  const more = DATA.layers[last].n > 4 ? ", \u2026" : "";
  byId("outcome").textContent = `Example row ${exampleRow().row}: output ${outputs.join(", ")}${more}; target ${exampleRow().y}.`;
}

function drawLoss() {
  const { epochs, training, validation } = DATA.curve;
  const series = [{ values: training }];
  if (validation) series.push({ values: validation, dashed: true });
  lossChart.draw(epochs, series, { log: byId("log").checked });
}

// The loss of the last epoch done: after 300 epochs that of epoch 299. At the start there is none.
function markLoss() {
  const epoch = state.at === 0 ? null : DATA.epochs[state.at] - 1;
  const losses = [DATA.losses[state.at], DATA.validation_losses[state.at]];
  lossChart.mark(epoch, losses);
  const seen = DATA.curve.validation ? [0, 1] : [0];
  const kinds = DATA.curve.validation ? ["training (line)", "validation (dashes)"] : ["training loss"];
  const said = seen.map((i) => (epoch === null ? kinds[i] : `${kinds[i]} ${formatNumber(losses[i], 4)}`)).join(", ");
  byId("loss-note").textContent = epoch === null ? `No epoch is done yet. ${capital(said)} of every epoch.`
    : `Epoch ${formatCount(epoch)}: ${said}.`;
}

function drawNow() {
  const done = doneText(DATA.epochs[state.at]);
  const loss = state.at === 0 ? "" : `loss ${formatNumber(DATA.losses[state.at], 4)}`;
  byId("epoch").textContent = done;
  byId("loss").textContent = loss;
  const slider = byId("slider");
  slider.value = state.at;
  slider.setAttribute("aria-valuetext", loss ? `${done}, ${loss}` : done);
}

function drawFrame() {
  drawWeights();
  drawUnits();
  surface.draw(state.at, state.example);
  drawOutcome();
  markLoss();
  markDetail();
  drawNow();
}

// ------------------------------------------------------------------------- playing
function go(at) {
  state.at = Math.max(0, Math.min(recording.length - 1, at));
  drawFrame();
}

function step(by) {
  stop();
  go(state.at + by);
}

function tick() {
  if (state.at >= recording.length - 1) stop();
  else {
    go(state.at + 1);
    state.timer = setTimeout(tick, 1000 / Number(byId("speed").value));
  }
}

function play() {
  if (state.at >= recording.length - 1) go(0);
  showPlaying(true);
  state.timer = setTimeout(tick, 1000 / Number(byId("speed").value));
}

function stop() {
  clearTimeout(state.timer);
  state.timer = null;
  showPlaying(false);
}

function toggle() {
  if (state.timer === null) play();
  else stop();
}

function showPlaying(playing) {
  byId("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  byId("play-shape").setAttribute("d", playing ? PAUSE : PLAY);
}

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest(OWN_KEYS)) return;
  const action = {
    " ": toggle,
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => step(-recording.length),
    End: () => step(recording.length),
  }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// ------------------------------------------------------------------------ starting
function fillIn() {
  byId("title").textContent = DATA.title;
  byId("network-line").textContent = `Network ${DATA.network}`;
  byId("surface-title").textContent = DATA.surface.kind === "classes" ? "Class with the largest output" : "Output";
  byId("panels").classList.toggle("tall", tall());
  byId("slider").max = recording.length - 1;
  byId("example").append(...DATA.examples.rows.map((row, at) => make("option", { value: at }, exampleText(row))));
  const outputs = DATA.surface.kind === "values" ? DATA.surface.planes.length : 0;
  byId("output-label").hidden = outputs < 2;
  byId("output").append(...DATA.layers.at(-1).units.slice(0, outputs).map((_, j) => make("option", { value: j }, called(DATA.layers.length - 1, j))));
  const { inputs } = DATA.surface;
  byId("surface").setAttribute("aria-label", `The output over ${inputs.join(" and ")}, with the data as points`);
  listNotes(byId("notes"), DATA.notes);
}

function drawAll() {
  if (network) network.draw();
  else {
    network = new NetworkView(byId("network"), networkSpec());
    network.held = firstChoice();
    network.mark(network.held);
  }
  surface.resize();
  byId("legend").replaceChildren(...surface.legend());
  drawLoss();
  drawDetail();
  drawFrame();
}

function listen() {
  byId("slider").addEventListener("input", (event) => {
    stop();
    go(Number(event.target.value));
  });
  byId("back").addEventListener("click", () => step(-1));
  byId("forward").addEventListener("click", () => step(1));
  byId("play").addEventListener("click", toggle);
  byId("log").addEventListener("change", () => {
    drawLoss();
    markLoss();
  });
  byId("example").addEventListener("change", (event) => {
    state.example = Number(event.target.value);
    drawFrame();
    drawDetail();
  });
  byId("output").addEventListener("change", (event) => {
    surface.output = Number(event.target.value);
    drawFrame();
  });
  document.addEventListener("keydown", onKey);
  onResize(drawAll);
  onThemeChange(drawAll);
}

fillIn();
surface = new SurfaceView(byId("surface"), byId("surface-room"), DATA);
const seek = (done) => {
  stop();
  go(recording.nearest(done));
};
lossChart = new LineChart(byId("loss-chart"), {
  label: "The loss of every epoch", axis: "index of the epoch, from 0", height: 218, onSeek: (epoch) => seek(epoch + 1),
});
detailChart = new LineChart(byId("detail-chart"), {
  label: "The chosen weight or unit over time", axis: "epochs done", height: 194, onSeek: seek,
});
drawAll();
listen();
