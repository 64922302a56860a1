#!/usr/bin/env node
// The compiler from the lock file with the two commands of a native solc that forge uses, so that forge downloads none:
// `--version`, and `--standard-json` from stdin to stdout (forge sends the text of every source along; paths are not read here).
import { readFileSync } from "node:fs";
import solc from "solc";

if (process.argv.includes("--version")) {
  console.log(`solc, the solidity compiler\nVersion: ${solc.version()}`);
} else if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.error("usage: solc.mjs --version | --standard-json < input.json");
  process.exitCode = 2;
}
