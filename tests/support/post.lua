-- wrk: POSTs a synthetic HL7 payload of PAYLOAD_BYTES (default 2000), each with a control id of its own.
local size = tonumber(os.getenv("PAYLOAD_BYTES") or "2000")
local number = 0
local headers = {["Content-Type"] = "application/hl7-v2"}

function request()
  number = number + 1
  local start = string.format("MSH|^~\\&|LOAD|TESTLAB|RELAY|STATE|20261124||ORU^R01|L%012d|T|2.5.1\rNTE|1||", number)
  return wrk.format("POST", nil, headers, start .. string.rep("x", size - #start))
end

-- Latencies in microseconds, one line that a script can read: `wrk` prints only some of them by itself.
function done(summary, latency)
  io.write(string.format("RESULT requests=%d seconds=%.6f p50_us=%d p99_us=%d errors=%d not_2xx=%d\n",
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, summary.errors.status))
end
