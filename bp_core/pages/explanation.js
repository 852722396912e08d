// The explanation: a network whose weights and units tell how their numbers come about.

const state = { row: 0, chosen: null };
const parameters = new Map(DATA.parameters.map((parameter) => [parameter.name, parameter]));
const drawn = DATA.parameters.filter(({ ends }) => ends.length);
let network;

// ---------------------------------------------------------------------- network
function networkSpec() {
  const layers = DATA.layers.map((layer, l) => ({
    heading: layer.kind,
    note: layer.n > layer.units.length ? `+ ${formatCount(layer.n - layer.units.length)} more` : "",
    units: [...layer.units.map((id) => ({ id, title: l ? `unit ${id}` : `input ${id}` })), ...biasUnit(l)],
  }));
  layers.push({ heading: "error", units: [{ id: "E" }] });
  const edges = [...drawn].map(({ name, ends, from, to }) => ({ id: name, ends, title: parameterTitle({ name, from, to }) }));
  const last = DATA.layers.at(-1).units;
  edges.push({ id: "to E", ends: last.map((id) => [id, "E"]) });
  const label = "The network. Arrow keys move through its weights, biases and units.";
  return { layers, edges, label, least: 46, most: 66, height: 470, inside: 2, below: 1, onChoose: choose };
}

function biasUnit(l) {
  const id = `bias${l}`;
  return drawn.some(({ ends }) => ends[0][0] === id) ? [{ id }] : [];
}

function parameterTitle({ name, from, to }) {
  return name.startsWith("b") ? `bias ${name} of ${to}` : `weight ${name} from ${from} to ${to}`;
}

function drawValues() {
  const row = DATA.rows[state.row];
  for (const { name, value } of row.inputs) network.write(name, [name, formatShort(value), ""]);
  const targets = new Map(DATA.layers.at(-1).units.map((id, j) => [id, row.targets[j]]));
  for (const unit of row.units) {
    const target = network.layout.pitch >= 110 && targets.get(unit.a_name);
    const below = `z ${formatShort(unit.z)}${target ? `, ${target.name} ${formatNumber(target.value, 3)}` : ""}`;
    network.write(unit.a_name, [unit.a_name, formatShort(unit.a), below]);
  }
  DATA.layers.forEach((_, l) => biasUnit(l).forEach(({ id }) => network.write(id, ["bias", "1", ""])));
  network.write("E", ["E", formatShort(row.loss), ""]);
  network.items.get("to E").classList.add("quiet");
  drawWeights();
}

function drawWeights() {
  const largest = Math.max(...drawn.map(({ value }) => Math.abs(value)).filter(Number.isFinite), 0);
  for (const { name, value } of drawn) network.weigh(name, value, largest, drawn.length > 100);
}

// --------------------------------------------------------------- what is lit
// The chosen thing, where it leads from, and every way from there up to the error.
function litBy(id) {
  const ends = parameters.get(id)?.ends ?? [];
  const lit = new Set([id, ...ends.flat(), "to E", "E"]);
  const reached = new Set(ends.length ? ends.map(([, to]) => to) : [id]);
  for (const { units } of DATA.layers) {
    for (const unit of units.filter((each) => reached.has(each))) {
      lit.add(unit);
      for (const { name, ends: [[from, to]] } of drawn) {
        if (from !== unit) continue;
        lit.add(name);
        reached.add(to);
      }
    }
  }
  return lit;
}

function light(id) {
  const known = network.items.has(id);
  const lit = litBy(id);
  for (const [each, group] of network.items) {
    group.classList.toggle("dim", known && !lit.has(each));
    group.classList.toggle("lit", known && lit.has(each));
  }
}

// ------------------------------------------------------------------ the detail
function choose(id) {
  state.chosen = id ?? network.held;
  light(state.chosen);
  drawDetail();
  markList();
}

function drawDetail() {
  const parameter = parameters.get(state.chosen);
  const [title, blocks] = parameter ? parameterDetail(parameter) : unitDetail(state.chosen);
  byId("detail-title").textContent = title[0].toUpperCase() + title.slice(1);
  byId("detail").replaceChildren(...blocks);
}

function parameterDetail(parameter) {
  const { name, derivative: mean, place, value, rows } = parameter;
  const row = rows[state.row];
  const which = DATA.n_rows > 1 ? `Chain rule, row ${DATA.rows[state.row].row}` : "Chain rule";
  const blocks = [block(which, ...sumOfProducts(`dE/d${name}`, row.products, row.value))];
  if (DATA.n_rows > 1) blocks.push(block(`Mean over ${formatCount(DATA.n_rows)} rows`, equation(`dE/d${name}`, formatNumber(mean))));
  const names = [...symbols(`${name} \u2190 ${name} - learning_rate \u00d7 `), derivative(`dE/d${name}`)];
  const numbers = `${formatNumber(value)} ${MINUS} ${formatNumber(DATA.learning_rate)} \u00d7 ${bracket(mean)}`;
  blocks.push(block("One step of gradient descent", textLine(...names), equation(null, numbers, formatNumber(parameter.updated))));
  const where = parameter.ends.length ? "" : ". Not drawn: one of its units is left out.";
  blocks.push(block("Check by central difference", checkLine(parameter)), make("p", { class: "soft" }, `In the library: ${place}${where}`));
  return [parameterTitle(parameter), blocks];
}

function equation(name, ...sides) {
  const parts = sides.flatMap((side, i) => (i || name ? [` = ${side}`] : [`= ${side}`]));
  return name ? textLine(derivative(name), ...parts) : textLine(...parts);
}

