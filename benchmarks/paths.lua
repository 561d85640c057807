-- Ask for each path of a file once, in order.
local paths, at, method = {}, 0, "GET"

function init(args)
  method = args[2] or method
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
end

function request()
  at = at % #paths + 1
  return wrk.format(method, paths[at])
end
