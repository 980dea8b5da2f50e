// Compiles every contract of this folder and of demo/ into artifacts/, and those of test/ into test/artifacts/.
//
//   node compile.mjs [output folder]
//
// The metadata hash is left out of the bytecode, so the same sources give the same bytes on any machine;
// tests/contracts/test_artifacts.py relies on it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const home = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2] ?? home);
const require = createRequire(import.meta.url);

const artifactsOf = { ".": "artifacts", demo: "artifacts", test: "test/artifacts" };

const settings = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

function sourcesIn(folder) {
  const names = readdirSync(join(home, folder)).filter((name) => name.endsWith(".sol"));
  return names.sort().map((name) => join(folder, name));
}

function readImport(path) {
  try {
    return { contents: readFileSync(require.resolve(path), "utf8") };
  } catch (error) {
    return { error: error.message };
  }
}

function compile(paths) {
  const sources = Object.fromEntries(paths.map((path) => [path, { content: readFileSync(join(home, path), "utf8") }]));
  const input = JSON.stringify({ language: "Solidity", sources, settings });
  const result = JSON.parse(solc.compile(input, { import: readImport }));
  const complaints = result.errors ?? [];
  if (complaints.length > 0) {
    throw new Error(complaints.map((complaint) => complaint.formattedMessage).join("\n"));
  }
  return result.contracts;
}

function write(folder, path, contracts) {
  const target = join(output, artifactsOf[folder]);
  mkdirSync(target, { recursive: true });
  for (const [name, { abi, evm }] of Object.entries(contracts[path])) {
    if (evm.bytecode.object === "") continue; // abstract: only its heirs can be deployed
    const artifact = { contractName: name, abi, bytecode: `0x${evm.bytecode.object}` };
    writeFileSync(join(target, `${name}.json`), `${JSON.stringify(artifact, null, 2)}\n`);
  }
}

for (const folder of Object.keys(artifactsOf)) {
  const paths = sourcesIn(folder);
  const contracts = compile(paths);
  for (const path of paths) write(folder, path, contracts);
}
