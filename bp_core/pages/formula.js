// Names, derivatives and products as readable formulas.

const DERIVATIVE = /\bd(E|[za]\d*)\/d([xzaWb]\d*)/g;
const NAME = /([xzaWby])(\d+)/;

// Text in which W7 becomes W with a small 7, ^2 a raised 2, a hyphen between spaces or before a number a minus, and
// the d's of a derivative round.
function symbols(text) {
  const round = text.replaceAll(DERIVATIVE, "\u2202$1/\u2202$2");
  return round.replaceAll(/(^|[\s(])-/g, `$1${MINUS}`).split(/(\b(?:[xzaWby]\d+|[yE])\b|\^\d)/).map((part) => {
    const name = NAME.exec(part);
    if (name && part === name[0]) return make("var", {}, name[1], make("sub", {}, name[2]));
    if (/^\^\d$/.test(part)) return make("sup", {}, part[1]);
    return part === "y" || part === "E" ? make("var", {}, part) : part;
  });
}

// dE/dW7 as a fraction with round d's; other text as it is. Readers of the page's text find a slash in it.
function derivative(name) {
  const found = /^d([^/]+)\/d([^/]+)$/.exec(name);
  if (!found) return make("span", {}, ...symbols(name));
  const [over, under] = found.slice(1).map((part) => ["\u2202", ...symbols(part)]);
  return make("span", { class: "fraction" },
    make("span", {}, ...over), make("span", { class: "for-readers" }, "/"), make("span", { class: "under" }, ...under));
}

function factorBox({ name, formula, value, paths }) {
  const words = paths ? "sum over the paths" : formula;
  const title = name === words ? [] : [derivative(name)];
  return make("span", { class: "factor" }, ...title,
    make("span", { class: "formula" }, ...symbols(words)), make("span", { class: "value" }, formatNumber(value)));
}

function sign(text) {
  return make("span", { class: "sign" }, text);
}

function product(factors) {
  return factors.flatMap((factor, i) => (i ? [sign("\u00d7"), factorBox(factor)] : [factorBox(factor)]));
}

function result(value) {
  return make("span", { class: "result" }, sign("= "), formatNumber(value));
}

// One line for each product, added up; then the factors that are sums themselves, spelled out.
function sumOfProducts(name, products, value) {
  const lines = products.map((factors, i) => make("div", { class: "chain" },
    ...(i ? [sign("+")] : [derivative(name), sign("=")]), ...product(factors),
    ...(i === products.length - 1 ? [result(value)] : [])));
  const sums = products.flat().filter((factor) => factor.paths);
  return [...lines, ...sums.flatMap((factor) => spelledOut(factor))];
}

function spelledOut(factor) {
  return [
    make("p", { class: "line soft" }, "with"),
    ...sumOfProducts(factor.name, factor.paths, factor.value).map((line) => {
      line.classList.add("paths");
      return line;
    }),
  ];
}

function block(title, ...lines) {
  return make("div", { class: "block" }, make("h3", {}, title), ...lines);
}

function textLine(...parts) {
  return make("p", { class: "line" }, ...parts);
}

// A number as it stands in a sum or product: in brackets where it is below 0.
function bracket(value) {
  return value < 0 ? `(${formatNumber(value)})` : formatNumber(value);
}
