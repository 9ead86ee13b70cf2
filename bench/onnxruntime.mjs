// ONNX Runtime for node_peer.mjs, from the ONNX files that are made of the networks.

const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

// Each of a batch of matrices (rows, columns) turned into (columns, rows).
function turned(values, batch, rows, columns) {
  const out = new Float32Array(values.length);
  for (let b = 0; b < batch; ++b)
    for (let i = 0; i < rows; ++i)
      for (let k = 0; k < columns; ++k)
        out[(b * columns + k) * rows + i] = values[(b * rows + i) * columns + k];
  return out;
}

export class Library {
  constructor(require, threads) {
    this.ort = require("onnxruntime-node");
    this.number = require("onnxruntime-node/package.json").version;
    this.threads = threads;
  }

  version() {
    return `ONNX Runtime ${this.number}`;
  }

  async open(subject, values) {
    await this.session?.release();
    this.session = await this.ort.InferenceSession.create(subject.onnx, {
      intraOpNumThreads: this.threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    });
    this.isChannelsFirst = subject.channels_first;
    let shape = subject.input;
    if (this.isChannelsFirst) {
      const [batch, ...rest] = shape, channels = rest.pop();
      values = turned(values, batch, product(rest), channels);
      shape = [batch, channels, ...rest];
    }
    this.feeds = { [this.session.inputNames[0]]: new this.ort.Tensor("float32", values, shape) };
    // From the second run on into the same memory.
    this.fetches = await this.session.run(this.feeds);
    return "";
  }

  async run() {
    await this.session.run(this.feeds, this.fetches);
  }

  // The numbers, channels last.
  result() {
    const { data, dims: [batch, channels, ...rest] } = this.fetches[this.session.outputNames[0]];
    return this.isChannelsFirst ? turned(data, batch, channels, product(rest)) : data;
  }
}
