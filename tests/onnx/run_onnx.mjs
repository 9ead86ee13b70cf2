// Runs ONNX models in ONNX Runtime and writes what they give, for onnx_runtime_test.cc.
//
//   node run_onnx.mjs NODE_MODULES OPTIMIZATION MANIFEST.json
//
// OPTIMIZATION is disabled, basic, extended or all.
// The manifest is a list of {model, inputs: [{shape, file}], outputs: [file]}: float32 numbers, as
// they are in memory, in the order of the model's inputs and outputs.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [modules, graphOptimizationLevel, manifest] = process.argv.slice(2);
const ort = createRequire(path.join(path.resolve(modules), "x.js"))("onnxruntime-node");

for (const { model, inputs, outputs } of JSON.parse(fs.readFileSync(manifest))) {
  const session = await ort.InferenceSession.create(model, {
    logSeverityLevel: 3,
    graphOptimizationLevel,
  });
  const feeds = {};
  inputs.forEach(({ shape, file }, i) => {
    const bytes = fs.readFileSync(file);
    const numbers = new Float32Array(new Uint8Array(bytes).buffer);
    feeds[session.inputNames[i]] = new ort.Tensor("float32", numbers, shape);
  });
  const results = await session.run(feeds);
  outputs.forEach((file, i) => {
    const { data } = results[session.outputNames[i]];
    fs.writeFileSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  });
}
