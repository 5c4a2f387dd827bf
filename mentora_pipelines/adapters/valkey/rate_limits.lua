-- Counts one call under several limits, all of them or none, in one atomic step.
--
-- KEYS: for each limit the log of its identity, then for each its usage.
-- ARGV: "hit" or "peek"; the UTC days for which usage is kept; then for each limit the
--       most calls, the window in microseconds, "sliding" or "fixed", and the calls that
--       were decided without us and not yet told.
-- Returns whether every limit had room (1 or 0), the time in microseconds, then for each
-- limit how many calls counted before this one and when the first of them ceases to.
--
-- A log is a list of the times of counted calls, newest first, that expires when none of
-- them counts. Refused calls are not in it: who keeps asking is let in all the same.

local DAY_S = 86400

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
-- As a number it would be written 1.7e+15.
local stamp = string.format('%.0f', now)
local today = math.floor(clock[1] / DAY_S)
local kept_days = tonumber(ARGV[2])

-- The clock was set back: what bears a time to come was counted before now. Left alone
-- it would keep its caller out until then.
local function bring_back(log, lasts)
  local calls = redis.call('LLEN', log)
  for _ = 1, calls do
    redis.call('LPUSH', log, stamp)
  end
  redis.call('LTRIM', log, 0, calls - 1)
  redis.call('PEXPIRE', log, lasts)
  return now
end

-- The time of the first call at or after `since`, nil when there is none.
local function first_call(log, since, lasts)
  local first = redis.pcall('LINDEX', log, -1)
  while first do
    first = type(first) == 'string' and tonumber(first)
    if not first then
      -- No log of ours. It would let its caller in, or keep them out, for ever.
      redis.call('DEL', log)
      return nil
    end
    if first > now then
      return bring_back(log, lasts)
    end
    if first >= since then
      return first
    end
    redis.call('RPOP', log)
    first = redis.call('LINDEX', log, -1)
  end
  return nil
end

local function forget_old_days(usage)
  for _, field in ipairs(redis.call('HKEYS', usage)) do
    local day = tonumber(string.match(field, '^%d+'))
    if not day or math.abs(today - day) >= kept_days then
      redis.call('HDEL', usage, field)
    end
  end
  redis.call('EXPIRE', usage, (kept_days + 1) * DAY_S)
end

-- A full server still refuses whom it should: only the figure is lost.
local function tally(usage, outcome, calls)
  if redis.pcall('HINCRBY', usage, today .. ':' .. outcome, calls) == calls then
    forget_old_days(usage)
  end
end

local limits = {}
for i = 1, #KEYS / 2 do
  local window = tonumber(ARGV[4 * i])
  local fixed = ARGV[4 * i + 1] == 'fixed'
  local since = fixed and now - now % window or now - window
  local lasts = math.ceil((fixed and since + window - now or window) / 1000) + 1
  local log = KEYS[i]
  local first = first_call(log, since, lasts)
  local used = first and redis.call('LLEN', log) or 0
  limits[i] = {
    log = log,
    usage = KEYS[#KEYS / 2 + i],
    lasts = lasts,
    used = used,
    exhausted = used >= tonumber(ARGV[4 * i - 1]),
    -- A call counts up to and with the microsecond in which its window ends.
    frees_at = fixed and since + window or (first or now) + window + 1,
    untold = tonumber(ARGV[4 * i + 2]),
  }
end

local room = true
for _, limit in ipairs(limits) do
  room = room and not limit.exhausted
end

if ARGV[1] == 'hit' then
  if room then
    for _, limit in ipairs(limits) do
      redis.call('LPUSH', limit.log, stamp)
      redis.call('PEXPIRE', limit.log, limit.lasts)
    end
  end
  for _, limit in ipairs(limits) do
    if room or limit.exhausted then
      tally(limit.usage, room and 'allowed' or 'refused', 1)
    end
    if limit.untold > 0 then
      tally(limit.usage, 'degraded', limit.untold)
    end
  end
end

local reply = {room and 1 or 0, now}
for _, limit in ipairs(limits) do
  reply[#reply + 1] = limit.used
  reply[#reply + 1] = limit.frees_at
end
return reply
