#!/usr/bin/env node
/** The `plimsoll` program: command line in, exit status out. */
import { processTerminal } from './terminal.js'
import { run } from './program.js'

process.exitCode = await run(process.argv.slice(2), processTerminal(process))
