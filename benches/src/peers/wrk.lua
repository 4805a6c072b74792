-- Asks for the paths given after `--` in turn, and prints one line that `http.rs` reads.

local paths, turn = {}, 0

function init(args)
  if #args < 2 then
    wrk.path = args[1] or wrk.path
    return
  end
  for i, path in ipairs(args) do
    paths[i] = wrk.format(nil, path)
  end
  turn = math.random(#paths)
  request = function()
    turn = turn % #paths + 1
    return paths[turn]
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, e.status,
    e.connect + e.read + e.write + e.timeout, summary.duration, latency:percentile(50), latency:percentile(99)))
end
