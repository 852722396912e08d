// Markers of data points: a colour and a shape for each class, so that neither is needed alone.

const SHAPES = ["circle", "square", "triangle", "diamond", "down", "cross", "hexagon"];

function shapeOf(index) {
  return SHAPES[index % SHAPES.length]; // seven shapes and six colours: no pair comes twice below 42
}

function corners(sides, turn, size) {
  return Array.from({ length: sides }, (_, i) => {
    const angle = turn + (2 * Math.PI * i) / sides;
    return [size * Math.cos(angle), size * Math.sin(angle)];
  });
}

const OUTLINES = {
  circle: corners(24, 0, 1),
  square: corners(4, Math.PI / 4, 1.2),
  triangle: corners(3, -Math.PI / 2, 1.3),
  diamond: corners(4, 0, 1.25),
  down: corners(3, Math.PI / 2, 1.3),
  hexagon: corners(6, 0, 1.1),
  cross: [
    [-0.35, -1], [0.35, -1], [0.35, -0.35], [1, -0.35], [1, 0.35], [0.35, 0.35],
    [0.35, 1], [-0.35, 1], [-0.35, 0.35], [-1, 0.35], [-1, -0.35], [-0.35, -0.35],
  ],
};

function drawMarker(context, shape, x, y, size, fill, line) {
  context.beginPath();
  OUTLINES[shape].forEach(([dx, dy], i) => {
    const place = [x + dx * size, y + dy * size];
    if (i === 0) context.moveTo(...place);
    else context.lineTo(...place);
  });
  context.closePath();
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = line;
  context.stroke();
}

function drawRing(context, x, y) {
  context.beginPath();
  context.arc(x, y, 9.5, 0, 2 * Math.PI);
  context.lineWidth = 2;
  context.strokeStyle = style("--text");
  context.stroke();
}

// The colour of a class: of two classes of one output those of the picture's ends.
function colourOfClass(index, ends) {
  return ends ? style(index ? "--blue" : "--vermilion") : classColour(index);
}

function classKeys(names, ends) {
  return names.map((name, index) => {
    const canvas = make("canvas", { "aria-hidden": "true" });
    drawMarker(sizeCanvas(canvas, 14, 14), shapeOf(index), 7, 7, 5, colourOfClass(index, ends), style("--panel"));
    return make("span", { class: "key" }, canvas, name);
  });
}
