// The explanation: a network whose weights and units tell how their numbers come about.

const state = { row: 0, chosen: null };
const parameters = new Map(DATA.parameters.map((parameter) => [parameter.name, parameter]));
const drawn = DATA.parameters.filter(({ ends }) => ends.length);
let network;

// ------------------------------------------------------------------------ names
// What the user calls the inputs or the outputs; null where there are no names.
function namesOf(l) {
  const [row] = DATA.rows;
  const labelled = l === 0 ? row.inputs : l === DATA.layers.length - 1 ? row.targets : [];
  return labelled.some(({ label }) => label) ? labelled.map(({ label }) => label) : null;
}

// The user's name of a unit, by its a or z.
function ownName(id) {
  const a = id.replace(/^z/, "a");
  const l = DATA.layers.findIndex(({ units }) => units.includes(a));
  return l < 0 ? "" : namesOf(l)?.[DATA.layers[l].units.indexOf(a)] ?? "";
}

// What a unit is called: left (x1), or a1 where it has no name of its own.
function named(id) {
  const name = ownName(id);
  return name === "" ? id : `${shorten(name, 28)} (${id})`;
}

function unitTitle(id) {
  return `${id.startsWith("x") ? "input" : "unit"} ${named(id)}`;
}

// ---------------------------------------------------------------------- network
function networkSpec() {
  const last = DATA.layers.length - 1;
  const layers = DATA.layers.map((layer, l) => ({
    heading: layer.kind,
    below: (l > 0) + (l === last) + Boolean(namesOf(l)),
    note: layer.n > layer.units.length ? `+ ${formatCount(layer.n - layer.units.length)} more` : "",
    units: [...layer.units.map((id) => ({ id, title: unitTitle(id) })), ...biasUnit(l)],
  }));
  layers.push({ heading: "error", below: 0, units: [{ id: "E" }] });
  const edges = [...drawn].map(({ name, ends, from, to }) => ({ id: name, ends, title: parameterTitle({ name, from, to }) }));
  edges.push({ id: "to E", ends: DATA.layers[last].units.map((id) => [id, "E"]) });
  const label = "The network. Arrow keys move through its weights, biases and units.";
  return { layers, edges, label, least: 46, most: 66, wide: 60, height: 470, inside: 2, onChoose: choose };
}

function biasUnit(l) {
  const id = `bias${l}`;
  return drawn.some(({ ends }) => ends[0][0] === id) ? [{ id }] : [];
}

function parameterTitle({ name, from, to }) {
  return name.startsWith("b") ? `bias ${name} of ${named(to)}` : `weight ${name} from ${named(from)} to ${named(to)}`;
}

function drawValues() {
  const row = DATA.rows[state.row];
  row.inputs.forEach(({ name, value }, k) => network.write(name, [name, formatShort(value), ...caption(0, k)]));
  const outputs = DATA.layers.at(-1).units;
  for (const unit of row.units) {
    const lines = [unit.a_name, formatShort(unit.a), `z ${formatShort(unit.z)}`];
    const j = outputs.indexOf(unit.a_name);
    if (j >= 0) lines.push(`${row.targets[j].name} ${targetText(row.targets[j].value)}`, ...caption(DATA.layers.length - 1, j));
    network.write(unit.a_name, lines);
  }
  DATA.layers.forEach((_, l) => biasUnit(l).forEach(({ id }) => network.write(id, ["bias", "1"])));
  network.write("E", ["E", formatShort(row.loss)]);
  network.items.get("to E").classList.add("quiet");
  drawWeights();
}

function targetText(value) {
  return Number.isInteger(value) && Math.abs(value) < 1e4 ? formatNumber(value) : formatShort(value);
}

function caption(l, j) {
  const names = namesOf(l);
  return names ? [network.fit(names[j])] : [];
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
  const said = check.replace(/^central difference:? /, "").replace(/: [a-z ]+$/i, ": ")
    .replaceAll(/-(?=\d)/g, MINUS);
  if (difference === null) return textLine(said);
  const verdict = agrees ? "they agree" : "they do not agree";
  return textLine(said, make("span", { class: agrees ? "agree" : "disagree" }, `${agrees ? "\u2713" : "\u2717"} ${verdict}`));
}

function unitDetail(id) {
  const row = DATA.rows[state.row];
  const input = row.inputs.find(({ name }) => name === id);
  if (input) {
    const lines = [textLine(...symbols(id), ` = ${formatNumber(input.value)}`), equation(`dE/d${id}`, formatNumber(input.derivative))];
    return [unitTitle(id), [block("Value and derivative", ...lines)]];
  }
  const unit = row.units.find((each) => each.a_name === id);
  const a = textLine(...symbols(`${id} = ${unit.formula}`), ` = ${formatNumber(unit.a)}`);
  const back = equation(`dE/d${unit.z_name}`, formatNumber(unit.delta));
  return [unitTitle(id), [block("Sum", ...sumLines(unit)), block("Activation", a), block("On the way back", back)]];
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

function listed() {
  return [...byId("list").querySelectorAll("tr:not([hidden]) button")];
}

// Leave the rows whose name, or that of a unit at one end, is what is sought: W1 and not W10, but b of all biases.
function find(sought) {
  const wanted = sought.trim().toLowerCase();
  const fits = (word) => (/\d$/.test(wanted) ? word === wanted : word.startsWith(wanted));
  for (const row of byId("list").rows) {
    const { name, from, to } = parameters.get(row.dataset.id);
    const ends = [from, ...to.split(", ")];
    const words = [name, from === "1" ? "bias" : "weight", ...ends, ...ends.map(ownName).filter(Boolean)];
    row.hidden = !words.some((word) => fits(word.toLowerCase()));
  }
  byId("none-found").hidden = listed().length > 0;
  markList();
}

// Where the page is narrow the detail stands far above the list.
function showDetail() {
  const { top, bottom } = byId("detail-title").getBoundingClientRect();
  if (top < 0 || bottom > window.innerHeight) byId("detail-panel").scrollIntoView();
}

function markList() {
  const buttons = listed();
  const held = buttons.find((button) => button.dataset.id === state.chosen) ?? buttons[0];
  for (const button of buttons) {
    const chosen = button.dataset.id === state.chosen;
    button.tabIndex = button === held ? 0 : -1;
    button.setAttribute("aria-pressed", chosen);
    button.closest("tr").classList.toggle("chosen", chosen);
  }
}

function onListKey(event) {
  const buttons = listed();
  const at = buttons.indexOf(event.target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  buttons[Math.max(0, Math.min(buttons.length - 1, next))].focus();
}

function holdFromList(event) {
  const id = event.target.closest("[data-id]")?.dataset.id;
  if (id !== undefined) network.hold(id);
  return id !== undefined;
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
  const input = ({ label, value }) => `${label ? `${shorten(label, 12)} ` : ""}${formatNumber(value, 3)}`;
  const inputs = row.inputs.slice(0, 3).map(input).join(", ");
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
byId("list").addEventListener("focusin", (event) => event.target.matches(":focus-visible") && holdFromList(event));
byId("list").addEventListener("click", (event) => holdFromList(event) && showDetail());
byId("list").addEventListener("keydown", onListKey);
byId("find").addEventListener("input", (event) => find(event.target.value));
onResize(drawAll);
onThemeChange(drawAll);
