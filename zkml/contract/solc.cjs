#!/usr/bin/env node
// Compiles standard JSON from stdin to stdout with the solc package in the folder given.
// The first line out is the compiler's version; imports are never read from disk.
"use strict";
const { readFileSync } = require("node:fs");

const solc = require(process.argv[2]);
process.stdout.write(solc.version() + "\n");
process.stdout.write(solc.compile(readFileSync(0, "utf8")) + "\n");
