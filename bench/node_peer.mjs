// A library of Node.js as a contestant of bench_peers: answers on its output what is asked on its
// input (contestant.h). Takes networks.
//
//   bench_peers --with 'ONNX Runtime=node bench/node_peer.mjs onnxruntime build/npm/node_modules 1'
//
// The arguments are the library (onnxruntime.mjs or tfjs.mjs beside this), where its packages are
// (scripts/fetch-node-packages.sh) and the number of threads.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const [name, modules, threads] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "x.js"));
const { Library } = await import(`./${name}.mjs`);
const library = new Library(require, Number(threads));

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

const clocks = {
  wall: () => performance.now() / 1e3,
  cpu: () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; },
};

// One whose runs take longer is nobody's best, and would take most of the time.
const longest = 10;

async function open(subject) {
  if (subject.kind !== "model") throw new Error("only networks");
  const count = subject.input.reduce((a, b) => a * b, 1);
  const detail = await library.open(subject, numbers(count, 1));
  const start = clocks.cpu();
  await library.run();
  const seconds = clocks.cpu() - start;
  if (seconds > longest) throw new Error(`left out: a run takes ${seconds.toFixed(0)} s`);
  return `ok ${detail}`.trim();
}

async function answer(line) {
  if (line === "version") return library.version();
  if (line.startsWith("{"))
    return open(JSON.parse(line)).catch((e) => `no ${e.message ?? e}`.replaceAll("\n", " "));
  if (line === "weighted sums") {
    const y = library.result(), weights = numbers(y.length, 6);
    let sum = 0, size = 0;
    y.forEach((v, i) => { sum += v * weights[i]; size += Math.abs(v); });
    return `${sum} ${size}`;
  }
  const [, count, clock] = line.split(" ");
  await library.run();
  const start = clocks[clock]();
  for (let i = 0; i < count; ++i) await library.run();
  return `${(clocks[clock]() - start) / count}`;
}

for await (const line of readline.createInterface({ input: process.stdin }))
  fs.writeSync(1, `${await answer(line.trim())}\n`);
