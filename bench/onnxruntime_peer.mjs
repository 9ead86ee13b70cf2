// ONNX Runtime as a contestant of bench_peers: answers on its output what is asked on its input
// (contestant.h). Takes networks, from the ONNX files that are made of them.
//
//   bench_peers --with 'ONNX Runtime=node bench/onnxruntime_peer.mjs build/npm/node_modules 1'
//
// The arguments are where onnxruntime-node is (scripts/fetch-node-packages.sh) and the number of
// threads.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const [modules, threads] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "x.js"));
const ort = require("onnxruntime-node");
let session, feeds, fetches, result, isChannelsFirst;

// As in workloads.h.
function numbers(count, seed) {
  const values = new Float32Array(count);
  const offset = Math.imul(seed, 0x9e3779b9);
  for (let i = 0; i < count; ++i) {
    let h = Math.imul(i + offset, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
    h ^= h >>> 13;
    values[i] = (h >>> 0) * 2 ** -31 - 1;
  }
  return values;
}

// Each of a batch of matrices (rows, columns) turned into (columns, rows).
function turned(values, batch, rows, columns) {
  const out = new Float32Array(values.length);
  for (let b = 0; b < batch; ++b)
    for (let i = 0; i < rows; ++i)
      for (let k = 0; k < columns; ++k)
        out[(b * columns + k) * rows + i] = values[(b * rows + i) * columns + k];
  return out;
}
const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

// (N, *n, C) to (N, C, *n).
function channelsFirst(values, [batch, ...rest]) {
  const channels = rest.pop();
  const moved = turned(values, batch, product(rest), channels);
  return new ort.Tensor("float32", moved, [batch, channels, ...rest]);
}
// And back: the numbers of the result, channels last.
function resultNumbers() {
  const { data, dims: [batch, channels, ...rest] } = result[session.outputNames[0]];
  return isChannelsFirst ? turned(data, batch, channels, product(rest)) : data;
}

async function open(subject) {
  if (subject.kind !== "model") return "no: only networks";
  await session?.release();
  session = await ort.InferenceSession.create(subject.onnx, {
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  });
  const shape = subject.input;
  const values = numbers(product(shape), 1);
  isChannelsFirst = subject.channels_first;
  const x = isChannelsFirst
    ? channelsFirst(values, shape) : new ort.Tensor("float32", values, shape);
  feeds = { [session.inputNames[0]]: x };
  fetches = undefined;
  await run();
  fetches = result;  // from now on into the same memory
  return "ok";
}

async function run() {
  result = fetches ? await session.run(feeds, fetches) : await session.run(feeds);
}

const clocks = {
  wall: () => performance.now() / 1e3,
  cpu: () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; },
};

async function answer(line) {
  if (line === "version") return `ONNX Runtime ${require("onnxruntime-node/package.json").version}`;
  if (line.startsWith("{"))
    return open(JSON.parse(line)).catch((e) => `no: ${e}`.replaceAll("\n", " "));
  if (line === "weighted sums") {
    const y = resultNumbers(), weights = numbers(y.length, 6);
    let sum = 0, size = 0;
    y.forEach((v, i) => { sum += v * weights[i]; size += Math.abs(v); });
    return `${sum} ${size}`;
  }
  const [, count, clock] = line.split(" ");
  await run();
  const start = clocks[clock]();
  for (let i = 0; i < count; ++i) await run();
  return `${(clocks[clock]() - start) / count}`;
}

for await (const line of readline.createInterface({ input: process.stdin }))
  fs.writeSync(1, `${await answer(line.trim())}\n`);
