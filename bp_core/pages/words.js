// What the replay calls its units, rows and places in time.

// What a unit is called: left (x1), or a1 where it has no name of its own.
function called(l, j) {
  const { units, names } = DATA.layers[l];
  return names ? `${shorten(names[j], 28)} (${units[j]})` : units[j];
}

function unitTitle(l, j) {
  return `${l ? "unit" : "input"} ${called(l, j)}`;
}

function weightTitle(id, l, k, j) {
  return `weight ${id} from ${called(l, k)} to ${called(l + 1, j)}`;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function doneText(done) {
  return done === 0 ? "before training" : `after ${formatCount(done)} ${done === 1 ? "epoch" : "epochs"}`;
}

function exampleText({ row, x, y }) {
  const { names } = DATA.layers[0];
  const numbers = x.slice(0, 3).map((value, k) => `${names ? `${shorten(names[k], 12)} ` : ""}${formatNumber(value, 3)}`);
  const inputs = `${numbers.join(", ")}${x.length > 3 ? ", \u2026" : ""}`;
  return `row ${row}, target ${y}: ${names ? inputs : `(${inputs})`}`;
}
