-- Ask for each path of a file once, in order, and stop when all are answered.
local paths, at, answered = {}, 0, 0

function init(args)
  for line in io.lines(args[1]) do paths[#paths + 1] = line end
end

function request()
  at = at % #paths + 1
  return wrk.format("POST", paths[at])
end

function response()
  answered = answered + 1
  if answered == #paths then wrk.thread:stop() end
end
