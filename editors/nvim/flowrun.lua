-- Flows in Neovim 0.7 or later: put this file into ~/.config/nvim/plugin/. It needs `flowrun` on the PATH, or FLOWRUN, which
-- names the program.

local group = vim.api.nvim_create_augroup('flowrun', { clear = true })

vim.api.nvim_create_autocmd({ 'BufRead', 'BufNewFile' }, {
  group = group,
  pattern = '*.flow',
  callback = function()
    vim.bo.filetype = 'flow'
  end,
})

local client = nil

local function start(buffer)
  if client == nil or vim.lsp.get_client_by_id(client) == nil then
    local folder = vim.fn.getcwd()
    client = vim.lsp.start_client({
      name = 'flowrun',
      cmd = { vim.env.FLOWRUN or 'flowrun', 'lsp' },
      root_dir = folder,
      workspace_folders = { { uri = vim.uri_from_fname(folder), name = folder } },
    })
  end
  if client ~= nil then
    vim.lsp.buf_attach_client(buffer, client)
  end
end

vim.api.nvim_create_autocmd('FileType', {
  group = group,
  pattern = 'flow',
  callback = function(event)
    local buffer = event.buf
    vim.bo[buffer].commentstring = '# %s'
    vim.bo[buffer].shiftwidth = 2
    vim.bo[buffer].expandtab = true
    vim.bo[buffer].omnifunc = 'v:lua.vim.lsp.omnifunc'
    start(buffer)
    local function key(keys, act)
      vim.keymap.set('n', keys, act, { buffer = buffer, silent = true })
    end
    key('K', vim.lsp.buf.hover)
    key('gd', vim.lsp.buf.definition)
    key('gr', vim.lsp.buf.references)
    key('<leader>r', vim.lsp.buf.rename)
    key('<leader>a', vim.lsp.buf.code_action)
    key('<leader>f', function()
      vim.lsp.buf_request(buffer, 'textDocument/formatting', vim.lsp.util.make_formatting_params({}))
    end)
    -- Runs the flow against its simulated devices.
    key('<leader>x', function()
      local arguments = { vim.uri_from_bufnr(buffer) }
      vim.lsp.buf_request(buffer, 'workspace/executeCommand', { command = 'flowrun.run', arguments = arguments })
    end)
  end,
})
