// TensorFlow.js's WebAssembly for node_peer.mjs, from the layers-models that are made of the
// networks.
import path from "node:path";

import { loadModel } from "../tests/support/tfjs.mjs";

export class Library {
  constructor(require, threads) {
    this.tf = require("@tensorflow/tfjs");
    this.wasm = require("@tensorflow/tfjs-backend-wasm");
    const folder = path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json"));
    this.wasm.setWasmPaths(path.join(folder, "dist/"));
    this.wasm.setThreadsCount(threads);
  }

  version() {
    return `TensorFlow.js ${this.tf.version.tfjs} (WebAssembly)`;
  }

  async open(subject, values) {
    if (!subject.tfjs) throw new Error(subject.tfjs_lacks);
    if (!await this.tf.setBackend("wasm")) throw new Error("WebAssembly does not start");
    for (const old of [this.model, this.x, this.y]) old?.dispose();
    this.model = await loadModel(this.tf, subject.tfjs);
    this.x = this.tf.tensor(values, subject.input);
    this.y = undefined;
    return this.detail();
  }

  // It takes threads where its test of them passes: not in Node.js (its issue 3830).
  detail() {
    const flag = (name) => this.tf.env().getBool(`WASM_HAS_${name}_SUPPORT`);
    const threads = flag("MULTITHREAD") ? this.wasm.getThreadsCount() : 1;
    return `${flag("SIMD") ? "SIMD, " : ""}${threads} thread${threads === 1 ? "" : "s"}`;
  }

  run() {
    this.y?.dispose();
    this.y = this.tf.tidy(() => this.model.apply(this.x));
  }

  result() {
    return this.y.dataSync();
  }
}
