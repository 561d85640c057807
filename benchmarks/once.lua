-- Send the beacon of each ticket of a file once, in order, and end when all are answered: 1 if any
-- was refused. wrk itself would go on to the end of its time.
local tickets, at, answered, refused = {}, 0, 0, 0

function init(args)
  for line in io.lines(args[1]) do tickets[#tickets + 1] = line end
end

function request()
  at = at % #tickets + 1
  return wrk.format("POST", "/i/" .. tickets[at])
end

function response(status)
  answered = answered + 1
  if status ~= 204 then refused = refused + 1 end
  if answered == #tickets then os.exit(refused == 0 and 0 or 1) end
end
