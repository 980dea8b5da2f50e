-- Asks for the paths on the command line in turn, each request made ready beforehand.
local requests = {}
local at = 0

function init(arguments)
  for number = 1, #arguments do
    requests[number] = wrk.format("GET", arguments[number])
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(_, latency)
  io.write(string.format("95%% within %d us\n", latency:percentile(95)))
end