function checkLine({ check, difference, agrees }) {
  const said = check.replace(/^central difference:? /, "").replace(/: [a-z ]+$/i, ": ");
  if (difference === null) return textLine(said);
  const verdict = agrees ? "they agree" : "they do not agree";
  return textLine(said, make("span", { class: agrees ? "agree" : "disagree" }, `${agrees ? "\u2713" : "\u2717"} ${verdict}`));
}

function unitDetail(id) {
  const row = DATA.rows[state.row];
  const input = row.inputs.find(({ name }) => name === id);
  if (input) {
    const lines = [textLine(...symbols(id), ` = ${formatNumber(input.value)}`), equation(`dE/d${id}`, formatNumber(input.derivative))];
    return [`input ${id}`, [block("Value and derivative", ...lines)]];
  }
  const unit = row.units.find((each) => each.a_name === id);
  const a = textLine(...symbols(`${id} = ${unit.formula}`), ` = ${formatNumber(unit.a)}`);
  const back = equation(`dE/d${unit.z_name}`, formatNumber(unit.delta));
  return [`unit ${id}`, [block("Sum", ...sumLines(unit)), block("Activation", a), block("On the way back", back)]];
}

function sumLines(unit) {
  const names = unit.terms.map(({ weight, source }) => `${weight} ${source}`);
  const numbers = unit.terms.map(({ weight_value: w, source_value: a }) => `${bracket(w)} \u00d7 ${bracket(a)}`);
  if (unit.n_left_out) {
    names.push(`${formatCount(unit.n_left_out)} more`);
    numbers.push("\u2026");
  }
  if (unit.bias_name !== null) {
    names.push(unit.bias_name);
    numbers.push(bracket(unit.bias));
  }
  return [
    textLine(...symbols(`${unit.z_name} = ${names.join(" + ")}`)),
    textLine(`= ${numbers.join(" + ")}`),
    textLine(`= ${formatNumber(unit.z)}`),
  ];
}

// -------------------------------------------------------------------- the list
function listRow(parameter) {
  const { name, from, to, value, derivative: mean, updated, difference } = parameter;
  const button = make("button", { "data-id": name, tabindex: "-1", "aria-label": parameterTitle(parameter) }, ...symbols(name));
  const cell = (content, kind = "number") => make("td", { class: kind }, ...content);
  return make("tr", { "data-id": name },
    cell([button], ""),
    cell(symbols(`${from === "1" ? "bias" : from} \u2192 ${to}`), "wide"),
    cell([formatNumber(value)]), cell([formatNumber(mean)]), cell([formatNumber(updated)], "wide number"),
    cell([difference === null ? "none" : formatNumber(difference)], "wide number"));
}

function markList() {
  const buttons = [...byId("list").querySelectorAll("button")];
  const held = buttons.find((button) => button.dataset.id === state.chosen) ?? buttons[0];
  for (const button of buttons) {
    const chosen = button.dataset.id === state.chosen;
    button.tabIndex = button === held ? 0 : -1;
    button.setAttribute("aria-pressed", chosen);
    button.closest("tr").classList.toggle("chosen", chosen);
  }
}

function onListKey(event) {
  const buttons = [...byId("list").querySelectorAll("button")];
  const at = buttons.indexOf(event.target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  buttons[Math.max(0, Math.min(buttons.length - 1, next))].focus();
}

function holdFromList(event) {
  const id = event.target.closest("[data-id]")?.dataset.id;
  if (id !== undefined) network.hold(id);
}

// -------------------------------------------------------------------- starting
function drawError() {
  const { name, formula } = DATA.loss;
  const row = DATA.rows[state.row];
  const which = DATA.n_rows > 1 ? ` of row ${row.row}` : "";
  const mean = DATA.n_rows > 1 ? `; mean over ${formatCount(DATA.n_rows)} rows ${formatNumber(DATA.loss.value)}` : "";
  const targets = row.targets.slice(0, 6).map((target) => `${target.name} = ${formatNumber(target.value, 4)}`).join(", ");
  const more = row.targets.length > 6 ? ", \u2026" : "";
  byId("error").replaceChildren(
    `Error (${name})${which}: `, ...symbols(`E = ${formula}`), ` = ${formatNumber(row.loss)} with `, ...symbols(targets), `${more}${mean}.`,
  );
}

function rowText(row) {
  const inputs = row.inputs.slice(0, 3).map(({ value }) => formatNumber(value, 3)).join(", ");
  return `${row.row}: (${inputs}${row.inputs.length > 3 ? ", \u2026" : ""})`;
}

function drawAll() {
  if (network) network.draw();
  else network = new NetworkView(byId("network"), networkSpec());
  drawValues();
  drawError();
  network.hold(network.held ?? firstChoice());
}

// The first weight drawn to an output.
function firstChoice() {
  const outputs = DATA.layers.at(-1).units;
  const found = drawn.find(({ ends }) => outputs.includes(ends[0][1])) ?? drawn[0] ?? DATA.parameters[0];
  return found.name;
}

function fillIn() {
  byId("network-line").textContent = `Network ${DATA.network}, learning rate ${formatNumber(DATA.learning_rate)}`;
  byId("row-label").hidden = DATA.rows.length < 2;
  byId("row").append(...DATA.rows.map((row, at) => make("option", { value: at }, rowText(row))));
  if (DATA.left_out.length) byId("list-title").textContent = "Parameters";
  byId("list").append(...DATA.parameters.map(listRow));
  listNotes(byId("notes"), DATA.left_out);
}

fillIn();
drawAll();
byId("row").addEventListener("change", (event) => {
  state.row = Number(event.target.value);
  drawAll();
});
for (const type of ["click", "focusin"]) byId("list").addEventListener(type, holdFromList);
byId("list").addEventListener("keydown", onListKey);
onResize(drawAll);
onThemeChange(drawAll);
