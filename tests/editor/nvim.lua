-- What a user of Neovim does, without a window: tests/lsp_nvim.rs starts it in a folder with the flow `a.flow`.

local function ask(method, params)
  local answers, why = vim.lsp.buf_request_sync(0, method, params, 60000)
  assert(answers, method .. ': ' .. tostring(why))
  for _, answer in pairs(answers) do
    assert(not answer.error, method .. ': ' .. vim.inspect(answer.error))
    return answer.result
  end
end

local function wait_for(what, is_there)
  assert(vim.wait(60000, is_there, 20), what .. ': ' .. vim.inspect(vim.diagnostic.get(0)))
end

local function lines()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
end

local function put_cursor(text)
  vim.fn.cursor(1, 1)
  assert(vim.fn.search(text, 'cW') > 0, text .. ' is not there')
end

local function check()
  vim.cmd('edit a.flow')
  assert(vim.bo.filetype == 'flow')
  wait_for('no diagnostic', function()
    return #vim.diagnostic.get(0) == 1
  end)
  local found = vim.diagnostic.get(0)[1]
  assert(found.lnum == 4 and found.message:find('did you mean `expect`?', 1, true), vim.inspect(found))

  -- The code action mends it.
  local params = vim.lsp.util.make_range_params()
  params.range = found.user_data.lsp and found.user_data.lsp.range
    or { start = { line = 4, character = 2 }, ['end'] = { line = 4, character = 3 } }
  params.context = { diagnostics = {} }
  local actions = ask('textDocument/codeAction', params)
  vim.lsp.util.apply_workspace_edit(actions[1].edit, 'utf-16')
  wait_for('a diagnostic is left', function()
    return #vim.diagnostic.get(0) == 0
  end)

  put_cursor('expect')
  local hover = ask('textDocument/hover', vim.lsp.util.make_position_params())
  assert(hover.contents.value:find('wait for it', 1, true), vim.inspect(hover))

  put_cursor('line')
  local items = ask('textDocument/completion', vim.lsp.util.make_position_params())
  local labels = vim.tbl_map(function(item)
    return item.label
  end, items)
  assert(vim.tbl_contains(labels, 'line') and vim.tbl_contains(labels, 'quiet'), vim.inspect(labels))

  put_cursor('apn')
  params = vim.lsp.util.make_position_params()
  params.newName = 'access'
  vim.lsp.util.apply_workspace_edit(ask('textDocument/rename', params), 'utf-16')
  assert(lines():find('param access', 1, true) and lines():find('${access}', 1, true), lines())

  local edits = ask('textDocument/formatting', vim.lsp.util.make_formatting_params({}))
  vim.lsp.util.apply_text_edits(edits, 0, 'utf-16')
  assert(lines():find('\nsend "AT+X=${access}"\n', 1, true), lines())

  local ran = ask('workspace/executeCommand', { command = 'flowrun.run', arguments = { vim.uri_from_bufnr(0) } })
  assert(ran.verdict == 'passed', vim.inspect(ran))
end

local is_right, why = pcall(check)
if not is_right then
  io.stderr:write(tostring(why) .. '\n')
  vim.cmd('cquit 1')
end
io.stdout:write('all is right\n')
vim.cmd('qall!')
