import { hash } from 'node:crypto';

/** A Lua script, which Redis runs whole or not at all, and nothing beside it. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

const scriptOf = (source: string): Script => ({ source, sha: hash('sha1', source) });

// Every script is about one session: KEYS[1], in one slot. Where the session was moved, only the word of where it is now is there.
// Arguments: workspace, user, milliseconds of life, and then the script's own from ARGV[4] on.
const opening = `
local S, W, U, LIFE = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local at = redis.call('HGET', S, 'at')
`;
const aboutSession = (body: string): Script =>
  scriptOf(`${opening}
if at then return {'at', at} end
local owner = redis.call('HMGET', S, 'w', 'u', 'e')
local known = owner[1] == W and owner[2] == U
local alive = known and not owner[3]
local function keep() redis.call('PEXPIRE', S, LIFE) end
local function linesOf(field) return string.gmatch(redis.call('HGET', S, field) or '', '[^\\n]+') end
local function put(field, lines)
  if #lines == 0 then redis.call('HDEL', S, field) else redis.call('HSET', S, field, table.concat(lines, '\\n')) end
end
${body}`);

// As visibleUntil in core.
const visibility = `
local function visibleUntil(presented, now)
  local b = redis.call('HMGET', S, 'b', 'ob', 'obu', 'ra')
  if presented == 'bearer' then return math.huge end
  if presented == '' or not b[1] then return 0 end
  if presented == b[1] then return math.huge end
  if presented == b[2] and now < tonumber(b[3]) then return tonumber(b[4]) end
  return 0
end
`;

/** The scripts by the name of the call they carry out. */
export const scripts = {
  /**
   * number, signedInAt, epochs of user and workspace, endedAt or '', hasFactor, where the caller found this key to be moved to or
   * '', whether KEYS[1] is a moved session's place. Replies `gone` from such a place: the session begins under its own key.
   */
  begin: scriptOf(`${opening}
if at and at ~= ARGV[10] then return {'at', at} end
if not at then
  local held = redis.call('HMGET', S, 'w', 'u', 'si', 'e')
  if held[1] == W and held[2] == U then
    if held[4] then
      if tonumber(ARGV[5]) <= tonumber(held[4]) then return {'ok'} end
    elseif held[3] == ARGV[5] then
      return {'ok'}
    end
  end
end
redis.call('UNLINK', S)
if ARGV[11] == '1' then return {'gone'} end
redis.call('HSET', S, 'w', W, 'u', U, 'n', ARGV[4], 'si', ARGV[5], 'eu', ARGV[6], 'ew', ARGV[7], 'f', ARGV[9])
if ARGV[8] ~= '' then redis.call('HSET', S, 'e', ARGV[8]) end
redis.call('PEXPIRE', S, LIFE)
return {'ok'}`),

  /** number, epochs before, epochs after, hasFactor */
  carry: aboutSession(`
if not alive then return {'ok'} end
local held = redis.call('HMGET', S, 'n', 'eu', 'ew')
if held[1] ~= ARGV[4] or held[2] ~= ARGV[5] or held[3] ~= ARGV[6] then return {'ok'} end
redis.call('HSET', S, 'eu', ARGV[7], 'ew', ARGV[8], 'f', ARGV[9])
return {'ok'}`),

  /** epochs, hasFactor. What is not put back is gone. */
  renew: aboutSession(`
if not known then return {'ok'} end
local kept = redis.call('HMGET', S, 'n', 'si', 'e', 'la', 't')
redis.call('UNLINK', S)
redis.call('HSET', S, 'w', W, 'u', U, 'eu', ARGV[4], 'ew', ARGV[5], 'f', ARGV[6])
for i, field in ipairs({'n', 'si', 'e', 'la', 't'}) do
  if kept[i] then redis.call('HSET', S, field, kept[i]) end
end
keep()
return {'ok'}`),

  /** endedAt */
  end: aboutSession(`
if not known then return {'ok'} end
local kept = redis.call('HMGET', S, 'n', 'si', 'eu', 'ew', 'f', 'la')
redis.call('UNLINK', S)
redis.call('HSET', S, 'w', W, 'u', U, 'e', ARGV[4])
for i, field in ipairs({'n', 'si', 'eu', 'ew', 'f', 'la'}) do
  if kept[i] then redis.call('HSET', S, field, kept[i]) end
end
keep()
return {'ok'}`),

  /** now, requirement, id, expiresAt, json, how many are kept */
  openChallenge: aboutSession(`
if not alive then return {'ok'} end
local now, lines = tonumber(ARGV[4]), {}
for line in linesOf('c') do
  local expiresAt, requirement, json = line:match('^(%d+) %S+ (%S+) (.*)$')
  if now < tonumber(expiresAt) then
    if requirement == ARGV[5] then return {'ok', json} end
    table.insert(lines, line)
  end
end
table.insert(lines, ARGV[7] .. ' ' .. ARGV[6] .. ' ' .. ARGV[5] .. ' ' .. ARGV[8])
if #lines > tonumber(ARGV[9]) then table.remove(lines, 1) end
put('c', lines)
keep()
return {'ok', ARGV[8]}`),

  /** now, id */
  challenge: aboutSession(`
if not known then return {'ok'} end
for line in linesOf('c') do
  local expiresAt, id, json = line:match('^(%d+) (%S+) %S+ (.*)$')
  if id == ARGV[5] and tonumber(ARGV[4]) < tonumber(expiresAt) then return {'ok', json} end
end
return {'ok'}`),

  /** id */
  voidChallenge: aboutSession(`
if not known then return {'ok'} end
local lines = {}
for line in linesOf('c') do
  if line:match('^%d+ (%S+)') ~= ARGV[4] then table.insert(lines, line) end
end
put('c', lines)
return {'ok'}`),

  /**
   * number, epochs, now, challenge id, presented, binding or '' for a bearer, until when the old one sees, generation, how many
   * one-shots are kept; then field, kind, verifiedAt, expiresAt and json of each proof. Replies 1 or 0. Some of the session's other
   * proofs are looked at each time, and those that are over go: no call pays for all.
   */
  grant: aboutSession(`${visibility}
if not alive then return {'ok', 0} end
local held = redis.call('HMGET', S, 'n', 'eu', 'ew', 'g', 'b')
if held[1] ~= ARGV[4] or held[2] ~= ARGV[5] or held[3] ~= ARGV[6] then return {'ok', 0} end
local now, open, lines = tonumber(ARGV[7]), false, {}
for line in linesOf('c') do
  local expiresAt, id = line:match('^(%d+) (%S+)')
  if id ~= ARGV[8] then table.insert(lines, line)
  elseif now < tonumber(expiresAt) then open = true end
end
if not open then return {'ok', 0} end
put('c', lines)

local seen = visibleUntil(ARGV[9], now)
if held[4] ~= ARGV[12] then seen = 0 end
if seen < math.huge then
  for _, field in ipairs(redis.call('HKEYS', S)) do
    if field == 'o' or field:sub(1, 2) == 'p:' then
      local left = {}
      for line in linesOf(field) do
        if tonumber(line:match('^%d+')) < seen then table.insert(left, line) end
      end
      put(field, left)
    end
  end
end

local swept = redis.call('HSCAN', S, redis.call('HGET', S, 'sc') or '0', 'MATCH', 'p:*', 'COUNT', 32)
redis.call('HSET', S, 'sc', swept[1])
for i = 1, #swept[2], 2 do
  local left = {}
  for line in string.gmatch(swept[2][i + 1], '[^\\n]+') do
    if now < tonumber(line:match('^%d+ %S+ (%d+)')) then table.insert(left, line) end
  end
  put(swept[2][i], left)
end

for i = 14, #ARGV, 5 do
  local field, kind, left = ARGV[i], ARGV[i + 1], {}
  for line in linesOf(field) do
    if field == 'o' or line:match('^%d+ (%S+)') ~= kind then table.insert(left, line) end
  end
  table.insert(left, table.concat({ARGV[i + 2], kind, ARGV[i + 3], ARGV[i + 4]}, ' '))
  if field == 'o' and #left > tonumber(ARGV[13]) then table.remove(left, 1) end
  put(field, left)
end
redis.call('HSET', S, 'g', ARGV[12])
if ARGV[10] ~= '' then
  if held[5] then redis.call('HSET', S, 'ob', held[5], 'obu', ARGV[11], 'ra', ARGV[7]) end
  redis.call('HSET', S, 'b', ARGV[10])
end
keep()
return {'ok', 1}`),

  /** presented, operation, now, generation. Replies 1 or 0. */
  consume: aboutSession(`${visibility}
if not known or redis.call('HGET', S, 'g') ~= ARGV[7] then return {'ok', 0} end
local seen, taken, left = visibleUntil(ARGV[4], tonumber(ARGV[6])), 0, {}
for line in linesOf('o') do
  local verifiedAt, operation = line:match('^(%d+) (%S+)')
  if operation == ARGV[5] and tonumber(verifiedAt) < seen then taken = 1 else table.insert(left, line) end
end
if taken == 1 then put('o', left) end
return {'ok', taken}`),

  /** name, json, expiresAt, now, how many are kept. Replies 1 or 0. */
  keepCeremony: aboutSession(`
if not alive then return {'ok', 0} end
local lines = {}
for line in linesOf('y') do
  local expiresAt, name = line:match('^(%d+) (%S+)')
  if name ~= ARGV[4] and tonumber(ARGV[7]) < tonumber(expiresAt) then table.insert(lines, line) end
end
table.insert(lines, ARGV[6] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])
if #lines > tonumber(ARGV[8]) then table.remove(lines, 1) end
put('y', lines)
keep()
return {'ok', 1}`),

  /** name, now */
  takeCeremony: aboutSession(`
if not known then return {'ok'} end
local found, lines = nil, {}
for line in linesOf('y') do
  local expiresAt, name, json = line:match('^(%d+) (%S+) (.*)$')
  if name ~= ARGV[4] then table.insert(lines, line)
  elseif tonumber(ARGV[5]) < tonumber(expiresAt) then found = json end
end
put('y', lines)
if found then return {'ok', found} end
return {'ok'}`),

  /** factor, now, failures without a delay, longest delay in seconds. Replies 1 and the failures, or 0 and when to come back. */
  takeTurn: aboutSession(`
if not known then return {'ok', 0, tonumber(ARGV[5]) + 1000} end
local now, failures, notBefore, lines = tonumber(ARGV[5]), 0, 0, {}
for line in linesOf('t') do
  local factor, failed, before = line:match('^(%S+) (%d+) (%d+)$')
  if factor == ARGV[4] then failures, notBefore = tonumber(failed), tonumber(before)
  else table.insert(lines, line) end
end
if now < notBefore then return {'ok', 0, notBefore} end
failures = failures + 1
local free = tonumber(ARGV[6])
if failures >= free then notBefore = now + math.min(tonumber(ARGV[7]), 2 ^ (failures - free)) * 1000 end
table.insert(lines, string.format('%s %.0f %.0f', ARGV[4], failures, notBefore))
put('t', lines)
keep()
return {'ok', 1, failures}`),

  /** factor */
  clearTurns: aboutSession(`
if not known then return {'ok'} end
local lines = {}
for line in linesOf('t') do
  if line:match('^%S+') ~= ARGV[4] then table.insert(lines, line) end
end
put('t', lines)
return {'ok'}`),

  /** Whether the session is here: 1 or 0. */
  find: aboutSession(`return {'ok', known and 1 or 0}`),

  /** Where the session of this key is from now on; what was here is forgotten. Replies where it was before, if anywhere. */
  point: scriptOf(`${opening}
if at == ARGV[4] then return {'ok'} end
redis.call('UNLINK', S)
redis.call('HSET', S, 'at', ARGV[4])
redis.call('PEXPIRE', S, LIFE)
if at then return {'ok', at} end
return {'ok'}`),

  /** Takes away what \`point\` put here. */
  unpoint: scriptOf(`${opening}
if at == ARGV[4] then redis.call('UNLINK', S) end
return {'ok'}`),

  forget: scriptOf(`redis.call('UNLINK', KEYS[1]) return {'ok'}`),

  /** To KEYS[2], of the same slot. Replies 1 or 0: it was not there. */
  rename: aboutSession(`
if not known then return {'ok', 0} end
redis.call('RENAME', S, KEYS[2])
redis.call('PEXPIRE', KEYS[2], LIFE)
return {'ok', 1}`),

  /** KEYS[1] holds the generation that proofs must be of. ARGV[1]: the one it gets where there is none. ARGV[2]: its life. */
  generation: scriptOf(`
local held = redis.call('GET', KEYS[1])
if not held then held = ARGV[1] end
redis.call('SET', KEYS[1], held, 'PX', ARGV[2])
return {'ok', held}`),
} as const satisfies Record<string, Script>;
