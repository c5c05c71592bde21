#!/usr/bin/env bash
# Records the session in this folder: a real Neovim in tmux, a real server, keys as a person would press them.
# Needs nvim, tmux, python3, and `evalspec` with its `lsp` extra on the path: editors/session/record.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
specs=$here/../../specs
work=$(mktemp -d)
name=evalspec-session-$$
width=96
height=28
export LC_ALL=C.UTF-8

cp -r "$specs/data" "$work/data"
cp "$specs/support_routing.eval" "$work/route.eval"
trap 'tmux kill-session -t "$name" 2>/dev/null || true; rm -rf "$work"' EXIT

keys() { tmux send-keys -t "$name" "$@"; }

# Waits until the screen shows some words, for at most a minute.
until_shown() {
  for _ in $(seq 300); do
    if tmux capture-pane -p -t "$name" | grep -qF -- "$1"; then sleep 0.4; return; fi
    sleep 0.2
  done
  echo "never shown: $1" >&2
  tmux capture-pane -p -t "$name" >&2
  exit 1
}

capture() { tmux capture-pane -p -t "$name" | sed 's/[[:space:]]*$//' > "$here/$1.txt"; }

tmux -f /dev/null new-session -d -s "$name" -x "$width" -y "$height" -c "$work" \
  "read -r _; exec nvim -i NONE -n -u '$here/session.lua' +38 +'normal zz' route.eval"
tmux set-option -t "$name" status off
tmux pipe-pane -t "$name" -O "exec python3 '$here/cast.py' '$here/session.cast' $width $height"
sleep 0.5
keys Enter
until_shown "343 examples tell two candidates"   # the note of a spec in which nothing is wrong
capture 1-opened

keys "/costs = mis" Enter "fm"
keys "cwmisruoting" Escape                          # a slip of the fingers
until_shown "there are no costs"
capture 2-error

keys ":lua Fix()" Enter                           # the quick fix that the diagnostic carries
until_shown "costs = misrouting"
sleep 1
capture 3-mended

keys "o" "positive = " C-x C-o                      # completion: the labels of the dataset at hand
until_shown "of dataset tickets"
capture 4-completion
keys C-e Escape "dd"

keys "gg/derive" Enter "/length" Enter              # renaming a computed column, wherever it is read
keys ":lua vim.lsp.buf.rename('tokens')" Enter
until_shown "where = tokens < 15"
sleep 1
capture 5-renamed

keys ":lua vim.lsp.buf.rename('body')" Enter       # and what must not be done is refused
until_shown "already"
capture 6-refused
keys Enter

keys "gg/by = lang" Enter "5l" ":lua vim.lsp.buf.hover()" Enter
until_shown "such as"
capture 7-hover

keys ":qa!" Enter
for _ in $(seq 50); do tmux has-session -t "$name" 2>/dev/null || break; sleep 0.2; done
sed -i "s#$work/##g" "$here"/*.txt "$here/session.cast"
