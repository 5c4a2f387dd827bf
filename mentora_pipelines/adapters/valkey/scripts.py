"""The atomic steps of the cache, as the server runs them.

A value is written in three steps: `CLAIM` on the cache takes the lease of its key and
reads the epochs of its entities; `NOTE` on the coordination server writes its name
into their indexes; `STORE` on the cache stores it if lease and epochs are still the
same. An invalidation reads the index, then removes the epochs (and with them all that
is under way), then the entries, then their names from the index. Hence:

- A value read before an invalidation is not stored after it: its epoch is gone.
- No value stands without its name in the index. A name is removed only if it was not
  written since the index was read; the epoch of whoever wrote it ended after that, so
  that its entry was removed or will not be stored.
- Lease and epochs lie beside the values, because one step must check them and store.
  They may be evicted: that costs a computation and never brings back an old value,
  since an epoch is random and no two are the same.
"""

from mentora_pipelines.adapters.valkey.connection import LuaScript

CLAIM = LuaScript("""
-- KEYS: value, lease, epochs…
-- ARGV: token, lease ms, epoch ms, force (0 or 1), a new epoch for each…
-- Returns {granted, value, ms left, epochs…}: the lease is granted when nobody else
-- holds it under the present epochs, or by force.
local epochs, reply = {}, {}
for i = 3, #KEYS do
  local epoch = redis.call('GET', KEYS[i])
  if epoch then
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  else
    epoch = ARGV[i + 2]
    redis.call('SET', KEYS[i], epoch, 'PX', ARGV[3])
  end
  reply[i + 1] = epoch
  epochs[i - 2] = epoch
end
local under = ' ' .. table.concat(epochs, ' ')
local lease = redis.call('GET', KEYS[2])
reply[1] = 0
if ARGV[4] == '1' or not lease or string.sub(lease, #ARGV[1] + 1) ~= under then
  redis.call('SET', KEYS[2], ARGV[1] .. under, 'PX', ARGV[2])
  reply[1] = 1
end
reply[2] = redis.call('GET', KEYS[1])
reply[3] = redis.call('PTTL', KEYS[1])
return reply
""")
"""Tokens have one length, so that what follows them in a lease is known."""

STORE = LuaScript("""
-- KEYS: value, lease, epochs…
-- ARGV: token, ttl ms (0 for none), value, the claimed epochs…
-- Returns 1 when it was stored.
local under = {}
for i = 3, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then
    return 0
  end
  under[i - 2] = ARGV[i + 1]
end
if redis.call('GET', KEYS[2]) ~= ARGV[1] .. ' ' .. table.concat(under, ' ') then
  return 0
end
if ARGV[2] == '0' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
end
redis.call('UNLINK', KEYS[2])
return 1
""")

RELEASE = LuaScript("""
-- KEYS: lease. ARGV: token. Gives a lease back if it is still this caller's.
local lease = redis.call('GET', KEYS[1])
if lease and string.sub(lease, 1, #ARGV[1]) == ARGV[1] then
  return redis.call('UNLINK', KEYS[1])
end
return 0
""")

NOTE = LuaScript("""
-- KEYS: indexes. ARGV: name, ms after which its entry is surely gone.
-- A name's score is when it was written, in microseconds, and higher than any before:
-- it tells what was written since a reading. Names whose entries are gone go here, and
-- an index that nobody writes to goes as a whole.
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
for i = 1, #KEYS do
  local stamp = now
  local last = redis.call('ZRANGE', KEYS[i], -1, -1, 'WITHSCORES')[2]
  if last and tonumber(last) >= stamp then
    stamp = last + 1
  end
  redis.call('ZADD', KEYS[i], string.format('%.0f', stamp), ARGV[1])
  local gone = string.format('(%.0f', now - ARGV[2] * 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', gone)
  redis.call('PEXPIRE', KEYS[i], ARGV[2] * 2)
end
return 1
""")

READ = LuaScript("""
-- KEYS: index. ARGV: cursor, how many. Returns {cursor, highest score, names in
-- lines}. Lines, because a client takes longer over a thousand names than a server.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] or '0'
if redis.call('ZCARD', KEYS[1]) <= tonumber(ARGV[2]) then
  return {'0', last, table.concat(redis.call('ZRANGE', KEYS[1], 0, -1), '\\n')}
end
local found = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local names = {}
for i = 1, #found[2], 2 do
  names[#names + 1] = found[2][i]
end
return {found[1], last, table.concat(names, '\\n')}
""")

REMOVE = LuaScript("""
-- KEYS: first what is not counted. ARGV: how many of the keys are not, names in lines.
-- Removes them all, in this order; returns how many of the others there were.
local uncounted, gone = tonumber(ARGV[1]), 0
for i = 1, #KEYS do
  local one = redis.call('UNLINK', KEYS[i])
  if i > uncounted then
    gone = gone + one
  end
end
local names = {}
for name in string.gmatch(ARGV[2], '[^\\n]+') do
  names[#names + 1] = name
  if #names == 1000 then
    gone = gone + redis.call('UNLINK', unpack(names))
    names = {}
  end
end
if #names > 0 then
  gone = gone + redis.call('UNLINK', unpack(names))
end
return gone
""")

STRIKE = LuaScript("""
-- KEYS: index. ARGV: highest score that was read, how many. Removes names that nobody
-- wrote since; returns how many.
if redis.call('ZCARD', KEYS[1]) <= tonumber(ARGV[2]) then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
  return 0
end
local names = redis.call(
  'ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #names > 0 then
  redis.call('ZREM', KEYS[1], unpack(names))
end
return #names
""")

COUNT = LuaScript("""
-- KEYS: counter. ARGV: window in ms. Returns {hits, ms left}. The first hit opens the
-- window; a counter that has none, whoever made it, gets one, and locks nobody out.
local hits = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {hits, left}
""")
