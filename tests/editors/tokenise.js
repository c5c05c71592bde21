// Tokenises each of some texts (JSON on standard input) with the engine that VS Code uses, and prints, for
// each, its lines as lists of [text, scopes].
"use strict";

const fs = require("fs");
const { createRequire } = require("module");
const [, , packages, grammarFile] = process.argv;
const load = createRequire(packages + "/");
const textmate = load("vscode-textmate");
const oniguruma = load("vscode-oniguruma");

async function main() {
  await oniguruma.loadWASM(fs.readFileSync(load.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(grammarFile, "utf8"), grammarFile),
  });
  const grammar = await registry.loadGrammar("source.evalspec");
  const texts = JSON.parse(fs.readFileSync(0, "utf8"));
  process.stdout.write(JSON.stringify(texts.map((text) => tokens(grammar, text))));
}

function tokens(grammar, text) {
  let state = textmate.INITIAL;
  return text.split("\n").map((line) => {
    const found = grammar.tokenizeLine(line, state);
    state = found.ruleStack;
    return found.tokens.map((token) => [line.slice(token.startIndex, token.endIndex), token.scopes]);
  });
}

main().catch((fault) => {
  console.error(fault);
  process.exit(1);
});
