-- Neovim and `evalspec lsp`: require or source this file. Neovim 0.11 and newer need only the first branch.
vim.filetype.add({ extension = { eval = "evalspec" } })

if vim.lsp.config then
  vim.lsp.config("evalspec", {
    cmd = { "evalspec", "lsp" },
    filetypes = { "evalspec" },
    root_markers = { ".git" },
  })
  vim.lsp.enable("evalspec")
else
  vim.cmd("autocmd BufRead,BufNewFile *.eval setfiletype evalspec")
  local client
  vim.api.nvim_create_autocmd("FileType", {
    pattern = "evalspec",
    callback = function(opened)
      client = client or vim.lsp.start_client({ name = "evalspec", cmd = { "evalspec", "lsp" }, root_dir = vim.fn.getcwd() })
      vim.lsp.buf_attach_client(opened.buf, client)
      vim.bo[opened.buf].omnifunc = "v:lua.vim.lsp.omnifunc"
    end,
  })
end

vim.api.nvim_create_autocmd("FileType", {
  pattern = "evalspec",
  callback = function(opened)
    vim.bo[opened.buf].commentstring = "# %s"
    vim.bo[opened.buf].shiftwidth = 2
    vim.bo[opened.buf].expandtab = true
  end,
})
