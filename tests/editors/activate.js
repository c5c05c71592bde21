// Loads an unpacked extension with a stand-in for the editor's own module, runs it with the real client
// library as far as `new LanguageClient`, and prints what it asked for.
"use strict";

const Module = require("module");
const [, , extension, mode] = process.argv;
const said = { started: [], stopped: 0, commands: [], errors: [], watched: [] };
const load = Module._load;

class Client {
  constructor(id, name, server, options) {
    this.server = server;
    said.started.push({ id, name, server, selector: options.documentSelector });
  }
  async start() {
    if (mode === "missing") {
      throw new Error("spawn evalspec ENOENT");
    }
  }
  async stop() {
    said.stopped += 1;
  }
}

const vscode = {
  workspace: {
    getConfiguration: () => ({ get: () => ["evalspec", "lsp"] }),
    createFileSystemWatcher: (pattern) => said.watched.push(pattern),
    onDidChangeConfiguration: () => ({ dispose() {} }),
  },
  commands: { registerCommand: (name, run) => said.commands.push([name, run]) },
  window: { showErrorMessage: (text) => said.errors.push(text) },
};

Module._load = (request, ...rest) => {
  if (request === "vscode") {
    return vscode;
  }
  if (request === "vscode-languageclient/node") {
    return { LanguageClient: Client };
  }
  return load(request, ...rest);
};

async function main() {
  const { activate, deactivate } = require(extension);
  await activate({ subscriptions: [] });
  for (const [, run] of said.commands) {
    await run();
  }
  await deactivate();
  said.commands = said.commands.map(([name]) => name);
  process.stdout.write(JSON.stringify(said));
}

main();
