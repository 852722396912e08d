// The numbers of a recording, unpacked once: typed arrays, and how they are asked for.

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function wordsOf(text) {
  return new Uint16Array(bytesOf(text).buffer);
}

function floatsOf(text) {
  return new Float32Array(bytesOf(text).buffer);
}

class Recording {
  constructor(data) {
    this.data = data;
    this.length = data.epochs.length;
    this.layers = data.parameters.map((layer, l) => this.unpackLayer(layer, l));
    this.maps = data.maps.layers.map((layer) => bytesOf(layer.bytes));
    this.activations = data.examples.layers.map(floatsOf);
    this.largest = this.layers.map((layer) => largest(layer.weights));
  }

  unpackLayer(layer, l) {
    const [fanIn, fanOut] = [l, l + 1].map((at) => this.data.layers[at].units.length);
    return { ...layer, fanIn, fanOut, weights: floatsOf(layer.weights), biases: floatsOf(layer.biases) };
  }

  weight(at, l, k, j) {
    const { weights, fanIn, fanOut } = this.layers[l];
    return weights[(at * fanIn + k) * fanOut + j];
  }

  // The bias of a unit and its name; null where the layer has none.
  bias(at, l, j) {
    const { biases, bias_names: names, bias_shared: shared } = this.layers[l];
    if (!names.length || names[0] === null) return null;
    const which = shared ? 0 : j;
    return { name: names[which], value: biases[at * names.length + which], shared };
  }

  // The activation of a unit for an example row; of layer 0 the input.
  activation(at, l, j, example) {
    const { rows } = this.data.examples;
    if (l === 0) return rows[example].x[j];
    const units = this.data.layers[l].units.length;
    return this.activations[l - 1][(at * rows.length + example) * units + j];
  }

  // The bytes of a unit's picture, for layers above the inputs.
  map(at, l, j) {
    const { width, height } = this.data.maps;
    const units = this.data.layers[l].units.length;
    const size = width * height;
    const start = (at * units + j) * size;
    return this.maps[l - 1].subarray(start, start + size);
  }

  // The snapshot nearest to a number of epochs done.
  nearest(done) {
    const { epochs } = this.data;
    let best = 0;
    epochs.forEach((each, at) => {
      if (Math.abs(each - done) < Math.abs(epochs[best] - done)) best = at;
    });
    return best;
  }
}

function largest(values) {
  return values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
}
