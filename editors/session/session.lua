-- How the session looks: signs, line numbers, the message of a diagnostic behind its line.
dofile(vim.fn.expand("<sfile>:p:h") .. "/../neovim/evalspec.lua")
vim.o.number = true
vim.o.signcolumn = "yes"
vim.o.laststatus = 2
vim.o.ruler = false
vim.o.completeopt = "menuone,noselect"
vim.o.swapfile = false
vim.diagnostic.config({ virtual_text = { format = function(d) return vim.split(d.message, "\n")[1] end } })

-- Applies the first fix that is offered for the line of the cursor.
function Fix()
  local params = vim.lsp.util.make_range_params()
  local line = vim.api.nvim_win_get_cursor(0)[1] - 1
  params.range = { start = { line = line, character = 0 }, ["end"] = { line = line, character = 200 } }
  params.context = { diagnostics = {} }
  vim.lsp.buf_request(0, "textDocument/codeAction", params, function(_, actions)
    vim.lsp.util.apply_workspace_edit(actions[1].edit, "utf-16")
  end)
end
