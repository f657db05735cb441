-- Problems of optimiser modules as diagnostics of Neovim, 0.7 or newer, while they are written.
-- In init.lua: require("tig_verify").setup({ pattern = "*/optimisers/*.py" })

local M = {}
local namespace = vim.api.nvim_create_namespace("tig-verify")
local severities = { error = vim.diagnostic.severity.ERROR, warning = vim.diagnostic.severity.WARN }

local function diagnostic(buffer, problem)
  local line = vim.api.nvim_buf_get_lines(buffer, problem.line - 1, problem.line, false)[1] or ""
  local column = math.min(problem.column - 1, vim.fn.strchars(line))
  local hint = problem.hint ~= "" and (" (" .. problem.hint .. ")") or ""
  return {
    lnum = problem.line - 1,
    col = vim.str_byteindex(line, column), -- tig-verify counts characters, Neovim bytes
    severity = severities[problem.severity],
    code = problem.code,
    source = "tig-verify",
    message = problem.code .. " " .. problem.message .. hint,
  }
end

function M.check(buffer)
  local output = {}
  local job = vim.fn.jobstart(
    { "tig-verify", "check", "--json", "--stdin-filename", vim.api.nvim_buf_get_name(buffer), "-" },
    {
      stdout_buffered = true,
      on_stdout = function(_, data)
        output = data
      end,
      on_exit = function(_, code)
        if code > 1 or not vim.api.nvim_buf_is_valid(buffer) then
          return -- not a verdict
        end
        local problems = vim.fn.json_decode(table.concat(output, "\n"))
        vim.diagnostic.set(namespace, buffer, vim.tbl_map(function(problem)
          return diagnostic(buffer, problem)
        end, problems))
      end,
    }
  )
  vim.fn.chansend(job, table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n") .. "\n")
  vim.fn.chanclose(job, "stdin")
  return job
end

function M.setup(options)
  vim.api.nvim_create_autocmd({ "BufReadPost", "BufWritePost", "InsertLeave", "TextChanged" }, {
    pattern = options.pattern,
    callback = function(event)
      M.check(event.buf)
    end,
  })
end

return M
