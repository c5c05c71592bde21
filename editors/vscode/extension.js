// Starts `evalspec lsp` and hands it to VS Code. Everything it knows is in the server.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const [command, ...args] = vscode.workspace.getConfiguration("evalspec").get("command");
  const watched = "**/*.{eval,csv,tsv,jsonl,ndjson,json,parquet,gz,jinja,j2}";
  client = new LanguageClient(
    "evalspec",
    "evalspec",
    { command, args },
    {
      documentSelector: [
        { language: "evalspec", scheme: "file" },
        { language: "evalspec", scheme: "untitled" },
      ],
      synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher(watched) },
    },
  );
  try {
    await client.start();
  } catch (fault) {
    client = undefined;
    const hint = "Install it with `pip install 'evalspec[lsp]'`, or set `evalspec.command`.";
    vscode.window.showErrorMessage(`evalspec: \`${command}\` does not start (${fault.message}). ${hint}`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running) {
    await running.stop();
  }
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("evalspec.restart", async () => {
      await stop();
      await start();
    }),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("evalspec.command")) {
        await stop();
        await start();
      }
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
